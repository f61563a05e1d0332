/** New entries of the ledger. Pure. */
import type { Entry, EpochMs } from '../types.ts';

export function newEntry(id: string, task: string, due: EpochMs, plannedAt: EpochMs): Entry {
  return {
    id,
    task,
    due,
    first: due,
    count: 1,
    phase: 'planned',
    attempt: 1,
    plannedAt,
    absent: null,
    queuedAt: null,
    waited: null,
    startedAt: null,
    pid: null,
    retryAt: null,
    ending: null,
    earlier: [],
    skipped: null,
    results: [],
    resultCount: 0,
    stdoutBytes: 0,
    left: 0,
    kept: null,
  };
}
