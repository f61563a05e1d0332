/**
 * Makes a folder with all those above it. In place of `mkdir({ recursive: true })`, which never comes back where the file
 * system answers ENOENT to every mkdir(2), as /proc does: a path in a configuration must not stop the daemon.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from './errors.ts';

/**
 * Makes `folder`; `mode` (less the umask) is for every folder that is made. @returns the first folder that was made, the
 * topmost, or null when all were there. @throws the system error of mkdir(2); ENOTDIR or EEXIST where a file is in the way
 */
export async function makeFolders(folder: string, mode = 0o777): Promise<string | null> {
  const tried = await makeOne(folder, mode);
  if (tried !== 'orphan') return tried === 'made' ? folder : null;
  const first = await makeFolders(dirname(folder), mode);
  // Of two who make it at the same moment, both have it; only one made it.
  await makeOne(folder, mode);
  return first ?? folder;
}

async function makeOne(folder: string, mode: number, again = true): Promise<'made' | 'there' | 'orphan'> {
  try {
    await mkdir(folder, { mode });
    return 'made';
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' && (await stat(folder)).isDirectory()) return 'there';
    if (errnoOf(error) !== 'ENOENT' || folder === dirname(folder)) throw error;
    if (!(await isThere(dirname(folder)))) return 'orphan';
    // Somebody made it in between; or there is none to be made in it, as in /proc.
    if (!again) throw error;
    return makeOne(folder, mode, false);
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** As `makeFolders`, at once: for what is made at a start. */
export function makeFoldersSync(folder: string, mode = 0o777): void {
  makeSync(folder, mode, true);
}

function makeSync(folder: string, mode: number, again: boolean): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' && statSync(folder).isDirectory()) return;
    if (errnoOf(error) !== 'ENOENT' || folder === dirname(folder)) throw error;
    const there = existsSync(dirname(folder));
    if (there && !again) throw error;
    if (!there) makeSync(dirname(folder), mode, true);
    makeSync(folder, mode, !there);
  }
}
