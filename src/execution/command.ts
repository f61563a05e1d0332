/**
 * What is run, and with which environment: renders a task's command, finds its program, and makes its environment of
 * the scheduler's. Promises that whatever is wrong is told in a sentence that names what was looked for and where.
 */
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Run, Scope, Task, Template } from '../types.ts';
import { whyNotRunnable } from './failure.ts';

export type Resolved =
  /** `program` is the file to run, `argv[0]` its name as it was configured (SPEC 7). */
  | { readonly ok: true; readonly program: string; readonly argv: string[] }
  | { readonly ok: false; readonly message: string };

/** Where programs are looked for when the scheduler has no PATH; Debian's login(1) gives root the same. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What runs a `shell` script; of several the first that is there. */
export const INTERPRETERS = { sh: ['sh'], bash: ['bash'], python: ['python3', 'python'] } as const;

/**
 * The argv of a run, templates rendered, argv[0] found on the PATH of `env` where it holds no `/`. A template that
 * throws and a program that is not there or not executable are `ok: false` (SPEC 7, `Failed`).
 */
export function resolveCommand(task: Task, scope: Scope, env: Readonly<Record<string, string | undefined>>): Resolved {
  const { command } = task;
  try {
    switch (command.kind) {
      case 'exec': {
        const argv = command.argv.map((template, at) => render(template, scope, `item ${at + 1} of exec`));
        if ((argv[0] ?? '') === '') return { ok: false, message: 'item 1 of exec names no program: it is empty' };
        return withProgram([argv[0] ?? ''], argv.slice(1), env.PATH);
      }
      case 'shell': {
        const script = render(command.script, scope, 'the script of shell');
        return withProgram(INTERPRETERS[command.executable], ['-c', script], env.PATH);
      }
      case 'command':
        return withProgram([command.program], [], env.PATH);
    }
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

function render(template: Template, scope: Scope, what: string): string {
  try {
    return template.render(scope);
  } catch (error) {
    throw new Error(`${what} cannot be rendered: ${messageOf(error)}`, { cause: error });
  }
}

function withProgram(names: readonly string[], args: readonly string[], path: string | undefined): Resolved {
  for (const name of names) {
    const program = findProgram(name, path);
    if (program !== null) return { ok: true, program, argv: [name, ...args] };
  }
  return { ok: false, message: whyNotFound(names, path) };
}

/**
 * The file that `name` runs, or null: as execvp(3) looks for it in the folders of `path` (the default where that is
 * unset or empty), or `name` itself where it holds a `/`. Only regular files that this user may execute count. Empty
 * items of `path`, which would mean the current folder, are passed over.
 */
export function findProgram(name: string, path: string | undefined): string | null {
  return candidates(name, path).find((file) => whyNotRunnable(file) === null) ?? null;
}

function candidates(name: string, path: string | undefined): string[] {
  if (name === '') return [];
  return name.includes('/') ? [name] : foldersOf(path).map((folder) => resolve(folder, name));
}

function foldersOf(path: string | undefined): string[] {
  return (path || DEFAULT_PATH).split(':').filter((folder) => folder !== '');
}

function whyNotFound(names: readonly string[], path: string | undefined): string {
  const near = names
    .flatMap((name) => candidates(name, path))
    .map(whyNotRunnable)
    .filter((why) => why !== null);
  const named = names.length === 1 && names[0]?.includes('/') === true;
  if (named) return near[0] ?? `${names[0]} cannot be run`;
  const there = near.find((why) => !why.endsWith('does not exist'));
  const where = `in ${foldersOf(path).join(':')} (${path ? 'PATH' : 'there is no PATH'})`;
  return `no program ${names.join(' or ')} ${where}${there === undefined ? '' : `; ${there}`}`;
}

// ---------------------------------------------------------------------------------------------- environment

/** systemd.exec(5) sets these for the service itself; a task that took them for its own would be misled (SPEC 7). */
const OF_THE_SERVICE = new RegExp(
  `^(${[
    'NOTIFY_SOCKET',
    'WATCHDOG_.*',
    'LISTEN_.*',
    'JOURNAL_STREAM',
    'INVOCATION_ID',
    'SYSTEMD_EXEC_PID',
    'MAINPID',
    'MANAGERPID',
    'PIDFILE',
    'MEMORY_PRESSURE_.*',
    '(CREDENTIALS|RUNTIME|STATE|CACHE|LOGS|CONFIGURATION)_DIRECTORY',
  ].join('|')})$`,
);

/**
 * The environment of a run: the scheduler's less what systemd set for the service; HOME, USER, LOGNAME, SHELL and
 * PATH of the scheduler's user where the scheduler has none (SPEC 3.1); and the four names of SPEC 7.
 */
export function taskEnvironment(env: Readonly<Record<string, string | undefined>>, run: Run): Record<string, string> {
  return {
    ...baseEnvironment(env),
    FATE_TASK: run.task.name,
    FATE_RUN_ID: run.id,
    FATE_DUE: new Date(run.due).toISOString().replace('.000Z', 'Z'),
    FATE_ATTEMPT: String(run.attempt),
  };
}

/** What all tasks of a scheduler have in common; it never changes the environment that it hands in. */
const bases = new WeakMap<object, Readonly<Record<string, string>>>();

function baseEnvironment(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const known = bases.get(env);
  if (known !== undefined) return known;
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !OF_THE_SERVICE.test(entry[0]),
  );
  const base = { ...userEnvironment(), ...Object.fromEntries(kept) };
  // What may change under us, as process.env does, is looked at each time.
  if (env !== process.env) bases.set(env, base);
  return base;
}

let ofTheUser: Readonly<Record<string, string>> | null = null;

/** Asked once: the user database may be a slow server's. A user that is in none (a container's) has PATH alone. */
function userEnvironment(): Readonly<Record<string, string>> {
  if (ofTheUser === null) {
    ofTheUser = { PATH: DEFAULT_PATH };
    try {
      const { username, homedir, shell } = userInfo();
      ofTheUser = { ...ofTheUser, HOME: homedir, USER: username, LOGNAME: username, SHELL: shell || '/bin/sh' };
    } catch {
      // getpwuid_r(3) knows no such user.
    }
  }
  return ofTheUser;
}
