/** `fate debug execute` and `fate debug run`: one command or task, now, in the foreground (SPEC 13). */
import type { Argv, CommandModule } from 'yargs';
import { FateError } from '../../errors.ts';
import type { CommonArguments } from '../context.ts';

export interface DebugArguments extends CommonArguments {
  readonly stdin?: string | undefined;
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
  readonly 'format-result'?: string | undefined;
  readonly 'no-report': boolean;
  readonly propagate: boolean;
}
export interface DebugRunArguments extends DebugArguments {
  readonly task: string;
  readonly record: boolean;
  readonly state: boolean;
}

type Done = (status: number) => void;

/** Options of `debug execute` that take a value in the next word. */
const VALUED = /^(-[ioe]|--(stdin|stdout|stderr|format-result))$/;

/** Whether this is `debug execute`, of which what follows `--` is the command. */
export function isDebugExecute(argv: readonly string[]): boolean {
  const first = wordFrom(argv, 0);
  return argv[first] === 'debug' && argv[wordFrom(argv, first + 1)] === 'execute';
}

/** Puts `--` before the command of `debug execute`, so that the command's own options are left to it. */
export function splitDebugged(argv: readonly string[]): string[] {
  if (!isDebugExecute(argv)) return [...argv];
  let at = wordFrom(argv, wordFrom(argv, 0) + 1) + 1;
  while (at < argv.length && /^-./.test(argv[at] ?? '') && argv[at] !== '--') at += VALUED.test(argv[at] ?? '') ? 2 : 1;
  return at < argv.length && argv[at] !== '--' ? [...argv.slice(0, at), '--', ...argv.slice(at)] : [...argv];
}

/** The next word that is no option; those that stand before a command take no value. */
function wordFrom(argv: readonly string[], from: number): number {
  let at = from;
  while (argv[at]?.startsWith('-') && argv[at] !== '--') at += 1;
  return at;
}

const SHARED = {
  stdin: {
    alias: 'i',
    type: 'string',
    requiresArg: true,
    describe: 'standard input: a path, a text, or - for this one',
  },
  stdout: {
    alias: 'o',
    type: 'string',
    requiresArg: true,
    describe: 'write the standard output to a file; - is this one',
  },
  stderr: {
    alias: 'e',
    type: 'string',
    requiresArg: true,
    describe: 'write the standard error to a file; - is this output',
  },
  'format-result': { type: 'string', requiresArg: true, describe: 'how to recognise the result, as format.result' },
  'no-report': { type: 'boolean', default: false, describe: 'print no report' },
  propagate: { type: 'boolean', default: false, describe: "exit with the command's own status" },
} as const;

export function debugCommand(done: Done): CommandModule<object, object> {
  return {
    command: 'debug',
    describe: 'run one command or task now, in the foreground',
    builder: (parser) =>
      parser
        .command(executeCommand(done))
        .command(runCommand(done))
        .example('$0 debug run disk', 'try the task disk out')
        .demandCommand(1, 1, 'debug execute or debug run?'),
    handler: () => {},
  };
}

function executeCommand(done: Done): CommandModule<object, DebugArguments> {
  return {
    command: 'execute',
    describe: 'run any command as a task would be run, and report',
    builder: (parser) =>
      parser
        .usage('$0 debug execute [OPTIONS] CMD [ARGS...]\n\nrun any command as a task would be run, and report')
        .options(SHARED)
        .example("$0 debug execute -i '{}' df -P /", 'what would be recorded of it?') as Argv<DebugArguments>,
    handler: async (args) => {
      const [command, ...rest] = (args['--'] as string[] | undefined) ?? [];
      if (command === undefined) throw new FateError('USAGE', 'debug execute needs a command');
      const { debugExecute } = await import('../debugging.ts');
      done(await debugExecute(args, [command, ...rest]));
    },
  };
}

function runCommand(done: Done): CommandModule<object, DebugRunArguments> {
  return {
    command: 'run <task>',
    describe: 'run a configured task, whatever its schedule, condition and tenancy',
    builder: (parser) =>
      parser
        .positional('task', { type: 'string', demandOption: true, describe: 'its name' })
        .options(SHARED)
        .options({
          record: { type: 'boolean', default: false, describe: 'record the result where the task would' },
          state: { type: 'boolean', default: false, describe: 'store the new state if it ends well' },
        })
        .example('$0 debug run disk --record', 'run the task disk and keep its result') as Argv<DebugRunArguments>,
    handler: async (args) => {
      const { debugRun } = await import('../debugging.ts');
      done(await debugRun(args));
    },
  };
}
