/**
 * Reads and writes the files of control groups (Documentation/admin-guide/cgroup-v2.rst of the kernel) for the other parts
 * of platform/control-group*. All calls are synchronous: the files are the kernel's own memory and wait for no disk.
 */
import { closeSync, constants, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';

const buffer = Buffer.allocUnsafe(4096);

/** A file of at most some lines. @throws a system error; `ENODEV` where the group was removed meanwhile */
export function readShort(path: string): string {
  // readFileSync asks for the size first, which the kernel does not know, and takes twice as long.
  const fd = openSync(path, 'r');
  try {
    return buffer.toString('latin1', 0, readSync(fd, buffer, 0, buffer.length, null));
  } finally {
    closeSync(fd);
  }
}

/** Never made where it is not there: that is `ENOENT`, and tells that the kernel has no such file. @throws a system error */
export function writeValue(path: string, value: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

/** The number behind a key of a flat keyed file (`oom_kill 3`), or the only one of a file without keys; null for none. */
export function readNumber(path: string, key: string | null): number | null {
  let text: string;
  try {
    text = readShort(path);
  } catch {
    return null;
  }
  const line = key === null ? text : (text.split('\n').find((each) => each.startsWith(`${key} `)) ?? '');
  const digits = /^\d+$/.exec(key === null ? line.trim() : line.slice(key.length + 1));
  return digits === null ? null : Number(digits[0]);
}

/** Null where it cannot be told, for want of descriptors say; a group that is not there has nobody. */
export function isPopulated(path: string): boolean | null {
  try {
    return !/^populated 0$/m.test(readShort(join(path, 'cgroup.events')));
  } catch (error) {
    return isMissing(error) ? false : null;
  }
}

/** The group was removed: `ENODEV` says so of a file that was opened before. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENODEV', 'ENOTDIR'].includes(errnoOf(error) ?? '');
}

/** Processes right in a group; 0 stands for one that this process cannot see. Empty where that cannot be read. */
export function processesIn(path: string): number[] {
  try {
    const text = readFileSync(join(path, 'cgroup.procs'), 'latin1');
    return [
      ...new Set(
        text
          .split('\n')
          .filter((line) => line !== '')
          .map(Number),
      ),
    ];
  } catch {
    return [];
  }
}

/** The groups right below one. */
export function groupsIn(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name));
  } catch {
    return [];
  }
}
