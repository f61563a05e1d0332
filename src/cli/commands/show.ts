/** `fate show`: everything that is recorded of one run (SPEC 12). Needs no daemon. */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface ShowArguments extends CommonArguments {
  readonly run: string;
  readonly output: boolean;
  readonly json: boolean;
}

export function showCommand(done: (status: number) => void): CommandModule<object, ShowArguments> {
  return {
    command: 'show <run>',
    describe: 'show all that is recorded of one run, or what it wrote',
    builder: (parser) =>
      parser
        .positional('run', { type: 'string', demandOption: true, describe: 'its id, or the beginning of it' })
        .option('output', {
          type: 'boolean',
          default: false,
          describe: 'print what a run that was not OK wrote to its standard output and standard error',
        })
        .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
        .example('$0 show 1m833s --output', 'what the run 1m833s… wrote') as never,
    handler: async (args) => {
      const { show } = await import('../showing.ts');
      done(await show(args));
    },
  };
}
