/**
 * What stands in for the exec helper where it was not built: sh(1), nice(1) and setpriv(1). It keeps the same promises but
 * these: a program that cannot be run, and a user or a nice level that cannot be taken, are known by the exit status and the log
 * of the task alone; argv[0] is the program's path; variables whose names are no shell's are lost, and PWD is set.
 */
import type { Identity, ProcessContext } from '../types.ts';
import { findProgram } from './command.ts';

export interface Wrapped {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What it reads from descriptor 6; null: it gets none. */
  readonly script: string | null;
}

const SHELL = '/bin/sh';
const CD = 'cd -- "$0" 2>/dev/null || { echo cwd 0 >&5; exit 127; }';
/** Variables that no shell lets be set. */
const READ_ONLY = /^(UID|EUID|PPID|BASHOPTS|SHELLOPTS|BASH_VERSINFO)$/;

/**
 * @param nice what to add to the nice level of this process, or null
 * @returns what to start, or why it cannot be started
 */
export function wrap(
  context: ProcessContext,
  nice: number | null,
  folder: string | null,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Wrapped | string {
  const { identity, cwd, umask } = context;
  const level = nice === null ? [] : programWith('nice', ['-n', String(nice)]);
  const user = identity === null ? [] : programWith('setpriv', asUser(identity));
  if (typeof level === 'string') return `the nice level of the task cannot be set: ${level}`;
  if (typeof user === 'string') return `the user of the task cannot be taken: ${user}`;
  const begin = [
    ...(folder === null ? [] : ['{ echo 0 >"$1/cgroup.procs"; } 2>/dev/null || echo cgroup 0 >&5']),
    ...(umask === null ? [] : [`umask ${umask.toString(8).padStart(4, '0')}`]),
    'ulimit -Sn 1024 2>/dev/null',
  ];
  const end = cwd === null ? [] : [CD];
  if (identity === null) {
    const script = [...begin, ...end, 'shift', 'exec "$@" 5>&-'].join('\n');
    return { argv: [SHELL, '-c', script, cwd ?? SHELL, folder ?? '', ...level, ...command], env, script: null };
  }
  // Nothing that the user may have a say in (LD_PRELOAD, functions of bash) is followed before the user is taken.
  const inner = ['. /proc/self/fd/6', ...end, 'exec "$@" 5>&- 6<&-'].join('\n');
  const outer = [...begin, 'shift', 'exec "$@"'].join('\n');
  const asTheUser = [...level, ...user, '--', SHELL, '-c', inner, cwd ?? SHELL, ...command];
  return { argv: [SHELL, '-c', outer, SHELL, folder ?? '', ...asTheUser], env: {}, script: exports(env) };
}

/** By its whole path, and never by a PATH that is the task's. */
function programWith(name: string, args: readonly string[]): string[] | string {
  const file = findProgram(name, undefined);
  return file === null ? `the exec helper was not built, and ${name}(1) is not here` : [file, ...args];
}

function asUser({ uid, gid, groups }: Identity): string[] {
  const others = groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`;
  return [`--reuid=${uid}`, `--regid=${gid}`, others, '--inh-caps=-all'];
}

function exports(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .filter(([name]) => /^[A-Za-z_]\w*$/.test(name) && !READ_ONLY.test(name))
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('');
}
