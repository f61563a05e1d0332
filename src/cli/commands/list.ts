/** `fate list`: the tasks, when they are due, and how the last run of each ended (SPEC 12). Needs no daemon. */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface ListArguments extends CommonArguments {
  readonly names: boolean;
  readonly json: boolean;
}

export function listCommand(done: (status: number) => void): CommandModule<object, ListArguments> {
  return {
    command: 'list',
    describe: 'show the tasks: when they are due, and how they last ended',
    builder: (parser) =>
      parser
        .option('names', { type: 'boolean', default: false, describe: 'only the names, from the configuration alone' })
        .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
        .example('$0 list', 'all tasks at a glance') as never,
    handler: async (args) => {
      if (args.names) {
        const { listNames } = await import('../task-names.ts');
        return done(await listNames(args));
      }
      const { list } = await import('../task-list.ts');
      done(await list(args));
    },
  };
}
