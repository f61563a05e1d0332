/**
 * Removes the groups of runs that are over. One in which somebody lives on is removed when the kernel tells that it is empty,
 * whatever else happens meanwhile: no look at all of them is ever taken at the end of a run.
 */
import { rmdirSync } from 'node:fs';
import { watchUntilEmpty } from './control-group.ts';
import { groupsIn, isMissing, isPopulated } from './control-group-files.ts';

export interface GroupRemover {
  /** False where it has to wait. */
  remove(path: string): boolean;
  /** Tries all that wait once more. */
  sweep(): void;
}

export function groupRemover(): GroupRemover {
  /** With what ends the watch. */
  const watched = new Map<string, () => void>();
  /** Empty, and the kernel did not let it go; or no watch was to be had. */
  const stuck = new Set<string>();
  const forget = (path: string): void => {
    // The name may be given anew at once, and the watch must not take the next group for this one.
    watched.get(path)?.();
    watched.delete(path);
    stuck.delete(path);
  };
  const attempt = (path: string): boolean => {
    const gone = removeGroup(path);
    if (gone) forget(path);
    return gone;
  };
  return {
    remove(path) {
      for (const other of stuck) attempt(other);
      if (attempt(path)) return true;
      if (watched.has(path) || stuck.has(path)) return false;
      let empty = false;
      const stop = watchUntilEmpty(path, () => {
        empty = true;
        forget(path);
        if (!removeGroup(path)) stuck.add(path);
      });
      if (stop === null) stuck.add(path);
      else if (!empty) watched.set(path, stop);
      return false;
    },
    sweep() {
      for (const path of [...stuck, ...watched.keys()]) attempt(path);
    },
  };
}

/** Removes a group with those below it. False where somebody lives in it, or the kernel does not let it go yet. */
function removeGroup(path: string): boolean {
  if (removed(path)) return true;
  if (isPopulated(path) !== false) return false;
  for (const below of groupsIn(path)) removeGroup(below);
  return removed(path);
}

function removed(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return isMissing(error);
  }
}
