/**
 * One scheduler for one configuration: flock(2) on `<state folder>/lock` (SPEC 11). Of two that start at the same moment
 * exactly one gets it; the kernel lets go of it when its owner dies. The file names the owner for people and programs.
 */
import { closeSync, constants, ftruncateSync, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, FateError, messageOf } from '../errors.ts';
import { tryLock } from './native.ts';

export interface Owner {
  readonly pid: number;
  readonly program: string;
  /** Its run folder, `<run>/run-<pid>`. */
  readonly run: string;
}

export interface Lock {
  readonly held: true;
  release(): void;
}
export interface Conflict {
  readonly held: false;
  /** Null when the owner has not said who it is yet. */
  readonly owner: Owner | null;
}

function readOwner(path: string): Owner | null {
  try {
    const owner: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof owner === 'object' && owner !== null && 'pid' in owner ? (owner as Owner) : null;
  } catch {
    return null;
  }
}

/** @throws FateError FATAL when the file cannot be made, locked or written. */
export function acquireLock(folder: string, owner: Owner): Lock | Conflict {
  const path = join(folder, 'lock');
  let fd: number | null = null;
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    if (!tryLock(fd)) {
      closeSync(fd);
      return { held: false, owner: readOwner(path) };
    }
    ftruncateSync(fd, 0);
    writeSync(fd, `${JSON.stringify(owner)}\n`, 0);
  } catch (error) {
    if (fd !== null) closeSync(fd);
    throw new FateError('FATAL', `cannot lock ${path}: ${messageOf(error)}`, { cause: error });
  }
  const locked = fd;
  return {
    held: true,
    release() {
      // The file stays: removing a lock file lets two owners hold two files of one name.
      ftruncateSync(locked, 0);
      closeSync(locked);
    },
  };
}

/**
 * Who holds the lock now, or null; for who only asks. Never tries the lock itself, which would turn away a scheduler that
 * starts at this moment: asks /proc whether the process that the file names has the file open (proc(5), /proc/PID/fd).
 * Where that is not for us to see, a process of that id that lives counts.
 */
export function lockOwner(folder: string): Owner | null {
  const path = join(folder, 'lock');
  const owner = readOwner(path);
  if (owner === null || !Number.isSafeInteger(owner.pid)) return null;
  try {
    const lock = statSync(path);
    const fds = join('/proc', String(owner.pid), 'fd');
    const holds = readdirSync(fds).some((fd) => {
      const file = statSync(join(fds, fd), { throwIfNoEntry: false });
      return file !== undefined && file.ino === lock.ino && file.dev === lock.dev;
    });
    return holds ? owner : null;
  } catch (error) {
    return ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '') ? owner : null;
  }
}
