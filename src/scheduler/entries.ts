/** New entries of the ledger, and the runs that are made of entries. Pure. */
import { bareEntry } from '../state/entry.ts';
import type { Entry, EpochMs, Run, Task } from '../types.ts';

export function newEntry(id: string, task: string, due: EpochMs, plannedAt: EpochMs): Entry {
  return { ...bareEntry(id, task, due, 'planned'), plannedAt };
}

export function runOf(task: Task, { id, due, attempt, count }: Entry): Run {
  return { id, task, due, attempt, collapsed: count - 1 };
}
