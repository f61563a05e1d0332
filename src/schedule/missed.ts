/**
 * What of the past is run (SPEC 5, "Missed times"). Pure. Promised to the scheduler: every due time it hands in comes back in
 * exactly one span, to be run or skipped with the reason.
 */
import type { EpochMs, MissedPolicy, Ms } from '../types.ts';
import { formatDuration } from './duration.ts';

/** Due times that are treated as one: all that were handed in from `first` to `due`, both included. */
export interface Span {
  readonly first: EpochMs;
  readonly due: EpochMs;
  readonly count: number;
}

export interface Lookback {
  /** Ascending, none after `now`; the latest `COUNTED` where there are more. */
  readonly dues: readonly EpochMs[];
  readonly now: EpochMs;
  /** A due time longer ago than this, with nobody there, is missed; else it is merely late. */
  readonly lateWithin: Ms;
  /** Nobody was there (start, suspend, jump of the clock). If false nothing is missed, only late. */
  readonly absent: boolean;
  readonly missed: MissedPolicy;
  readonly missedWithin: Ms | null;
}

/** The spans are disjoint; those that are skipped lie before those that run. */
export interface Arrears {
  /** Ascending. */
  readonly run: readonly Span[];
  /** Ascending, each reason once. */
  readonly skipped: readonly { readonly span: Span; readonly why: string }[];
}

/** `missed: all` runs no more than this (SPEC 5). */
const ALL = 100;
/** Due times are counted up to here, so that a second's schedule that was off for a year costs no minutes. */
export const COUNTED = 10_000;

/** Decides what becomes of due times that have come. */
export function settleArrears({ dues, now, lateWithin, absent, missed, missedWithin }: Lookback): Arrears {
  // From here on a time is merely late, whatever its age by the rules for missed ones.
  const late = absent ? indexFrom(dues, now - lateWithin) : 0;
  const old = missedWithin === null ? 0 : Math.min(late, indexFrom(dues, now - missedWithin));
  const start = missed === 'skip' ? late : missed === 'all' ? Math.max(old, dues.length - ALL) : old;

  const skipped: { span: Span; why: string }[] = [];
  const skip = (from: number, to: number, why: string): void => {
    const span = spanOf(dues.slice(from, to));
    if (span === null) return;
    const counted = from === 0 && dues.length >= COUNTED ? `; counted up to ${COUNTED} only` : '';
    skipped.push({ span, why: why + counted });
  };
  skip(0, old, `older than missed_within (${formatDuration(missedWithin ?? 0)})`);
  skip(old, start, missed === 'skip' ? 'missed: skip' : `more than ${ALL}`);

  const wanted = dues.slice(start);
  if (missed === 'all') return { run: wanted.map((due) => ({ first: due, due, count: 1 })), skipped };
  // One run for all of them, told the latest.
  const together = spanOf(wanted);
  return { run: together === null ? [] : [together], skipped };
}

/** Where the due times begin that are not before an instant. */
function indexFrom(dues: readonly EpochMs[], instant: EpochMs): number {
  const index = dues.findIndex((due) => due >= instant);
  return index === -1 ? dues.length : index;
}

function spanOf(dues: readonly EpochMs[]): Span | null {
  const [first] = dues;
  const due = dues.at(-1);
  return first === undefined || due === undefined ? null : { first, due, count: dues.length };
}
