/** `fate logs`: what Fate and its tasks have logged (SPEC 12). Needs no daemon. */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface LogsArguments extends CommonArguments {
  readonly task?: string | undefined;
  readonly follow: boolean;
  readonly lines?: string | undefined;
  readonly since?: string | undefined;
  readonly json: boolean;
}

export function logsCommand(done: (status: number) => void): CommandModule<object, LogsArguments> {
  return {
    command: 'logs [task]',
    describe: 'show what Fate and its tasks have logged: from the journal, else from the log file',
    builder: (parser) =>
      parser
        .positional('task', { type: 'string', describe: 'a name; everything if none' })
        .option('follow', {
          alias: 'f',
          type: 'boolean',
          default: false,
          describe: 'go on with what is logged from now on',
        })
        .option('lines', {
          alias: 'n',
          type: 'string',
          requiresArg: true,
          describe: 'how many of the latest records, or all; 100, 10 with --follow, all with --since',
        })
        .option('since', {
          type: 'string',
          requiresArg: true,
          describe: 'only what was logged since this time, as 2026-03-29T02:30, or so long ago, as 2h',
        })
        .option('json', { type: 'boolean', default: false, describe: 'print one JSON object per record' })
        .example('$0 logs disk -f', 'what the task disk logs, as it comes') as never,
    handler: async (args) => {
      const { logs } = await import('../logs.ts');
      done(await logs(args));
    },
  };
}
