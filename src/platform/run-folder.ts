/**
 * `<run>/run-<pid>/conf/`, with a link per configuration file: shows people which scheduler runs what (SPEC 11).
 * Nothing depends on it; the lock is elsewhere.
 */
import { readdirSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errnoOf } from '../errors.ts';
import { makeFoldersSync } from '../folders.ts';
import { isGone, statOf } from '../proc.ts';

export function runFolder(run: string, pid: number): string {
  return join(run, `run-${pid}`);
}

/** Makes the folder anew. @throws Error of the file system. */
export function makeRunFolder(folder: string, files: readonly string[]): void {
  const conf = join(folder, 'conf');
  rmSync(folder, { recursive: true, force: true });
  makeFoldersSync(conf, 0o755);
  for (const file of files) {
    try {
      symlinkSync(file, join(conf, basename(file)));
    } catch (error) {
      // A drop-in may bear the name of another file; the first keeps the place.
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
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

/** Removes the folders of schedulers that are no more. Answers what it removed. */
export function pruneRunFolders(run: string): string[] {
  const removed: string[] = [];
  let names: string[];
  try {
    names = readdirSync(run);
  } catch {
    return removed;
  }
  for (const name of names) {
    const pid = Number(/^run-(\d+)$/.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || alive(pid)) continue;
    rmSync(join(run, name), { recursive: true, force: true });
    removed.push(name);
  }
  return removed;
}
