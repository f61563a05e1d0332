/**
 * Reads a file that a configuration names, for environment files and credentials. Promises never to wait for what is no
 * regular file (a pipe, a terminal), and never to take in more than was asked for.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import type { Bytes } from '../types.ts';
import { systemText } from './failure.ts';

export type SmallFile =
  | { readonly ok: true; readonly bytes: Buffer }
  /** `why` follows the name of the file: "does not exist". */
  | { readonly ok: false; readonly missing: boolean; readonly why: string };

/** Links are followed. Never throws. */
export function readSmall(path: string, limit: Bytes): SmallFile {
  let fd: number;
  try {
    // Opening a pipe for reading would wait for one who writes.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const missing = ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');
    return { ok: false, missing, why: missing ? 'does not exist' : `cannot be read: ${systemText(error)}` };
  }
  try {
    const stats = fstatSync(fd);
    if (stats.isDirectory()) return { ok: false, missing: false, why: 'is a folder' };
    if (!stats.isFile()) return { ok: false, missing: false, why: 'is not a regular file' };
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
