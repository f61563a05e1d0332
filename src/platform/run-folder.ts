/**
 * `<run>/run-<pid>/conf/`, with a link per configuration file: shows people which scheduler runs what (SPEC 11). Nothing
 * depends on it; the lock is elsewhere. Promises that what cannot be removed stays, and stops no scheduler.
 */
import { chmodSync, existsSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errnoOf, messageOf } from '../errors.ts';
import { makeFoldersSync } from '../folders.ts';
import { isGone, statOf } from '../proc.ts';

/** Where runs have their credentials, in the folder of a scheduler. */
export const CREDENTIALS = 'credentials';

export function runFolder(run: string, pid: number): string {
  return join(run, `run-${pid}`);
}

/** Makes `<run>` where it is missing, for everybody to pass, whatever the umask. @throws Error of the file system */
export function makeRunFolders(run: string): void {
  if (existsSync(run)) return;
  makeFoldersSync(run, 0o755);
  chmodSync(run, 0o755);
}

/** Makes the folder anew. @throws Error of the file system. */
export function makeRunFolder(folder: string, files: readonly string[]): void {
  const conf = join(folder, 'conf');
  removeRunFolder(folder);
  makeFoldersSync(conf, 0o755);
  // Whatever the umask takes away: the group of the control socket is to reach it.
  chmodSync(folder, 0o755);
  for (const file of files) {
    try {
      symlinkSync(file, join(conf, basename(file)));
    } catch (error) {
      // A drop-in may bear the name of another file; the first keeps the place.
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** All in it is the scheduler's own, also what others may read. Answers why it stays, or null. */
export function removeRunFolder(folder: string): string | null {
  try {
    // Of who is not root, a folder that may not be written keeps what is in it.
    for (const name of namesIn(join(folder, CREDENTIALS))) chmodSync(join(folder, CREDENTIALS, name), 0o700);
    rmSync(folder, { recursive: true, force: true });
    return null;
  } catch (error) {
    return `${folder} cannot be removed: ${messageOf(error)}`;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
  // Null: it has ended just now, or /proc shows nobody else's.
  const stat = statOf(pid);
  return stat === null || !isGone(stat);
}

/** Removes the folders of schedulers that are no more. Answers why those stay that do. */
export function pruneRunFolders(run: string): string[] {
  return namesIn(run).flatMap((name) => {
    const pid = Number(/^run-(\d+)$/.exec(name)?.[1] ?? Number.NaN);
    return Number.isNaN(pid) || alive(pid) ? [] : (removeRunFolder(join(run, name)) ?? []);
  });
}
