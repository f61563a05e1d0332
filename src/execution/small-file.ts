/**
 * Reads a file that a configuration names, for environment files and credentials. Promises never to wait for what is no
 * regular file (a pipe, a terminal), and never to take in more than was asked for.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errnoOf } from '../errors.ts';
import { canWrite, O_PATH, STICKY } from '../modes.ts';
import type { Bytes, Identity } from '../types.ts';
import { systemText } from './failure.ts';

export type SmallFile =
  | { readonly ok: true; readonly bytes: Buffer }
  /** `why` follows the name of the file: "does not exist". */
  | { readonly ok: false; readonly missing: boolean; readonly why: string };

/**
 * Links are followed. Never throws.
 * @param user for whom root reads it: where he could have led the path elsewhere, it must be his own file
 */
export function readSmall(path: string, limit: Bytes, user: Identity | null = null): SmallFile {
  let fd: number;
  try {
    fd = openRegular(path);
  } catch (error) {
    const missing = ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');
    return { ok: false, missing, why: missing ? 'does not exist' : `cannot be read: ${systemText(error)}` };
  }
  try {
    const stats = fstatSync(fd);
    if (stats.isDirectory()) return { ok: false, missing: false, why: 'is a folder' };
    if (!stats.isFile()) return { ok: false, missing: false, why: 'is not a regular file' };
    if (user !== null && stats.uid !== user.uid && mayLead(path, user)) {
      return { ok: false, missing: false, why: 'belongs to another user, and the user of the task can lead there' };
    }
    const bytes = readUpTo(fd, limit, stats.size);
    return bytes === null
      ? { ok: false, missing: false, why: `is larger than ${limit / 1024} KiB` }
      : { ok: true, bytes };
  } catch (error) {
    return { ok: false, missing: false, why: `cannot be read: ${systemText(error)}` };
  } finally {
    closeSync(fd);
  }
}

/** Without O_PATH: opening a pipe would wait for one who writes, and opening a device may set something off. */
function openRegular(path: string): number {
  const held = openSync(path, O_PATH);
  if (!fstatSync(held).isFile()) return held;
  try {
    return openSync(`/proc/self/fd/${held}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } finally {
    closeSync(held);
  }
}

/** Whether a user may name, or have named, a part of the path, as it is written or as links lead it. */
function mayLead(path: string, user: Identity): boolean {
  if (user.uid === 0 || process.geteuid?.() !== 0) return false;
  return [resolve(path), realpathSync(path)].some((whole) => {
    for (let part = whole; part !== '/'; part = dirname(part)) if (canName(part, user)) return true;
    return false;
  });
}

/** In a folder with the sticky bit what is root's is there by root's hand, and stays. */
function canName(part: string, user: Identity): boolean {
  const folder = statSync(dirname(part));
  if (!canWrite(folder, user)) return false;
  return folder.uid === user.uid || (folder.mode & STICKY) === 0 || lstatSync(part).uid !== 0;
}

/** To its end, since a file of /proc has no size and any other may grow; null past the limit. */
function readUpTo(fd: number, limit: Bytes, expected: Bytes): Buffer | null {
  let buffer = Buffer.alloc(Math.min(limit, expected) + 1);
  let length = 0;
  for (;;) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    length += count;
    if (count === 0) return buffer.subarray(0, length);
    if (length > limit) return null;
    if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(limit + 1, buffer.length * 2 + 4096));
  }
}
