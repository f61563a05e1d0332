/** Gives a file that was written beside its place its name, in one step: link(2), or rename(2) to replace. */
import { link, lstat, rename } from 'node:fs/promises';
import { errnoOf } from '../errors.ts';
import { faultPoint } from '../faults.ts';
import { checkTarget, discard, isNoLink } from './result-file.ts';
import { numbered, type Place } from './result-path.ts';

/** How many numbers are tried one by one before they are searched. */
const NEAR = 16;

/**
 * rename(2) over what is there, which readers see either before or after. Answers the path.
 * @param owner whose alone it may be; null: anybody's
 */
export async function putInPlace(temporary: string, target: string, owner: number | null): Promise<string> {
  await checkTarget(target, owner);
  faultPoint('result.link');
  await rename(temporary, target);
  faultPoint('result.linked');
  // Two names of one file are left as they are by rename(2).
  await discard(temporary);
  faultPoint('result.unlinked');
  return target;
}

/** link(2) to the first of the target's names that is free, which never replaces a file. Answers the path. */
export async function putBeside(temporary: string, place: Place): Promise<string> {
  const paths = names(place);
  faultPoint('result.link');
  for (;;) {
    const path = (await paths.next()).value;
    if (await linkOrMove(temporary, path)) {
      faultPoint('result.linked');
      await discard(temporary);
      faultPoint('result.unlinked');
      return path;
    }
    if (path === place.target) await checkTarget(path);
  }
}

let moving: Promise<unknown> = Promise.resolve();

/** False when the path is taken. */
async function linkOrMove(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    if (!isNoLink(error)) throw error;
  }
  // No hard links here (vfat): one after the other, so that at least no two runs of ours take the same name.
  const move = moving.then(async () => {
    if (await isThere(path)) return false;
    await rename(temporary, path);
    return true;
  });
  moving = move.catch(() => {});
  return move;
}

/** The target, then `-1`, `-2` and so on: where many are taken in a row, the end of the row is searched by halves. */
async function* names(place: Place): AsyncGenerator<string, never> {
  yield place.target;
  for (let n = 1; ; ) {
    for (const last = n + NEAR; n < last; n++) yield numbered(place, n);
    let taken = n - 1;
    let free = n;
    for (let step = NEAR; await isThere(numbered(place, free)); step *= 2) {
      taken = free;
      free += step;
    }
    while (free - taken > 1) {
      const middle = Math.floor((taken + free) / 2);
      if (await isThere(numbered(place, middle))) taken = middle;
      else free = middle;
    }
    n = free;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
