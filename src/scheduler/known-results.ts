/** What `path.keep` may delete: the list of a task's results that Fate recorded (SPEC 8), brought up to date by each run. */
import { pruneResults } from '../output/result.ts';
import type { EpochMs, KnownResult, RecordedResult, Task } from '../types.ts';

export function keepsCount({ keep }: Task): boolean {
  return keep.count !== null || keep.age !== null || keep.size !== null;
}

/**
 * Deletes what the task's `keep` says and answers what is known from then on; null when nothing is to be remembered.
 * @param known before the run, oldest first
 * @param owner the uid of the task's user, to whom what was recorded belongs; null where it runs as the scheduler
 */
export async function withRecorded(
  task: Task,
  known: readonly KnownResult[],
  recorded: readonly RecordedResult[],
  { at, now }: { readonly at: EpochMs; readonly now: EpochMs },
  owner: number | null,
): Promise<{ known: readonly KnownResult[] | null; problems: readonly string[] }> {
  if (recorded.length === 0 || !keepsCount(task)) return { known: null, problems: [] };
  const all = [...known, ...recorded.map(({ path, size }) => ({ path, size, at, ...(owner !== null && { owner }) }))];
  const { left, problems } = await pruneResults(all, task.keep, now);
  return { known: left, problems };
}

const turns = new Map<string, Promise<unknown>>();

/** Runs of one task that end at one moment each change the list: one after the other, so that none of them is forgotten. */
export function inTurn<T>(task: string, work: () => Promise<T>): Promise<T> {
  const mine = (turns.get(task) ?? Promise.resolve()).then(work);
  const over = mine
    .catch(() => {})
    .then(() => {
      if (turns.get(task) === over) turns.delete(task);
    });
  turns.set(task, over);
  return mine;
}
