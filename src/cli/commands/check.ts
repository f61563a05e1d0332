/** `fate check`: is the configuration right, and what in it may surprise (SPEC 3, 12)? Quiet when all is well. */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface CheckArguments extends CommonArguments {
  readonly path?: string | undefined;
  readonly json: boolean;
}

export function checkCommand(done: (status: number) => void): CommandModule<object, CheckArguments> {
  return {
    command: 'check [path]',
    describe: 'validate the configuration and point out what may surprise',
    builder: (parser) =>
      parser
        .positional('path', { type: 'string', describe: 'a folder, or a tasks file in one' })
        .option('json', { type: 'boolean', default: false, describe: 'print the problems as JSON' })
        .example('$0 check ./fate', 'validate the files in ./fate before they are installed') as never,
    handler: async (args) => {
      const { check } = await import('../checking.ts');
      done(await check(args));
    },
  };
}
