/**
 * Writes a result beside its place, under a name that begins with a dot, and syncs it: nobody sees half a file. What fails
 * is thrown as it is and leaves nothing; `reasonOf` says it to people.
 */
import { chmod, type FileHandle, link, lstat, open, readFile, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, messageOf } from '../errors.ts';
import { faultPoint } from '../faults.ts';
import { makeFolders } from '../folders.ts';
import type { Bytes } from '../types.ts';
import type { Beside } from './result-beside.ts';

/** Bytes that are copied at a time. */
const CHUNK: Bytes = 1024 * 1024;
/** An archive is not unpacked further where less is free (as for the spool, SPEC 7). */
const LEAST_FREE = 0.05;

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be too large',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is no folder',
  EEXIST: 'a part of the path is no folder',
  EISDIR: 'a folder is there',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many links in the path',
  EIO: 'the device failed to read or write',
};

export function reasonOf(thrown: unknown): string {
  return REASONS[errnoOf(thrown) ?? ''] ?? messageOf(thrown);
}

/** For want of space nothing else will fit either. */
export function isFull(thrown: unknown): boolean {
  return thrown instanceof NearlyFull || ['ENOSPC', 'EDQUOT'].includes(errnoOf(thrown) ?? '');
}

class NearlyFull extends Error {}

/** Throws where something is at `target` that no result may take the place of. Links are not followed. */
export async function checkTarget(target: string): Promise<void> {
  try {
    if (!(await lstat(target)).isFile()) throw new Error('what is there is no regular file');
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/** Makes a hidden file beside `target`, lets `write` fill it, syncs it. Answers its path; leaves nothing when it throws. */
export async function writeBeside(
  target: string,
  beside: Beside,
  write: (file: FileHandle) => Promise<void>,
): Promise<string> {
  // 0666 less the umask; `wx` follows no link.
  const [path, file] = await makeBeside(target, beside, (path) => open(path, 'wx', 0o666));
  try {
    await write(file);
    await synced(file);
  } catch (error) {
    await discard(path);
    throw error;
  } finally {
    await file.close().catch(() => {});
  }
  return path;
}

/** The same with the content of a file: without a copy, where both are on one file system. */
export async function linkBeside(target: string, beside: Beside, source: string): Promise<string> {
  let path: string;
  try {
    [path] = await makeBeside(target, beside, (path) => link(source, path));
  } catch (error) {
    if (!isNoLink(error)) throw error;
    return writeBeside(target, beside, (file) => copy(source, file));
  }
  try {
    await chmod(path, 0o666 & ~(await umask()));
    const file = await open(path);
    await synced(file).finally(() => file.close());
  } catch (error) {
    await discard(path);
    throw error;
  }
  return path;
}

/** Lets `make` make a hidden file beside `target`; the folders above it too, where they are missing. */
async function makeBeside<T>(
  target: string,
  beside: Beside,
  make: (path: string) => Promise<T>,
): Promise<[path: string, made: T]> {
  const folder = dirname(target);
  const path = beside.nameIn(folder);
  faultPoint('result.prepare');
  try {
    return [path, await make(path)];
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const first = await makeFolders(folder);
  if (first !== null) {
    // Each new folder is an entry of the one above it.
    for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
  }
  return [path, await make(path)];
}

async function copy(source: string, to: FileHandle): Promise<void> {
  const from = await open(source);
  try {
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      const { bytesRead } = await from.read(buffer, 0, CHUNK, null);
      if (bytesRead === 0) return;
      await writeAll(to, buffer.subarray(0, bytesRead));
    }
  } finally {
    await from.close();
  }
}

/** FileHandle.write may write less than it is given. */
export async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done)).bytesWritten;
}

/** Another file system, or one that has no hard links. */
export function isNoLink(error: unknown): boolean {
  return ['EXDEV', 'EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'].includes(errnoOf(error) ?? '');
}

let umaskRead: Promise<number> | undefined;

/** From /proc, since process.umask() can only be read by setting it, for all threads. */
function umask(): Promise<number> {
  umaskRead ??= readFile('/proc/self/status', 'utf8').then(
    (status) => Number.parseInt(/^Umask:\s*([0-7]+)/m.exec(status)?.[1] ?? '77', 8),
    () => 0o077,
  );
  return umaskRead;
}

/** A sync may hold one of Node's four file threads for seconds: no more than two at once, others want them too. */
let syncs: readonly [Promise<unknown>, Promise<unknown>] = [Promise.resolve(), Promise.resolve()];

export function synced(file: FileHandle): Promise<void> {
  const mine = syncs[0].then(() => file.sync());
  syncs = [syncs[1], mine.catch(() => {})];
  return mine;
}

/** Makes a folder's entries durable. Some file systems cannot, and need not. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await synced(handle);
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** Throws what `isFull` knows, where the file system of a folder has less than 5 % free. */
export async function checkSpace(folder: string): Promise<void> {
  const { bavail, blocks } = await statfs(folder);
  if (blocks > 0 && bavail / blocks < LEAST_FREE) throw new NearlyFull('less than 5 % of the file system is free');
}

/** Removes what was written beside; whether that works changes nothing. */
export async function discard(temporary: string): Promise<void> {
  await rm(temporary, { force: true }).catch(() => {});
}
