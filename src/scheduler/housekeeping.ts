/** What a scheduler tidies up from time to time, once a day, in slices that hold up nobody. */
import type { Clock, EpochMs, Ms } from '../types.ts';
import { hasRoom, pruneSpool } from './spool.ts';

const DAILY: Ms = 86_400_000;
/** So many old entries of the ledger are removed in one go. */
const SLICE = 500;

export interface Tidied {
  /** Removes at most `limit` entries that are too old; answers how many (state/store.ts). */
  sweep(now: EpochMs, limit: number): number;
}

export interface TidyParts {
  readonly spool: string;
  readonly store: Tidied;
  /** Control groups in which somebody lived on after a run (platform/control-groups.ts). */
  readonly groups: { sweep(): void } | null;
  readonly clock: Clock;
}

/** Begins at once. The result ends it. */
export function keepTidy({ spool, store, groups, clock }: TidyParts): () => void {
  let cancel = (): void => {};
  const sweep = (): void => {
    let removed = 0;
    try {
      removed = store.sweep(clock.now(), SLICE);
    } catch {
      // The disk is full, or worse: whoever writes next says so. Another day will do.
    }
    cancel = clock.after(removed === SLICE ? 0 : DAILY, removed === SLICE ? sweep : tidy);
  };
  const tidy = (): void => {
    void pruneSpool(spool, clock.now());
    groups?.sweep();
    sweep();
  };
  tidy();
  return () => cancel();
}

/** Answers whether there is room to start a run; says once that there is none, and once that there is again. */
export function roomTeller(
  spool: string,
  log: (level: 'error' | 'info', event: 'state', fields: { msg: string }) => void,
): () => boolean {
  let room = true;
  return () => {
    const has = hasRoom(spool);
    if (room && !has) log('error', 'state', { msg: `nothing is started: less than 5 % are free where ${spool} is` });
    if (has && !room) log('info', 'state', { msg: `there is room again where ${spool} is` });
    room = has;
    return has;
  };
}
