/** `path.keep`: deletes the oldest results that Fate recorded for a task, and nothing else (SPEC 8). */
import { lstat, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { errnoOf } from '../errors.ts';
import type { EpochMs, Keep, KnownResult } from '../types.ts';
import { Anchors } from './anchors.ts';
import { Unsafe } from './ownership.ts';
import { reasonOf } from './result-file.ts';

/**
 * `known`: what was recorded for the task, oldest first. Answers what is still there to be known; never rejects. A file that
 * is not as it was recorded (no regular file, another size or owner) is somebody else's by now: it is left, and forgotten.
 */
export async function pruneResults(
  known: readonly KnownResult[],
  keep: Keep,
  now: EpochMs,
): Promise<{ left: KnownResult[]; problems: string[] }> {
  if (keep.count === null && keep.age === null && keep.size === null) return { left: [...known], problems: [] };
  const current = withoutReplaced(known);
  const problems: string[] = [];
  const left: KnownResult[] = [];
  const first = firstKept(current, keep, now);
  const anchors = new Anchors();
  for (const [index, result] of current.entries()) {
    if (index >= first) left.push(result);
    else if (!(await remove(result, anchors, problems))) left.push(result);
  }
  await anchors.close();
  return { left, problems };
}

/** A path that was recorded again (on_conflict: replace) is the younger result's. */
function withoutReplaced(known: readonly KnownResult[]): KnownResult[] {
  const last = new Map(known.map((result) => [result.path, result]));
  return known.filter((result) => last.get(result.path) === result);
}

/** The index from which on all are kept. The youngest is never deleted for its size. */
function firstKept(known: readonly KnownResult[], keep: Keep, now: EpochMs): number {
  let first = keep.count === null ? 0 : Math.max(0, known.length - keep.count);
  if (keep.age !== null) {
    const oldest = now - keep.age;
    while (first < known.length && (known[first]?.at ?? now) < oldest) first++;
  }
  if (keep.size !== null) {
    let total = 0;
    for (let index = known.length - 1; index >= first; index--) {
      total += known[index]?.size ?? 0;
      if (total > keep.size && index < known.length - 1) return index + 1;
    }
  }
  return first;
}

/** True when there is nothing of ours there any more. */
async function remove({ path, size, owner }: KnownResult, anchors: Anchors, problems: string[]): Promise<boolean> {
  try {
    const name = (await anchors.of(dirname(path), owner ?? null)).at(basename(path));
    const found = await lstat(name);
    const isOurs = found.isFile() && found.size === size && (owner === undefined || found.uid === owner);
    if (isOurs) await unlink(name);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return true;
    problems.push(`the old result ${path} could not be deleted: ${reasonOf(error)}`);
    // Its path leads elsewhere now: what was recorded is not there.
    return error instanceof Unsafe;
  }
}
