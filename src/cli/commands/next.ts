/** `fate next`: when do the tasks run (SPEC 12)? Needs no daemon. */
import type { CommandModule } from 'yargs';
import { FateError } from '../../errors.ts';
import type { CommonArguments } from '../context.ts';

export interface NextArguments extends CommonArguments {
  readonly task: readonly string[];
  readonly number: number;
  readonly at?: string | undefined;
  readonly json: boolean;
}

export function nextCommand(done: (status: number) => void): CommandModule<object, NextArguments> {
  return {
    command: 'next [task..]',
    describe: 'show when tasks are due next',
    builder: (parser) =>
      parser
        .positional('task', { type: 'string', array: true, default: [], describe: 'names; all enabled tasks if none' })
        .option('number', {
          alias: 'n',
          type: 'number',
          default: 1,
          requiresArg: true,
          describe: 'how many times of each',
        })
        .option('at', { type: 'string', requiresArg: true, describe: 'count from this time, as 2026-03-29T02:30' })
        .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
        .example('$0 next disk -n 5', 'the next five times of the task disk') as never,
    handler: async (args) => {
      if (!Number.isInteger(args.number) || args.number < 1 || args.number > 100_000) {
        throw new FateError('USAGE', `--number: expected a whole number from 1 to 100000, found ${args.number}`);
      }
      const { next } = await import('../upcoming.ts');
      done(await next(args));
    },
  };
}
