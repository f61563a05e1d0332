/** `fate kill`: ends what runs of a task, or one run, and drops what waits (SPEC 12). */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface KillArguments extends CommonArguments {
  readonly what: string;
  readonly json: boolean;
}

export function killCommand(done: (status: number) => void): CommandModule<object, KillArguments> {
  return {
    command: 'kill <what>',
    describe: 'end the runs of a task, or one run; what waits is not run',
    builder: (parser) =>
      parser
        .positional('what', { type: 'string', demandOption: true, describe: 'the name of a task, or the id of a run' })
        .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
        .example('$0 kill backup', 'tell all runs of the task backup to end') as never,
    handler: async (args) => {
      const { kill } = await import('../steering.ts');
      done(await kill(args));
    },
  };
}
