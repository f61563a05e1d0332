/** What the loop needs from outside: the only ways in which it touches the world. */
import type {
  Boot,
  Clock,
  Cursor,
  Entry,
  Level,
  Ms,
  Pause,
  Run,
  RunHandle,
  Scope,
  Summary,
  TaskEvent,
} from '../types.ts';
import type { Books } from './books.ts';
import type { Live } from './roster.ts';

/** What is asked and told of each run. */
export interface RunWorld {
  readonly clock: Clock;
  readonly books: Books;
  scope(run: Run): Scope;
  newRunId(): string;
  emit(event: TaskEvent): void;
  /** When a task is and was paused, oldest first. */
  pausesOf(task: string): readonly Pause[];
}

export interface ArrivalParts extends RunWorld {
  /** A run that cannot even be begun. */
  fail(run: Run, entry: Entry, reason: string): void;
  /** One that waits is given up: it leaves the queue and the roster. */
  forget(live: Live): void;
  /** Nothing more comes of this occurrence. */
  closed(entry: Entry): void;
}

export interface SchedulerParts extends RunWorld {
  readonly boot: Boot;
  /** Never throws. */
  start(run: Run, entry: Entry): RunHandle;
  /** False while the disk is too full to start anything (SPEC 7). */
  roomToStart(): boolean;
  /** True when a zone file has changed since it was last asked. */
  zonesChanged(): boolean;
  /** The clock was set, or the machine slept. */
  tellClock(level: Level, message: string): void;
  /** How long the loop may rest at most: so that a watchdog hears of it in time. */
  readonly longestWait: Ms;
  /** The loop has turned; `busy`: in a stop, something still ends, or is being recorded, in its time. */
  turned(busy: boolean): void;
  /** A pass, or a moment of the daemon in which something ran, is over. */
  passed(summary: Summary): void;
}

/** What an earlier scheduler left: its cursors, and the entries that are still open (recovery.ts). */
export interface Left {
  readonly cursors: ReadonlyMap<string, Cursor>;
  readonly open: readonly Entry[];
}
