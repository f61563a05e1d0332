/**
 * The hidden files that a run makes beside the places of its results. Promises recovery that each is named after its run, and
 * that the folder it is in was noted in the run's spool folder before, so that a crash leaves none of them for ever.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';
import { Anchors } from './anchors.ts';
import { Unsafe } from './ownership.ts';

/**
 * One folder a line, as JSON: a path may hold a newline. A string, or an object with the path and the user of the task, where
 * it has one. Not synced: it is for crashes of ours alone.
 */
export const NOTES = 'beside';

export interface Beside {
  /** A new name in this folder, which is noted. @throws the system error of the note */
  nameIn(folder: string): string;
}

/**
 * @param spool the run's own folder, which is there
 * @param owner the user of the task; null where it runs as the scheduler
 */
export function besideOf(run: string, spool: string, owner: number | null): Beside {
  const noted = new Set<string>();
  return {
    nameIn(folder) {
      if (!noted.has(folder)) {
        const note = owner === null ? folder : { folder, owner };
        appendFileSync(join(spool, NOTES), `${JSON.stringify(note)}\n`, { mode: 0o600 });
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
  const anchors = new Anchors();
  for (const line of new Set(notes.split('\n'))) {
    const note = noteIn(line);
    if (note !== null) await removeIn(note, run, anchors, left);
  }
  await anchors.close();
  return left;
}

interface Note {
  readonly folder: string;
  readonly owner: number | null;
}

async function removeIn({ folder, owner }: Note, run: string, anchors: Anchors, left: string[]): Promise<void> {
  try {
    const anchor = await anchors.of(folder, owner);
    for (const name of await readdir(anchor.at('.'))) {
      if (!isOf(run, name)) continue;
      await unlink(anchor.at(name)).catch((error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') left.push(join(folder, name));
      });
    }
  } catch (error) {
    // A folder that is not there holds nothing.
    if (error instanceof Unsafe) left.push(join(folder, `${prefixOf(run)}*`));
  }
}

const isOf = (run: string, name: string): boolean =>
  name.startsWith(prefixOf(run)) && /^[0-9a-f]{16}$/.test(name.slice(prefixOf(run).length));

/** Null for a line that was cut short: nothing was made there yet. */
function noteIn(line: string): Note | null {
  try {
    const note: unknown = JSON.parse(line);
    if (typeof note === 'string') return { folder: note, owner: null };
    if (typeof note !== 'object' || note === null || !('folder' in note && 'owner' in note)) return null;
    const { folder, owner } = note;
    return typeof folder === 'string' && typeof owner === 'number' ? { folder, owner } : null;
  } catch {
    return null;
  }
}
