/** `fate why`: why a task did not run, or ran late, in sentences (SPEC 12). Needs no daemon. */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface WhyArguments extends CommonArguments {
  readonly task: string;
  readonly time?: string | undefined;
  readonly json: boolean;
}

export function whyCommand(done: (status: number) => void): CommandModule<object, WhyArguments> {
  return {
    command: 'why <task> [time]',
    describe: 'explain why a task did not run, or ran late',
    builder: (parser) =>
      parser
        .positional('task', { type: 'string', demandOption: true, describe: 'its name' })
        .positional('time', {
          type: 'string',
          describe: 'when it was due, as 2026-03-29T02:30 or 02:30; else the latest',
        })
        .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
        .example('$0 why backup 02:00', 'what became of the run of the task backup that was due at 02:00') as never,
    handler: async (args) => {
      const { why } = await import('../explaining.ts');
      done(await why(args));
    },
  };
}
