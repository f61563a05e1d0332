/** What the loop needs from outside: the only ways in which it touches the world. */
import type { Clock, Cursor, Level, Run, RunHandle, Scope, Summary, TaskEvent } from '../types.ts';

export interface ArrivalParts {
  scope(run: Run): Scope;
  newRunId(): string;
  emit(event: TaskEvent): void;
}

export interface SchedulerParts extends ArrivalParts {
  readonly clock: Clock;
  /** Never throws. */
  start(run: Run): RunHandle;
  /** Stores cursors (null deletes); a failure is the store's to tell. */
  saveCursors(cursors: ReadonlyMap<string, Cursor | null>): void;
  /** False while the disk is too full to start anything (SPEC 7). */
  roomToStart(): boolean;
  /** True when a zone file has changed since it was last asked. */
  zonesChanged(): boolean;
  /** The clock was set, or the machine slept. */
  tellClock(level: Level, message: string): void;
  /** A pass, or a moment of the daemon in which something ran, is over. */
  passed(summary: Summary): void;
}
