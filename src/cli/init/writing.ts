/**
 * Puts a file or a link in its place for `fate init`: whole or not at all, and over nothing that has not been agreed to. Written
 * beside, synced, then linked (which fails where something is there) or renamed (which replaces what is there, a link too).
 */
import { randomBytes } from 'node:crypto';
import { constants, mkdirSync, type Stats } from 'node:fs';
import { link, lstat, open, readlink, rename, rm, rmdir, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf, FateError } from '../../errors.ts';
import { cannotWrite } from './looking.ts';
import type { Wanted } from './wanted.ts';

/** What a file system answers that has no second names for a file. */
const NO_LINKS = ['EPERM', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** @throws FateError PATH_ACCESS, also where something has come there meanwhile; PATH_TYPE */
export async function make(wanted: Wanted): Promise<void> {
  await place(wanted, async (beside) => {
    await linkOrCopy(beside, wanted.path);
    await unlink(beside);
  });
}

/** @returns where the old one is now; null where it was not to be kept. @throws FateError PATH_ACCESS */
export async function replace(wanted: Wanted): Promise<string | null> {
  let old: string | null = null;
  await place(wanted, async (beside) => {
    const kept = wanted.keepOld ? await keep(wanted.path) : null;
    try {
      await rename(beside, wanted.path);
    } catch (error) {
      if (kept !== null) await unlink(kept).catch(() => {});
      throw error;
    }
    old = kept;
  });
  return old;
}

async function place(wanted: Wanted, put: (beside: string) => Promise<void>): Promise<void> {
  const folder = dirname(wanted.path);
  const beside = join(folder, `.${basename(wanted.path)}.${randomBytes(6).toString('hex')}`);
  const made: string[] = [];
  try {
    await makeFoldersAbove(wanted, made);
    await write(beside, wanted);
    await put(beside);
    await syncFolder(folder);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    for (const folder of made.reverse()) await rmdir(folder).catch(() => {});
    if (error instanceof FateError) throw error;
    throw cannotWrite(wanted.path, wanted.scope, error, folder, process.getuid?.() ?? 0);
  }
}

async function write(beside: string, { content, scope }: Wanted): Promise<void> {
  if ('link' in content) return symlink(content.link, beside);
  const file = await open(
    beside,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    await file.writeFile(content.text);
    await file.chmod(modeOf(0o644, scope));
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The system's is for all to read, whatever the umask; a user may have it tighter. Nobody else ever writes it. */
function modeOf(mode: number, scope: Wanted['scope']): number {
  return scope === 'system' ? mode : mode & ~process.umask();
}

/** @param made gets those that were not there */
async function makeFoldersAbove({ path, scope }: Wanted, made: string[]): Promise<void> {
  const missing: string[] = [];
  for (let folder = dirname(path); (await statOf(folder)) === null; folder = dirname(folder)) missing.unshift(folder);
  for (const folder of missing) {
    try {
      makeFolder(folder, modeOf(0o755, scope));
      made.push(folder);
    } catch (error) {
      // Somebody was quicker.
      if (errnoOf(error) !== 'EEXIST' || !(await statOf(folder))?.isDirectory()) throw error;
    }
  }
}

/** With its mode from the start: to change that later by the name would follow a link that took the folder's place. */
function makeFolder(folder: string, mode: number): void {
  const umask = process.umask(0);
  try {
    mkdirSync(folder, { mode });
  } finally {
    process.umask(umask);
  }
}

async function statOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && dirname(path) !== path) return null;
    throw error;
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!NO_LINKS.includes(errnoOf(error) ?? '')) throw error;
    await copy(from, to);
  }
}

/** A file with its mode, a link as a link: whoever may rename things in that folder could have put one there meanwhile. */
export async function copy(from: string, to: string): Promise<void> {
  if ((await lstat(from)).isSymbolicLink()) return symlink(await readlink(from), to);
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const target = await open(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await writeFile(target, source.createReadStream({ autoClose: false }));
      await target.chmod((await source.stat()).mode & 0o777);
      await target.sync();
    } catch (error) {
      await unlink(to).catch(() => {});
      throw error;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Gives what is there a second name: `tasks.toml~`, or `tasks.toml~2` and so on where that is taken. */
async function keep(path: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const name = `${path}~${number === 1 ? '' : number}`;
    try {
      if ((await lstatOf(name)) === null) {
        await linkOrCopy(path, name);
        return name;
      }
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

async function lstatOf(path: string): Promise<Stats | null> {
  return lstat(path).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
}

/** So that the name survives a power cut; a file system that cannot do that has done what it can. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    await handle.sync().finally(() => handle.close());
  } catch {
    // The file itself is there and whole.
  }
}
