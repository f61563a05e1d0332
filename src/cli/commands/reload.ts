/** `fate reload`: the daemon reads its configuration again, or says why it does not (SPEC 11). Quiet when it does. */
import type { CommandModule } from 'yargs';
import type { CommonArguments } from '../context.ts';

export interface ReloadArguments extends CommonArguments {
  readonly json: boolean;
}

export function reloadCommand(done: (status: number) => void): CommandModule<object, ReloadArguments> {
  return {
    command: 'reload',
    describe: 'have the daemon read the configuration again; a bad one is refused',
    builder: (parser) =>
      parser
        .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
        .example('$0 check && $0 reload', 'put an edited configuration to use') as never,
    handler: async (args) => {
      const { reload } = await import('../steering.ts');
      done(await reload(args));
    },
  };
}
