/** `fate run`: a run of a task now, through the daemon, beside its schedule (SPEC 12). */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface RunArguments extends CommonArguments {
  readonly task: string;
  readonly wait: boolean;
  readonly json: boolean;
}

export function runCommand(done: (status: number) => void): CommandModule<object, RunArguments> {
  return {
    command: 'run <task>',
    describe: 'have the daemon run a task now, when its turn comes',
    builder: (parser) =>
      parser
        .positional('task', { type: 'string', demandOption: true, describe: 'its name' })
        .option('wait', { type: 'boolean', default: false, describe: 'wait for its end; exit 1 if that is not OK' })
        .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
        .example('$0 run backup --wait && echo saved', 'run the task backup and wait for its end') as never,
    handler: async (args) => {
      const { runTask } = await import('../steering.ts');
      done(await runTask(args));
    },
  };
}
