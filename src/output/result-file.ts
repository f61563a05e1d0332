/**
 * Writes a result beside its place, under a name that begins with a dot, and syncs it: nobody sees half a file. What fails
 * is thrown as it is and leaves nothing; `reasonOf` says it to people.
 */
import { type FileHandle, link, lstat, open, rm, statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { errnoOf, messageOf } from '../errors.ts';
import { faultPoint } from '../faults.ts';
import type { Bytes } from '../types.ts';
import type { Anchor } from './anchor.ts';
import { processUmask } from './ownership.ts';
import type { Beside } from './result-beside.ts';
import { synced } from './sync.ts';

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

/** Where a result goes, and whose it is to be. */
export interface Goal {
  /** Absolute. */
  readonly target: string;
  /** The folder of the target. */
  readonly anchor: Anchor;
  readonly beside: Beside;
  /** Null: the scheduler's own. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** Null: the scheduler's own. */
  readonly umask: number | null;
}

export interface Written {
  /** Its path. */
  readonly temporary: string;
  /** By which the file is known again, whatever its name (inode(7)); decimal, since they may be past what a double counts. */
  readonly dev: string;
  readonly ino: string;
}

/**
 * Throws where something is at `target` that no result may take the place of. Links are not followed.
 * @param owner whose alone it may be; null: anybody's
 */
export async function checkTarget(target: string, owner: number | null = null): Promise<void> {
  try {
    const found = await lstat(target);
    if (!found.isFile()) throw new Error('what is there is no regular file');
    if (owner !== null && found.uid !== owner) throw new Error('what is there belongs to another user');
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/** Makes a hidden file beside the target, lets `write` fill it, syncs it. Leaves nothing when it throws. */
export async function writeBeside(goal: Goal, write: (file: FileHandle) => Promise<void>): Promise<Written> {
  // 0666 less the umask, but nothing for anybody until it is the user's; `wx` follows no link.
  const mode = goal.user === null ? 0o666 : 0o600;
  const [temporary, file] = await makeBeside(goal, (path) => open(path, 'wx', mode));
  try {
    return await whole(goal, temporary, file, async () => {
      await write(file);
      if (goal.user !== null || goal.umask !== null) await handOver(file, goal);
    });
  } finally {
    await file.close().catch(() => {});
  }
}

/** The same with the content of a file: without a copy, where both are on one file system. */
export async function linkBeside(goal: Goal, source: string): Promise<Written> {
  const file = await open(source);
  try {
    // By the file itself and before it has a name there: where the user can write, a name is soon another file's.
    await handOver(file, goal);
    let temporary: string;
    try {
      [temporary] = await makeBeside(goal, (path) => link(source, path));
    } catch (error) {
      if (!isNoLink(error)) throw error;
      return await writeBeside(goal, (to) => copy(file, to));
    }
    return await whole(goal, temporary, file);
  } finally {
    await file.close().catch(() => {});
  }
}

/** Fills what was made beside the target and syncs it; where that fails it is removed. */
async function whole(
  { anchor }: Goal,
  temporary: string,
  file: FileHandle,
  fill = async (): Promise<void> => {},
): Promise<Written> {
  try {
    await fill();
    await synced(file);
    return await writtenAs(temporary, file);
  } catch (error) {
    await discard(anchor.at(basename(temporary)));
    throw error;
  }
}

/** Gives a file the owner and the mode of a result (SPEC 8). */
async function handOver(file: FileHandle, { anchor, user, umask }: Goal): Promise<void> {
  if (user !== null) await file.chown(user.uid, anchor.gid ?? user.gid);
  await file.chmod(0o666 & ~(umask ?? (await processUmask())));
}

async function writtenAs(temporary: string, file: FileHandle): Promise<Written> {
  const { dev, ino } = await file.stat({ bigint: true });
  return { temporary, dev: String(dev), ino: String(ino) };
}

/** Lets `make` make a hidden file beside the target; the folders above it too, where they are missing. */
async function makeBeside<T>(
  { target, anchor, beside }: Goal,
  make: (path: string) => Promise<T>,
): Promise<[temporary: string, made: T]> {
  const temporary = beside.nameIn(dirname(target));
  const path = anchor.at(basename(temporary));
  faultPoint('result.prepare');
  try {
    return [temporary, await make(path)];
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || !(await anchor.make())) throw error;
  }
  return [temporary, await make(path)];
}

async function copy(from: FileHandle, to: FileHandle): Promise<void> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (let at = 0; ; ) {
    const { bytesRead } = await from.read(buffer, 0, CHUNK, at);
    if (bytesRead === 0) return;
    await writeAll(to, buffer.subarray(0, bytesRead));
    at += bytesRead;
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

/** Throws what `isFull` knows, where the file system of a folder has less than 5 % free. */
export async function checkSpace(folder: string): Promise<void> {
  const { bavail, blocks } = await statfs(folder);
  if (blocks > 0 && bavail / blocks < LEAST_FREE) throw new NearlyFull('less than 5 % of the file system is free');
}

/** Removes what was written beside; whether that works changes nothing. */
export async function discard(temporary: string): Promise<void> {
  await rm(temporary, { force: true }).catch(() => {});
}
