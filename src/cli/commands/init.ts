/** `fate init`: example files, completions and a systemd unit for where Fate is installed (SPEC 13). */
import type { Argv, CommandModule, Options as YargsOptions } from 'yargs';
import { SHELLS, type Shell } from '../completion/shells.ts';
import type { CommonArguments } from '../context.ts';

export interface InitArguments extends CommonArguments {
  /** Null: all in turn. */
  readonly part: 'conf' | 'comp' | 'serv' | null;
  readonly dir?: string | undefined;
  readonly file?: string | undefined;
  readonly format?: 'toml' | 'yaml' | undefined;
  readonly shell?: Shell | undefined;
  readonly prompt?: boolean | undefined;
  readonly 'no-prompt'?: boolean | undefined;
  readonly 'dry-run': boolean;
  readonly json: boolean;
  readonly tb?: boolean | undefined;
}

type Options = Omit<InitArguments, 'part'>;
type Done = (status: number) => void;

const SHARED = {
  prompt: { type: 'boolean', describe: 'ask before anything is made; the default on a terminal' },
  'no-prompt': {
    type: 'boolean',
    describe: 'ask nothing: make what is missing, leave what differs',
    conflicts: 'prompt',
  },
  'dry-run': { type: 'boolean', default: false, describe: 'write nothing; say what would be done' },
  json: { type: 'boolean', default: false, describe: 'print JSON, and ask nothing' },
} as const;
const FORMAT = {
  format: {
    choices: ['toml', 'yaml'],
    requiresArg: true,
    describe: 'of the example files; toml, if there are none yet',
  },
} as const;
const SHELL = {
  shell: { choices: SHELLS, requiresArg: true, describe: 'whose completion; by default that of $SHELL' },
} as const;

export function initCommand(done: Done): CommandModule<object, Options> {
  return {
    command: 'init',
    describe: 'set up: example configuration, completion for the shell, systemd unit',
    builder: (parser) =>
      parser
        .command(confCommand(done))
        .command(compCommand(done))
        .command(servCommand(done))
        .options(ownOnly({ ...FORMAT, ...SHELL, ...SHARED }))
        .example('sudo $0 init --system', 'all three for the whole machine, asking before each file')
        .example('$0 init conf --dry-run', 'which files would be made, and where?') as Argv<Options>,
    handler: (args) => start({ ...args, part: null }, done),
  };
}

function confCommand(done: Done): CommandModule<object, Options> {
  return {
    command: 'conf [dir]',
    describe: 'commented example files, with one small task that runs at once',
    builder: (parser) =>
      parser
        .positional('dir', { type: 'string', describe: 'put them there; by default into the configuration folder' })
        .options({ ...FORMAT, ...SHARED })
        .example(
          '$0 init conf --user --format yaml',
          'make ~/.config/fate/tasks.yaml and defaults.yaml',
        ) as Argv<Options>,
    handler: (args) => start({ ...args, part: 'conf' }, done),
  };
}

function compCommand(done: Done): CommandModule<object, Options> {
  return {
    command: 'comp [file]',
    describe: 'completion of commands, options and task names with the Tab key',
    builder: (parser) =>
      parser
        .positional('file', { type: 'string', describe: 'write it there, - for standard output' })
        .options({ ...SHELL, ...SHARED })
        .example('$0 init comp --shell zsh', 'for another shell than your own') as Argv<Options>,
    // yargs makes an empty text of a - that stands alone.
    handler: (args) => start({ ...args, part: 'comp', file: args.file === '' ? '-' : args.file }, done),
  };
}

function servCommand(done: Done): CommandModule<object, Options> {
  return {
    command: 'serv',
    describe: 'systemd unit that starts this Fate; enables and starts nothing',
    builder: (parser) =>
      parser
        .options(SHARED)
        .example('sudo $0 init serv --system', 'make /etc/systemd/system/fated.service') as Argv<Options>,
    handler: (args) => start({ ...args, part: 'serv' }, done),
  };
}

/** The commands below have their own. */
function ownOnly(options: Readonly<Record<string, YargsOptions>>): Record<string, YargsOptions> {
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { ...option, global: false }]));
}

async function start(args: InitArguments, done: Done): Promise<void> {
  const { init } = await import('../init/init.ts');
  done(await init(args));
}
