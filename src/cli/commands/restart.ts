/** `fate restart`: the daemon starts anew, with the programs as they are installed now (SPEC 11). Quiet when it does. */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface RestartArguments extends CommonArguments {
  readonly 'when-idle': boolean;
  readonly json: boolean;
}

export function restartCommand(done: (status: number) => void): CommandModule<object, RestartArguments> {
  return {
    command: 'restart',
    describe: 'have the daemon start anew, with the programs that are installed now',
    builder: (parser) =>
      parser
        .option('when-idle', {
          type: 'boolean',
          default: false,
          describe: 'as soon as nothing runs; does not wait for it',
        })
        .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
        .example('$0 restart --when-idle', 'put an upgrade to use once what runs has ended') as never,
    handler: async (args) => {
      const { restart } = await import('../restarting.ts');
      done(await restart(args));
    },
  };
}
