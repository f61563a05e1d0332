/**
 * The rotated files of one log: compresses and deletes them, in the background (SPEC 10). Promises that nothing but files
 * named by `rotatedName` is ever touched, and that a compressed file is whole or not there.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { errnoOf } from '../errors.ts';
import type { EpochMs, LogTarget } from '../types.ts';
import { rotatedPattern } from './rotation.ts';

const PART = '.part';

/** @throws the first system error; what could be done besides is done. */
export async function tidyRotated(
  file: string,
  { retention, compression }: Pick<LogTarget, 'retention' | 'compression'>,
  now: EpochMs,
  signal: AbortSignal,
): Promise<void> {
  const folder = dirname(file);
  const problems: unknown[] = [];
  const attempt = (done: Promise<void>): Promise<void> => done.catch((error: unknown) => void problems.push(error));
  for (const path of await leftovers(file)) await attempt(rm(path, { force: true }));
  for (const { path } of await expired(file, retention, now)) await attempt(rm(path, { force: true }));
  if (compression === 'gz') {
    for (const name of await rotated(file)) {
      if (!signal.aborted && !name.endsWith('.gz')) await attempt(compress(join(folder, name), signal));
    }
  }
  if (problems.length > 0 && !signal.aborted) throw problems[0];
}

async function rotated(file: string): Promise<string[]> {
  const pattern = rotatedPattern(file);
  return (await readdir(dirname(file))).filter((name) => pattern.test(name));
}

/** Half-compressed files of a scheduler that died. */
async function leftovers(file: string): Promise<string[]> {
  const pattern = rotatedPattern(file);
  const names = await readdir(dirname(file));
  const parts = names.filter((name) => name.endsWith(PART) && pattern.test(name.slice(0, -PART.length)));
  return parts.map((name) => join(dirname(file), name));
}

/** Those beyond the count or the age; a file is as old as its last record. */
async function expired(
  file: string,
  retention: LogTarget['retention'],
  now: EpochMs,
): Promise<{ path: string; written: EpochMs }[]> {
  if (retention === null) return [];
  const { count, age } = retention;
  const files: { path: string; written: EpochMs }[] = [];
  for (const name of await rotated(file)) {
    const path = join(dirname(file), name);
    const found = await stat(path).catch(() => null);
    if (found?.isFile()) files.push({ path, written: found.mtimeMs });
  }
  files.sort((a, b) => b.written - a.written || (basename(a.path) < basename(b.path) ? 1 : -1));
  return files.filter(
    ({ written }, index) => (count !== null && index >= count) || (age !== null && now - written > age),
  );
}

/** The compressed file keeps mode and times, so that its age stays what it was. */
async function compress(path: string, signal: AbortSignal): Promise<void> {
  const part = `${path}.gz${PART}`;
  const { mode, atime, mtime } = await stat(path);
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(part, { mode: mode & 0o777 }), { signal });
    await complete(part, atime, mtime);
    await rename(part, `${path}.gz`);
    // What is deleted must not be all that there is after a power cut.
    await syncFolder(dirname(path));
    await rm(path, { force: true });
  } catch (error) {
    await rm(part, { force: true }).catch(() => {});
    throw error;
  }
}

/** Gives it its times, and has it on the disk (fsync(2)). */
async function complete(file: string, atime: Date, mtime: Date): Promise<void> {
  const handle = await open(file);
  try {
    await handle.utimes(atime, mtime);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Some file systems cannot, and need not. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}
