/**
 * What a crash left, sorted: reads the spool beside the open entries of the ledger, and judges what is to become of each.
 * Promises recovery that nothing which may have been started is among what waits.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';
import type { LedgerReader } from '../state/store.ts';
import type { Entry } from '../types.ts';
import { type AttemptEnd, readMark, readOutcome } from './marks.ts';
import { attemptFolder } from './spool.ts';

/** An attempt that began, by its mark in the spool. */
export interface Attempt {
  readonly folder: string;
  readonly mark: Entry;
  /** Null: it died before its end could be noted. */
  readonly end: AttemptEnd | null;
}

/** An attempt that has no end: with its mark, or as the ledger alone knows it. */
export interface LostAttempt {
  readonly entry: Entry;
  readonly folder: string | null;
  /** It was never seen to start: its due time came about when the machine went down. */
  readonly presumed: boolean;
}

export interface Leftovers {
  /** To be finished, in the order in which they ended. */
  readonly ended: readonly (Attempt & { readonly end: AttemptEnd; readonly superseded: boolean })[];
  readonly lost: readonly LostAttempt[];
  /** Entries that go on; where they stand otherwise in the ledger, `restored` has them too. */
  readonly open: readonly Entry[];
  readonly restored: readonly Entry[];
  /** Entries of the ledger whose due times a run that began stands for as well. */
  readonly covered: readonly Entry[];
  /** Folders of which nothing is needed any more, but output that was kept. */
  readonly stale: readonly string[];
}

/** @param sameBoot false where what was not synced may be gone. @throws where the spool cannot be read */
export function sortLeftovers(ledger: LedgerReader, spool: string, sameBoot: boolean): Leftovers {
  const entries = ledger.openEntries();
  const known = new Map<string, Entry | null>(entries.map((entry) => [entry.id, entry]));
  const entryOf = (id: string): Entry | null => {
    if (!known.has(id)) known.set(id, ledger.entry(id));
    return known.get(id) ?? null;
  };
  const { attempts, stale } = readSpool(spool);
  const last = new Map<string, number>();
  for (const { mark } of attempts) last.set(mark.id, Math.max(mark.attempt, last.get(mark.id) ?? 0));
  const unrecorded = attempts.filter(({ mark }) => !isRecorded(entryOf(mark.id), mark.attempt));
  const latest = ({ mark }: Attempt): boolean => mark.attempt === last.get(mark.id);

  const ended = unrecorded
    .flatMap((attempt) =>
      attempt.end === null ? [] : [{ ...attempt, end: attempt.end, superseded: !latest(attempt) }],
    )
    .sort((a, b) => endOf(a.end) - endOf(b.end) || a.mark.attempt - b.mark.attempt);
  // A loss before a later attempt was judged when that one was made, and is told in its entry.
  const marked = unrecorded
    .filter((attempt) => attempt.end === null && latest(attempt))
    .map(({ mark, folder }): LostAttempt => {
      const entry = entryOf(mark.id);
      return { entry: { ...mark, pid: entry?.attempt === mark.attempt ? entry.pid : null }, folder, presumed: false };
    });

  const unmarked = entries.filter(({ id, attempt }) => (last.get(id) ?? 0) < attempt);
  const started = unmarked.filter(({ phase }) => phase === 'started');
  const begun = [...attempts.map(({ mark }) => mark), ...started];
  const covered = unmarked.filter((entry) => isUnstarted(entry) && begun.some((other) => covers(other, entry)));
  const rest = unmarked.filter((entry) => entry.phase !== 'started' && !covered.includes(entry));
  const presumed = sameBoot ? [] : rest.filter(({ phase }) => phase === 'planned');
  const open = rest.filter((entry) => !presumed.includes(entry)).map(restore);
  return {
    ended,
    lost: [
      ...marked,
      ...started.map((entry) => ({ entry, folder: null, presumed: false })),
      ...presumed.map((entry) => ({ entry, folder: null, presumed: true })),
    ],
    open,
    restored: open.filter((entry) => entry.phase !== known.get(entry.id)?.phase),
    covered,
    stale: [
      ...stale,
      ...attempts.filter((attempt) => !isOpen(attempt, unrecorded, latest)).map(({ folder }) => folder),
    ],
  };
}

/** Whether something is still to be done for an attempt. */
function isOpen(attempt: Attempt, unrecorded: readonly Attempt[], latest: (attempt: Attempt) => boolean): boolean {
  return unrecorded.includes(attempt) && (attempt.end !== null || latest(attempt));
}

const endOf = ({ entry }: AttemptEnd): number => entry.ending?.endedAt ?? 0;

function isRecorded(entry: Entry | null, attempt: number): boolean {
  if (entry === null) return false;
  return entry.phase === 'ended' || entry.phase === 'skipped' || (entry.ending?.attempt ?? 0) >= attempt;
}

const isUnstarted = ({ phase, ending }: Entry): boolean =>
  (phase === 'planned' || phase === 'waiting') && ending === null;

/**
 * A run that began stands for all due times in its span, also for those planned one by one before they were collapsed. What
 * was asked for is no due time.
 */
const covers = (run: Entry, entry: Entry): boolean =>
  !run.byHand &&
  !entry.byHand &&
  run.id !== entry.id &&
  run.task === entry.task &&
  run.first <= entry.due &&
  entry.due <= run.due;

/**
 * What waited, or was to be retried, is written as planned again just before it starts. Without a mark it did not: it goes
 * on as it was.
 */
function restore(entry: Entry): Entry {
  if (entry.phase !== 'planned') return entry;
  if (entry.ending !== null) return { ...entry, phase: 'retry', retryAt: entry.retryAt ?? entry.ending.endedAt };
  return entry.queuedAt === null ? entry : { ...entry, phase: 'waiting' };
}

function readSpool(spool: string): { attempts: Attempt[]; stale: string[] } {
  const attempts: Attempt[] = [];
  const stale: string[] = [];
  for (const name of namesIn(spool)) {
    const folder = join(spool, name);
    const mark = readMark(folder);
    // Nothing was spawned, or all is recorded; a mark that is not this folder's was put there by somebody else.
    if (mark === null || attemptFolder(spool, mark) !== folder) stale.push(folder);
    else attempts.push({ folder, mark, end: readOutcome(folder) });
  }
  return { attempts, stale };
}

function namesIn(spool: string): string[] {
  try {
    return readdirSync(spool);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}
