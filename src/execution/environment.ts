/**
 * What the environment of a run is made of (SPEC 3.1, 7): the scheduler's less what systemd set for the service, what an account
 * says of its user, and the names that Fate tells each run. For context.ts, which puts them together.
 */
import type { Account, Accounts, Run } from '../types.ts';

export type Env = Readonly<Record<string, string | undefined>>;
export type FullEnv = Readonly<Record<string, string>>;

/** Where programs are looked for when the scheduler has no PATH; Debian's login(1) gives root the same. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Of any other user; the games of login(1) are left out, as systemd.exec(5) does. */
const USER_PATH = '/usr/local/bin:/usr/bin:/bin';

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

/** What all tasks of a scheduler have in common; it never changes the environment that it hands in. */
const bases = new WeakMap<object, FullEnv>();

/** The scheduler's own for its tasks; HOME, USER, LOGNAME, SHELL and PATH of its user where it has none. */
export function inheritedEnvironment(env: Env, uid: number, accounts: Accounts): FullEnv {
  const known = bases.get(env);
  if (known !== undefined) return known;
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !OF_THE_SERVICE.test(name)) own[name] = value;
  }
  const whole = ['HOME', 'USER', 'LOGNAME', 'SHELL', 'PATH'].every((name) => own[name] !== undefined);
  const account = whole ? null : accountOf(uid, accounts);
  const base: Record<string, string> = { PATH: DEFAULT_PATH };
  // A user that is in no database (a container's) has PATH alone.
  if (account && account.name !== '') overlay(base, { ...accountEnvironment(account), PATH: DEFAULT_PATH });
  overlay(base, own);
  // What may change under us, as process.env does, is looked at each time; so is a database that did not answer.
  if (env !== process.env && account !== undefined) bases.set(env, base);
  return base;
}

/** Undefined where the database does not answer, which is no reason to run nothing. */
function accountOf(uid: number, accounts: Accounts): Account | null | undefined {
  try {
    return accounts.user(String(uid));
  } catch {
    return undefined;
  }
}

/** Sets names, and takes away those that are undefined. */
export function overlay(env: Record<string, string>, changes: Env): void {
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
}

/** A login's (SPEC 3.1). What an account says nothing of is undefined: it must not be another user's. */
export function accountEnvironment(account: Account): Env {
  const name = account.name === '' ? undefined : account.name;
  return {
    HOME: account.home === '' ? '/' : account.home,
    USER: name,
    LOGNAME: name,
    SHELL: shellOf(account.shell),
    PATH: account.uid === 0 ? DEFAULT_PATH : USER_PATH,
  };
}

/** One that lets nobody in (nologin(8)) is none that a program could start. */
function shellOf(shell: string): string {
  return shell === '' || /\/(nologin|false|true)$/.test(shell) ? '/bin/sh' : shell;
}

/** The four names of SPEC 7. */
export function fateEnvironment(run: Run): FullEnv {
  return {
    FATE_TASK: run.task.name,
    FATE_RUN_ID: run.id,
    FATE_DUE: new Date(run.due).toISOString().replace('.000Z', 'Z'),
    FATE_ATTEMPT: String(run.attempt),
  };
}
