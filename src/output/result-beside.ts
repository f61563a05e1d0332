/**
 * The hidden files that a run makes beside the places of its results. Promises recovery that each is named after its run, and
 * that the folder it is in was noted in the run's spool folder before, so that a crash leaves none of them for ever.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';

/** One folder a line, as a string of JSON: a path may hold a newline. Not synced: it is for crashes of ours alone. */
export const NOTES = 'beside';

export interface Beside {
  /** A new name in this folder, which is noted. @throws the system error of the note */
  nameIn(folder: string): string;
}

/** @param spool the run's own folder, which is there */
export function besideOf(run: string, spool: string): Beside {
  const noted = new Set<string>();
  return {
    nameIn(folder) {
      if (!noted.has(folder)) {
        appendFileSync(join(spool, NOTES), `${JSON.stringify(folder)}\n`, { mode: 0o600 });
        noted.add(folder);
      }
      return join(folder, `${prefixOf(run)}${randomBytes(8).toString('hex')}`);
    },
  };
}

const prefixOf = (run: string): string => `.fate-result-${run}-`;

/** Removes what a run left in the folders noted in its spool folder. Never rejects; answers what could not be removed. */
export async function removeBeside(run: string, spool: string): Promise<string[]> {
  const left: string[] = [];
  const notes = await readFile(join(spool, NOTES), 'utf8').catch(() => '');
  for (const folder of new Set(notes.split('\n').flatMap(folderIn))) {
    // A folder that is not there holds nothing.
    for (const name of await readdir(folder).catch(() => [])) {
      if (!isOf(run, name)) continue;
      const path = join(folder, name);
      await unlink(path).catch((error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') left.push(path);
      });
    }
  }
  return left;
}

const isOf = (run: string, name: string): boolean =>
  name.startsWith(prefixOf(run)) && /^[0-9a-f]{16}$/.test(name.slice(prefixOf(run).length));

/** Nothing for a line that was cut short: nothing was made there yet. */
function folderIn(line: string): string[] {
  try {
    const folder: unknown = JSON.parse(line);
    return typeof folder === 'string' ? [folder] : [];
  } catch {
    return [];
  }
}
