/**
 * The lines of `fate list` (SPEC 12), the same from the daemon and from a command that reads the ledger itself. Pure, and lazy:
 * each row costs what it shows, when it is asked for.
 */
import type { Configuration, Entry, EpochMs, Task, TaskRow } from '../types.ts';

export interface RowSource {
  readonly configuration: Pick<Configuration, 'tasks' | 'invalid'>;
  readonly now: EpochMs;
  /** The closed entry of a task with the latest due time; null where none is recorded. */
  last(task: string): Entry | null;
  /** How many runs of a task go, and how many wait for their turn or a retry. */
  live(task: string): { readonly running: number; readonly waiting: number };
  /** Until when a task is paused, Infinity until it is resumed; null where it is not. */
  pausedUntil(task: string): EpochMs | null;
  /** The first occurrence strictly after an instant; left out, the schedule is asked. */
  next?(task: Task, after: EpochMs): EpochMs | null;
}

/** The valid tasks as in the files, then those that are set aside. */
export function* taskRows(source: RowSource): Generator<TaskRow> {
  const { configuration } = source;
  for (const task of configuration.tasks) {
    const pausedUntil = source.pausedUntil(task.name);
    yield {
      ...shared(source, task.name),
      description: task.description,
      state: !task.enabled ? 'disabled' : pausedUntil === null ? 'enabled' : 'paused',
      schedule: task.schedule.expression,
      next: task.enabled ? nextOf(source, task, pausedUntil) : null,
    };
  }
  for (const { name } of configuration.invalid) {
    yield { ...shared(source, name), description: null, state: 'invalid', schedule: null, next: null };
  }
}

function shared(source: RowSource, task: string): Pick<TaskRow, 'task' | 'running' | 'waiting' | 'last'> {
  const { running, waiting } = source.live(task);
  const entry = source.last(task);
  return { task, running, waiting, last: entry === null ? null : lastOf(entry) };
}

/** What is due in a pause is skipped: the first time that is run is not before its end. */
function nextOf(source: RowSource, task: Task, pausedUntil: EpochMs | null): EpochMs | null {
  if (pausedUntil === Number.POSITIVE_INFINITY) return null;
  const after = pausedUntil === null ? source.now : Math.max(source.now, pausedUntil - 1);
  return source.next === undefined ? task.schedule.next(after) : source.next(task, after);
}

function lastOf({ id, due, phase, ending, skipped }: Entry): TaskRow['last'] {
  if (phase === 'skipped') return { run: id, due, status: 'skipped', at: skipped?.at ?? due };
  // A run that ended has an ending; one without was written by another version, and nobody knows.
  return { run: id, due, status: ending?.status ?? 'Lost', at: ending?.endedAt ?? due };
}
