/**
 * When a run that ended badly is tried again (SPEC 7, "retry"). Pure. Promised to the scheduler: the same answer for the same
 * attempt of the same run, also after a restart, so that nothing but the entry itself has to be kept.
 */
import type { EpochMs, Ms, Retry, RetryCause } from '../types.ts';
import { hashOf } from './hash.ts';

/** The attempt that ended: which of which run (`id`), counted from 1, and when; `cause` null for an end that is none. */
export interface EndedAttempt {
  readonly id: string;
  readonly attempt: number;
  readonly at: EpochMs;
  readonly cause: RetryCause | null;
}

/** The last instant of a Date (ECMA-262, "Time Values"): a wait of ages must still be one that can be written down. */
const LAST: EpochMs = 8.64e15;
/** The jitter in its steps: ± 1000 of 10000 is ± 10 %. */
const STEPS = 1000;

/** When the next attempt comes; null when none does: the cause is not in `on`, or the limit is reached. */
export function nextAttempt(retry: Retry | null, { id, attempt, at, cause }: EndedAttempt): EpochMs | null {
  if (retry === null || cause === null || !retry.on.includes(cause)) return null;
  if (attempt > retry.limit) return null;
  const wait = waitOf(retry, attempt - 1);
  const jitter = hashOf(`${id} ${attempt}`).value(0, -STEPS, STEPS);
  // Towards zero, so that rounding never leads out of the 10 %.
  return Math.min(LAST, at + wait + Math.trunc((wait / (10 * STEPS)) * jitter));
}

/** The longest that any attempt waits, with its jitter. */
export function longestWait({ maxDelay }: Retry): Ms {
  return Math.ceil(maxDelay * 1.1);
}

/** min(maxDelay, delay × backoff^n), in whole ms. */
function waitOf({ delay, backoff, maxDelay }: Retry, n: number): Ms {
  // The power may be infinite, and 0 × ∞ is no number.
  if (delay === 0) return 0;
  return Math.floor(Math.min(maxDelay, delay * backoff ** n));
}
