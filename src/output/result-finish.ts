/**
 * Finishes what a crash broke off between preparing results and recording them. Promises recovery that each result is in
 * place exactly once after it, however often it is called: a file is known by its inode, not by its name.
 */
import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../errors.ts';
import type { Anchor } from './anchor.ts';
import type { Anchors } from './anchors.ts';
import type { PreparedResult } from './result.ts';
import { discard, reasonOf } from './result-file.ts';
import { beginPublishing, endPublishing, isKnown, type Published, publishInto, recordAt } from './result-publish.ts';

export interface FinishedResults extends Published {
  /** Where results were prepared for that are nowhere now: somebody took them away after they were published. */
  readonly gone: string[];
}

/** @param stdout the run's output in the spool, which may be a further name of the file that is prepared */
export async function finishResults(prepared: readonly PreparedResult[], stdout: string): Promise<FinishedResults> {
  const publishing = beginPublishing();
  const gone: string[] = [];
  const names = namesIn();
  for (const result of prepared) {
    try {
      const anchor = await anchorOf(result, publishing.anchors);
      const found = anchor === null ? 'gone' : await look(result, anchor, stdout, names);
      if (found === 'unpublished') await publishInto(publishing, result);
      else if (found === 'gone' || anchor === null) gone.push(result.target);
      else {
        await discard(anchor.at(basename(result.temporary)));
        recordAt(publishing, result, join(dirname(result.target), found.name));
      }
    } catch (error) {
      publishing.problems.push(`${result.target} could not be looked at: ${reasonOf(error)}`);
      publishing.failed.push(result);
    }
  }
  return { ...(await endPublishing(publishing)), gone };
}

/** Null where its folder is not there any more. */
async function anchorOf({ target, owner }: PreparedResult, anchors: Anchors): Promise<Anchor | null> {
  try {
    return await anchors.of(dirname(target), owner);
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

type Found = 'unpublished' | 'gone' | { readonly name: string };
type Names = (folder: string, anchor: Anchor) => Promise<readonly string[]>;

async function look(result: PreparedResult, anchor: Anchor, stdout: string, names: Names): Promise<Found> {
  const temporary = await statOf(anchor.at(basename(result.temporary)));
  // rename(2) took its name away at the very moment of publishing.
  if (temporary !== null && result.onConflict === 'replace') return 'unpublished';
  if (temporary !== null) {
    const source = await statOf(stdout);
    const expected = source !== null && isSame(source, temporary) ? 2n : 1n;
    if (temporary.nlink <= expected) return 'unpublished';
  }
  const name = await findPlaced(result, anchor, temporary, names);
  if (name !== null) return { name };
  // Further names that are none of ours.
  return temporary === null ? 'gone' : 'unpublished';
}

const isSame = (a: BigIntStats, b: BigIntStats): boolean => a.dev === b.dev && a.ino === b.ino;

/** The name under which the file is in place, out of all that it may have got. */
async function findPlaced(
  result: PreparedResult,
  anchor: Anchor,
  temporary: BigIntStats | null,
  names: Names,
): Promise<string | null> {
  const isIt = async (name: string): Promise<boolean> => {
    const found = await statOf(anchor.at(name));
    if (found === null || !found.isFile()) return false;
    return temporary === null ? isKnown(found, result) : isSame(found, temporary);
  };
  const target = basename(result.target);
  if (await isIt(target)) return target;
  if (result.onConflict === 'replace') return null;
  const isCandidate = numberedLike(target, result.suffix);
  for (const name of await names(dirname(result.target), anchor)) {
    // Earlier ones may have been taken away since, so that the row of numbers has gaps.
    if (isCandidate(name) && (await isIt(name))) return name;
  }
  return null;
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
  return (folder, anchor) => {
    const known = read.get(folder) ?? readdir(anchor.at('.')).catch(() => []);
    read.set(folder, known);
    return known;
  };
}

/** Null when there is nothing; links are not followed. */
async function statOf(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

const isAbsence = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '');
