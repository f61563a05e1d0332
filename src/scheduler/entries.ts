/** New entries of the ledger. Pure. */
import { bareEntry } from '../state/entry.ts';
import type { Entry, EpochMs } from '../types.ts';

export function newEntry(id: string, task: string, due: EpochMs, plannedAt: EpochMs): Entry {
  return { ...bareEntry(id, task, due, 'planned'), plannedAt };
}
