/** `fate runs`: what ran, what did not, and what goes on (SPEC 12). Needs no daemon. */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface RunsArguments extends CommonArguments {
  readonly task?: string | undefined;
  readonly status?: string | undefined;
  readonly since?: string | undefined;
  readonly number?: string | undefined;
  readonly json: boolean;
}

export function runsCommand(done: (status: number) => void): CommandModule<object, RunsArguments> {
  return {
    command: 'runs [task]',
    describe: 'show what ran, what did not, and what goes on; the latest last',
    builder: (parser) =>
      parser
        .positional('task', { type: 'string', describe: 'a name; all tasks if none' })
        .option('status', {
          type: 'string',
          requiresArg: true,
          describe: 'only these, as error,timeout or skipped or running',
        })
        .option('since', {
          type: 'string',
          requiresArg: true,
          describe: 'only what was due since this time, as 2026-03-29T02:30, or so long ago, as 2h',
        })
        .option('number', {
          alias: 'n',
          type: 'string',
          requiresArg: true,
          describe: 'how many, or all; 20, or all with --since',
        })
        .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
        .example(
          '$0 runs disk --status error,lost --since 1w',
          'what went wrong with the task disk in a week',
        ) as never,
    handler: async (args) => {
      const { runs } = await import('../listing.ts');
      done(await runs(args));
    },
  };
}
