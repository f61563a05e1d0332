/** `fate status`: what the daemon does, what waits and what comes next (SPEC 12). Needs no daemon to say that there is none. */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface StatusArguments extends CommonArguments {
  readonly json: boolean;
}

export function statusCommand(done: (status: number) => void): CommandModule<object, StatusArguments> {
  return {
    command: 'status',
    describe: 'show what the daemon does, what waits and what is next',
    builder: (parser) =>
      parser
        .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
        .example('$0 status', 'is it running, and what does it do?') as never,
    handler: async (args) => {
      const { status } = await import('../daemon-status.ts');
      done(await status(args));
    },
  };
}
