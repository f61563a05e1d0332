/**
 * Finishes what a crash broke off between preparing results and recording them. Promises recovery that each result is in
 * place exactly once after it, however often it is called: a file is known by its inode, not by its name.
 */
import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../errors.ts';
import type { PreparedResult } from './result.ts';
import { discard, reasonOf } from './result-file.ts';
import { type Published, publishInto, recordOf, syncPlaces } from './result-publish.ts';

export interface FinishedResults extends Published {
  /** Where results were prepared for that are nowhere now: somebody took them away after they were published. */
  readonly gone: string[];
}

/** @param stdout the run's output in the spool, which may be a further name of the file that is prepared */
export async function finishResults(prepared: readonly PreparedResult[], stdout: string): Promise<FinishedResults> {
  const finished: FinishedResults = { recorded: [], problems: [], failed: [], gone: [] };
  const names = namesIn();
  for (const result of prepared) {
    try {
      const found = await look(result, stdout, names);
      if (found === 'unpublished') await publishInto(finished, result);
      else if (found === 'gone') finished.gone.push(result.target);
      else {
        await discard(result.temporary);
        finished.recorded.push(recordOf(result, found.path));
      }
    } catch (error) {
      finished.problems.push(`${result.target} could not be looked at: ${reasonOf(error)}`);
      finished.failed.push(result.temporary);
    }
  }
  await syncPlaces(finished);
  return finished;
}

type Found = 'unpublished' | 'gone' | { readonly path: string };
type Names = (folder: string) => Promise<readonly string[]>;

async function look(result: PreparedResult, stdout: string, names: Names): Promise<Found> {
  const temporary = await statOf(result.temporary);
  // rename(2) took its name away at the very moment of publishing.
  if (temporary !== null && result.onConflict === 'replace') return 'unpublished';
  if (temporary !== null) {
    const source = await statOf(stdout);
    const expected = source !== null && isSame(source, temporary) ? 2n : 1n;
    if (temporary.nlink <= expected) return 'unpublished';
  }
  const path = await findPlaced(result, temporary, names);
  if (path !== null) return { path };
  // Further names that are none of ours.
  return temporary === null ? 'gone' : 'unpublished';
}

const isSame = (a: BigIntStats, b: BigIntStats): boolean => a.dev === b.dev && a.ino === b.ino;

/** The name under which the file is in place, out of all that it may have got. */
async function findPlaced(result: PreparedResult, temporary: BigIntStats | null, names: Names): Promise<string | null> {
  const isIt = async (path: string): Promise<boolean> => {
    const found = await statOf(path);
    if (found === null || !found.isFile()) return false;
    return temporary === null ? isKnown(found, result) : isSame(found, temporary);
  };
  if (await isIt(result.target)) return result.target;
  if (result.onConflict === 'replace') return null;
  const folder = dirname(result.target);
  const isCandidate = numberedLike(basename(result.target), result.suffix);
  for (const name of await names(folder)) {
    // Earlier ones may have been taken away since, so that the row of numbers has gaps.
    if (isCandidate(name) && (await isIt(join(folder, name)))) return join(folder, name);
  }
  return null;
}

/**
 * Numbers of devices may be given anew at each boot (device mapper, btrfs), while the place is in the same folder as the
 * temporary was: then the size has to do. A size may have grown by what somebody appended.
 */
function isKnown(found: BigIntStats, { dev, ino, size }: PreparedResult): boolean {
  return String(found.ino) === ino && (String(found.dev) === dev || found.size === BigInt(size));
}

function numberedLike(name: string, suffix: string): (candidate: string) => boolean {
  const stem = `${name.slice(0, name.length - suffix.length)}-`;
  return (candidate) =>
    candidate.startsWith(stem) &&
    candidate.endsWith(suffix) &&
    /^[1-9]\d*$/.test(candidate.slice(stem.length, candidate.length - suffix.length));
}

/** Each folder is read once: an archive may have put ten thousand results into it. */
function namesIn(): Names {
  const read = new Map<string, Promise<readonly string[]>>();
  return (folder) => {
    const known = read.get(folder) ?? readdir(folder).catch(() => []);
    read.set(folder, known);
    return known;
  };
}

/** Null when there is nothing; links are not followed. */
async function statOf(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}
