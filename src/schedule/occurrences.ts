/**
 * From wall-clock times to instants, by SPEC 5, "Daylight saving", for gaps and overlaps of any length. Promised to
 * compile.ts: ends for every zone, and answers strictly ascending instants.
 */
import type { EpochMs, Ms, Zone } from '../types.ts';
import type { NextWall } from './walls.ts';

const HOUR: Ms = 3_600_000;
/** Offsets lie between -25 h and +26 h (RFC 9636, 3.2), so no two differ by more, and none is larger than 26 h. */
const SPREAD: Ms = 52 * HOUR;
const REACH: Ms = 27 * HOUR;
/** How far ahead is looked for an occurrence. */
export const CENTURY: Ms = 36_525 * 24 * HOUR;

/** The first occurrence strictly after `after`, or null when there is none within 100 years. */
export function nextOccurrence(walls: NextWall, wildcard: boolean, zone: Zone, after: EpochMs): EpochMs | null {
  const found = wildcard ? nextInRealTime(walls, zone, after) : nextOnce(walls, zone, after);
  return found === null || found > after + CENTURY ? null : found;
}

/** Every instant at which the wall clock shows a time of the schedule. */
function nextInRealTime(walls: NextWall, zone: Zone, after: EpochMs): EpochMs | null {
  let offset = zone.offsetAt(after);
  let end = zone.nextTransition(after);
  // No time of the schedule lies between `asked` and `wall`.
  let asked = after + offset;
  let wall = walls(asked);
  while (wall !== null) {
    if (end === null || wall < end + offset) return wall - offset;
    if (end > after + CENTURY) return null;
    offset = zone.offsetAt(end);
    const start = end + offset - 1;
    end = zone.nextTransition(end);
    if (start < asked || start >= wall) {
      asked = start;
      wall = walls(asked);
    }
  }
  return null;
}

/**
 * Every time of the schedule once: when the wall clock first reaches it or, in a gap, leaps over it. What it has ever
 * reached or passed is done, which is what makes the second pass of an overlap silent.
 */
function nextOnce(walls: NextWall, zone: Zone, after: EpochMs): EpochMs | null {
  const wall = walls(highestWall(zone, after));
  if (wall === null) return null;
  // Before `from` the wall clock, at most 26 h ahead of UTC, cannot have shown it.
  const from = Math.max(after, wall - REACH);
  let start = Number.NEGATIVE_INFINITY;
  let offset = zone.offsetAt(from);
  let end = zone.nextTransition(from);
  while (end !== null && wall >= end + offset) {
    start = end;
    offset = zone.offsetAt(end);
    end = zone.nextTransition(end);
  }
  return Math.max(wall - offset, start);
}

/** The latest time that the wall clock has shown up to `after`. */
function highestWall(zone: Zone, after: EpochMs): number {
  let highest = after + zone.offsetAt(after);
  let transition = zone.nextTransition(after - SPREAD);
  while (transition !== null && transition <= after) {
    highest = Math.max(highest, transition - 1 + zone.offsetAt(transition - 1));
    transition = zone.nextTransition(transition);
  }
  return highest;
}

/**
 * The latest `limit` occurrences in (after, until], ascending. Goes back from `until` in windows that widen while they
 * are empty and narrow where they hold too much, so that neither a long span nor a dense schedule costs more than
 * a multiple of `limit`.
 */
export function latestOccurrences(
  next: (after: EpochMs) => EpochMs | null,
  after: EpochMs,
  until: EpochMs,
  limit: number,
): EpochMs[] {
  const windows: EpochMs[][] = [];
  let missing = Math.max(0, Math.floor(limit));
  let end = until;
  // As many seconds as occurrences are wanted: no schedule is denser.
  let width: Ms = Math.max(1, missing) * 1000;
  while (missing > 0 && end > after) {
    const start = Math.max(after, end - width);
    const window: EpochMs[] = [];
    const most = 2 * missing + 8;
    let at = next(start);
    while (at !== null && at <= end && window.length < most) {
      window.push(at);
      at = next(at);
    }
    if (at !== null && at <= end) {
      // Too much: what is wanted lies after the last of these.
      width = Math.max(missing * 1000, Math.ceil((end - (window.at(-1) ?? start)) / 2));
      continue;
    }
    const kept = window.slice(-missing);
    windows.push(kept);
    missing -= kept.length;
    end = start;
    width *= 4;
  }
  return windows.reverse().flat();
}
