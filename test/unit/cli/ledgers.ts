/** A ledger over a list of entries, and entries, for the tests of the commands that look back. */
import { bareEntry } from '../../../src/state/entry.ts';
import type { LedgerReader } from '../../../src/state/looking.ts';
import type { Cursor, Ending, Entry, Output } from '../../../src/types.ts';

/** 2026-11-22T02:00:00Z, a Sunday. */
export const DUE = Date.UTC(2026, 10, 22, 2);

export function makeEntry(changes: Partial<Entry> = {}): Entry {
  const due = changes.due ?? DUE;
  return {
    ...bareEntry('run0', 'backup', due, 'ended'),
    plannedAt: due - 3_000,
    queuedAt: due,
    ending: changes.phase === undefined || changes.phase === 'ended' ? makeEnding({ startedAt: due + 4 }) : null,
    ...changes,
  };
}

export function makeEnding(changes: Partial<Ending> = {}): Ending {
  const startedAt = changes.startedAt ?? DUE + 4;
  const duration = changes.duration ?? 2_000;
  return {
    attempt: 1,
    startedAt,
    endedAt: startedAt + duration,
    duration,
    status: 'OK',
    code: 0,
    signal: null,
    endedBy: 'itself',
    reason: null,
    memory: null,
    cpu: null,
    ...changes,
  };
}

export function makeLedger(
  entries: readonly Entry[],
  { cursor = null, outputs = {} }: { cursor?: Cursor | null; outputs?: Record<string, Output> } = {},
): LedgerReader & { taken: number } {
  const isOpen = ({ phase }: Entry): boolean => phase !== 'ended' && phase !== 'skipped';
  const sorted = [...entries].sort((a, b) => a.due - b.due);
  const ledger = {
    /** How many closed entries were asked for. */
    taken: 0,
    openEntries: () => sorted.filter(isOpen),
    entry: (id: string) => sorted.find((entry) => entry.id === id) ?? null,
    idsFrom: (prefix: string, limit: number) =>
      sorted.flatMap(({ id }) => (id.startsWith(prefix) ? [id] : [])).slice(0, limit),
    output: (id: string) => outputs[id] ?? null,
    *closed(task?: string) {
      for (const entry of sorted.toReversed()) {
        if (isOpen(entry) || (task !== undefined && entry.task !== task)) continue;
        ledger.taken += 1;
        yield entry;
      }
    },
    covering: (task: string, at: number) =>
      sorted.find((entry) => entry.task === task && entry.first <= at && at <= entry.due) ?? null,
    around: (task: string, at: number) => ({
      before: sorted.findLast((entry) => entry.task === task && entry.due < at) ?? null,
      after: sorted.find((entry) => entry.task === task && entry.first > at) ?? null,
    }),
    cursor: () => cursor,
  };
  return ledger;
}
