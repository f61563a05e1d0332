/** `fate pause`: the due times of a task are skipped until it is resumed (SPEC 12). Needs no daemon. */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface PauseArguments extends CommonArguments {
  readonly task?: string | undefined;
  readonly for?: string | undefined;
  readonly json: boolean;
}

export function pauseCommand(done: (status: number) => void): CommandModule<object, PauseArguments> {
  return {
    command: 'pause [task]',
    describe: 'skip the due times of a task for a while; without a task: show which are paused',
    builder: (parser) =>
      parser
        .positional('task', { type: 'string', describe: 'its name' })
        .option('for', { type: 'string', requiresArg: true, describe: 'for how long, as 2h; else until it is resumed' })
        .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
        .example('$0 pause backup --for 2h', 'what is due within two hours is skipped, and not made up for') as never,
    handler: async (args) => {
      const { pauseTask } = await import('../pausing.ts');
      done(await pauseTask(args));
    },
  };
}
