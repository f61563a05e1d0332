/**
 * What of the past is run (SPEC 5, "Missed times"). Pure. Promised to the scheduler: every due time up to `now` is
 * accounted for exactly once, and the cost is bounded however long nobody was there.
 */
import type { Cursor, EpochMs, MissedPolicy, Ms, Schedule } from '../types.ts';
import { formatDuration } from './duration.ts';

export interface Lookback {
  readonly cursor: Cursor | null;
  readonly now: EpochMs;
  /** A due time longer ago than this, with nobody there, is missed; else it is merely late. */
  readonly lateWithin: Ms;
  /** Nobody was there (start, suspend, jump of the clock). If false nothing is missed, only late. */
  readonly absent: boolean;
  readonly missed: MissedPolicy;
  readonly missedWithin: Ms | null;
  readonly schedule: Schedule;
}

export interface Arrears {
  /** Due times to run now, ascending; each with how many earlier ones it stands for. */
  readonly run: { due: EpochMs; collapsed: number }[];
  /** Due times not run at all, told together. */
  readonly skipped: { count: number; latest: EpochMs; why: string } | null;
  readonly cursor: Cursor;
  /** The task is seen for the first time, or has another schedule than before. */
  readonly first: boolean;
  /** The cursor lay more than 3 h in the future and was forgotten. */
  readonly corrected: boolean;
}

/** A clock set back by more than this was put right (SPEC 5). */
const CORRECTION: Ms = 3 * 3_600_000;
/** `missed: all` runs no more than this (SPEC 5). */
const ALL = 100;
/** Due times are counted up to here, so that a second's schedule that was off for a year costs no minutes. */
const COUNTED = 10_000;

/** Decides what is run of (cursor.seen, now]. */
export function settleArrears(lookback: Lookback): Arrears {
  const { cursor, now, schedule } = lookback;
  const seenNow: Cursor = { fingerprint: schedule.fingerprint, seen: now };
  const nothing = { run: [], skipped: null, cursor: seenNow, first: false, corrected: false };
  if (cursor === null || cursor.fingerprint !== schedule.fingerprint) return { ...nothing, first: true };
  if (cursor.seen - now > CORRECTION) return { ...nothing, corrected: true };
  // Set back a little: what lies before the cursor has run already, and the cursor must not go back.
  if (cursor.seen >= now) return { ...nothing, cursor };
  return { ...nothing, ...settleSpan(lookback, cursor.seen) };
}

function settleSpan(lookback: Lookback, seen: EpochMs): Pick<Arrears, 'run' | 'skipped'> {
  const { now, lateWithin, absent, missed, missedWithin, schedule } = lookback;
  // Ascending boundaries: (seen, old] is too old, (old, late] is missed, (late, now] is late. Instants are whole ms.
  const late = absent ? Math.max(seen, now - lateWithin - 1) : seen;
  const old = missedWithin === null ? seen : Math.min(late, Math.max(seen, now - missedWithin - 1));
  const skipped = new Skipped();
  skipped.add(schedule.latest(seen, old, COUNTED), `older than missed_within (${formatDuration(missedWithin ?? 0)})`);

  if (missed === 'skip') {
    skipped.add(schedule.latest(old, late, COUNTED), 'missed: skip');
    return { run: together(schedule.latest(late, now, COUNTED)), skipped: skipped.told() };
  }
  const wanted = schedule.latest(old, now, COUNTED);
  if (missed === 'once') return { run: together(wanted), skipped: skipped.told() };
  skipped.add(wanted.slice(0, -ALL), `more than ${ALL}`);
  return { run: wanted.slice(-ALL).map((due) => ({ due, collapsed: 0 })), skipped: skipped.told() };
}

/** One run for all of them, told the latest. */
function together(dues: readonly EpochMs[]): Arrears['run'] {
  const due = dues.at(-1);
  return due === undefined ? [] : [{ due, collapsed: dues.length - 1 }];
}

class Skipped {
  #count = 0;
  #latest: EpochMs = Number.NEGATIVE_INFINITY;
  readonly #why: string[] = [];

  add(dues: readonly EpochMs[], why: string): void {
    const latest = dues.at(-1);
    if (latest === undefined) return;
    this.#count += dues.length;
    this.#latest = Math.max(this.#latest, latest);
    this.#why.push(dues.length < COUNTED ? why : `${why}; counted up to ${COUNTED} only`);
  }

  told(): Arrears['skipped'] {
    return this.#count === 0 ? null : { count: this.#count, latest: this.#latest, why: this.#why.join('; ') };
  }
}
