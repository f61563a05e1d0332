/** Whether a daemon may start anew at this moment, without meeting a run or a due time (SPEC 11). Pure. */
import type { EpochMs, Ms } from '../types.ts';

export interface Moment {
  /** Runs that were started, and whose end is not recorded. */
  readonly going: number;
  /** When the next one starts, or may start; Infinity: never. */
  readonly next: EpochMs;
}

/** `busy`: something runs; `soon`: something is about to. */
export type Verdict = 'busy' | 'soon' | 'now';

/** For some half a second nobody is there: a due time so near would come late. */
const NEAR: Ms = 1_000;
/** Where something is due each second, it is not put off for longer. */
const LONGEST: Ms = 60_000;

/** @param putOff since when due times have put it off; null: none has */
export function judge({ going, next }: Moment, now: EpochMs, putOff: Ms | null): Verdict {
  if (going > 0) return 'busy';
  return next - now <= NEAR && (putOff ?? 0) <= LONGEST ? 'soon' : 'now';
}
