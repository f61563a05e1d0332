/**
 * Why a program could not be started, in one sentence for people. Promises to tell apart what execve(2) reports with
 * one errno: a program that is not there from one whose interpreter is not. Never throws.
 */
import { accessSync, closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { errnoOf, messageOf, systemErrorOf } from '../errors.ts';
import type { ProcessContext } from '../types.ts';
import type { Complaint } from './report.ts';

/** execve(2), "Limits on size of arguments and environment": MAX_ARG_STRLEN, with the NUL at the end. */
const LONGEST_STRING = 131_072;

/** `no space left on device (ENOSPC)`: a system error without the call it came from. */
export function systemText(thrown: unknown): string {
  const code = errnoOf(thrown);
  const errno = thrown instanceof Error && 'errno' in thrown ? Number(thrown.errno) : Number.NaN;
  const [, text] = getSystemErrorMap().get(errno) ?? [];
  return code === null || text === undefined ? messageOf(thrown) : `${text} (${code})`;
}

/** Why `file` cannot be run, by what is there to be seen: no such file, a folder, not executable. Null: nothing seen. */
export function whyNotRunnable(file: string): string | null {
  let stats: Stats | undefined;
  try {
    // Most folders of PATH do not have it: an error thrown for each would take longer than all the rest.
    stats = statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return `${file} does not exist`;
    return `${file} cannot be run: ${systemText(error)}`;
  }
  if (stats === undefined) return `${file} does not exist`;
  if (stats.isDirectory()) return `${file} is a folder, not a program`;
  if (!stats.isFile()) return `${file} is not a regular file`;
  return isExecutable(file) ? null : `${file} is not executable`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What `spawn` threw, for `argv` and `env` as they were handed to it; the program's file stands first in `argv`. */
export function explainFailure(
  thrown: unknown,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): string {
  const [program = ''] = argv;
  switch (errnoOf(thrown)) {
    case 'ENOENT':
    case 'EACCES':
    case 'ENOTDIR':
      return whyNotRunnable(program) ?? whyNotInterpreted(program) ?? `${program} cannot be run: ${systemText(thrown)}`;
    case 'E2BIG':
      return whyTooLong(argv, env);
    case 'ENOEXEC':
      return `${program} is no program for this machine (ENOEXEC)`;
    case 'ETXTBSY':
      return `${program} cannot be run while it is being written (ETXTBSY)`;
    case 'EAGAIN':
      return 'no process can be made: the limit of processes is reached (EAGAIN)';
    case 'ENOMEM':
      return 'no process can be made: not enough memory (ENOMEM)';
    default:
      return whyInvalid(argv, env) ?? `${program} cannot be run: ${systemText(thrown)}`;
  }
}

/** What the exec helper could not do, for what it was told. */
export function explainStep(
  { step, errno }: Complaint,
  context: ProcessContext,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): string {
  const { identity, cwd, nice } = context;
  const error = systemErrorOf(errno, step);
  const because = (call: string): string => (errno === 0 ? '' : ` (${call}: ${systemText(error)})`);
  switch (step) {
    case 'exec':
      return explainFailure(error, argv, env);
    case 'uid':
      return `the user ${identity?.uid} cannot be taken${because('setuid')}`;
    case 'gid':
      return `the group ${identity?.gid} cannot be taken${because('setgid')}`;
    case 'groups':
      if (identity?.groups.length === 0) return `the scheduler's groups cannot be given up${because('setgroups')}`;
      return `the groups ${identity?.groups.join(', ')} cannot be taken${because('setgroups')}`;
    case 'cwd':
      return `the folder ${cwd} (cwd) cannot be entered${errno === 0 ? whyNoFolder(cwd ?? '') : `: ${systemText(error)}`}`;
    case 'nice':
      return `the nice level ${nice} cannot be set: ${systemText(error)}`;
    case 'files':
      return `the limit of open files cannot be set: ${systemText(error)}`;
    case 'cgroup':
      return `its control group could not be joined${because('cgroup.procs')}; it runs outside`;
    case 'usage':
      return 'the exec helper does not know what it was told: it is of another version than the scheduler';
  }
}

function whyNoFolder(folder: string): string {
  try {
    const stats = statSync(folder, { throwIfNoEntry: false });
    if (stats === undefined) return ': it does not exist';
    return stats.isDirectory() ? '' : ': it is not a folder';
  } catch (error) {
    return `: ${systemText(error)}`;
  }
}

/** The kernel says ENOENT or EACCES of the program when it means what the program is to be run by. */
function whyNotInterpreted(program: string): string | null {
  const head = headOf(program);
  if (head.startsWith('\x7fELF')) {
    return `the loader that ${program} was built for is not there (is it a program for another system?)`;
  }
  const line = /^#![ \t]*([^\n]*)/.exec(head)?.[1];
  if (line === undefined) return null;
  const [interpreter = ''] = line.split(/[ \t]/);
  if (interpreter.endsWith('\r')) {
    return `the interpreter in the first line of ${program} does not exist: its lines end as in Windows (CR LF)`;
  }
  const why = whyNotRunnable(interpreter);
  return why === null ? null : `the interpreter in the first line of ${program} cannot be run: ${why}`;
}

function headOf(file: string): string {
  const buffer = Buffer.alloc(256);
  try {
    // By now a pipe may be there, which would be waited for.
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      if (!fstatSync(fd).isFile()) return '';
      return buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}

function whyTooLong(argv: readonly string[], env: Readonly<Record<string, string>>): string {
  const hint = 'what is long is better handed over as a parameter, on fd 0';
  const long = argv.findIndex((text) => Buffer.byteLength(text) >= LONGEST_STRING);
  if (long >= 0) return `argument ${long} is too long, over 128 KiB (E2BIG); ${hint}`;
  const name = Object.keys(env).find((key) => Buffer.byteLength(`${key}=${env[key]}`) >= LONGEST_STRING);
  if (name !== undefined) return `the environment variable ${name} is too long, over 128 KiB (E2BIG)`;
  return `the arguments and the environment are too long together (E2BIG); ${hint}`;
}

/** The NUL byte in what the program is to be given, which C would take for the end of it; null where there is none. */
export function whyInvalid(argv: readonly string[], env: Readonly<Record<string, string>>): string | null {
  const at = argv.findIndex((text) => text.includes('\0'));
  if (at >= 0) return `argument ${at} holds a NUL byte, which no program can be given`;
  const name = Object.keys(env).find((key) => `${key}=${env[key]}`.includes('\0'));
  return name === undefined ? null : `the environment variable ${JSON.stringify(name)} holds a NUL byte`;
}
