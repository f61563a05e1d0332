/** Refusals in the log: each of a user's first in a while, and then how many more there were. Who may only look cannot flood it. */
import type { Ms } from '../types.ts';

const A_WHILE: Ms = 60_000;
/** More users than that are told as one. */
const MOST = 1_000;

export interface Refused {
  /** How many were not told since the last one that was; null: this one is not to be told. */
  count(uid: number | null): number | null;
}

/** @param now monotonic, in ms */
export function countRefused(now: () => Ms): Refused {
  const known = new Map<number, { told: Ms; more: number }>();
  return {
    count(uid) {
      const key = uid !== null && (known.has(uid) || known.size < MOST) ? uid : -1;
      const before = known.get(key);
      if (before !== undefined && now() - before.told < A_WHILE) {
        before.more += 1;
        return null;
      }
      known.set(key, { told: now(), more: 0 });
      return before?.more ?? 0;
    },
  };
}
