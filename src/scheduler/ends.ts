/**
 * What becomes of a run after an attempt: closed, or waiting for its retry. Promises the loop that every end is counted and
 * told once, and that who waits for an end hears of it when it is in the books.
 */
import type { Clock, Concluded, Entry, Outcome, Run, Task, TaskEvent } from '../types.ts';
import type { Books } from './books.ts';
import { conclude } from './conclude.ts';
import { failedOutcome } from './outcome.ts';
import type { Live, Roster } from './roster.ts';
import { Tally } from './tally.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface EndsParts {
  readonly clock: Clock;
  readonly books: Books;
  readonly roster: Roster;
  readonly room: WaitingRoom;
  emit(event: TaskEvent): void;
  /** Nothing more comes of this occurrence, here and now. */
  closed(entry: Entry): void;
  /** Gives up an entry whose task is no more. */
  remove(entry: Entry): void;
}

export class Ends {
  readonly tally = new Tally();
  readonly #parts: EndsParts;

  constructor(parts: EndsParts) {
    this.#parts = parts;
  }

  /**
   * An attempt is over and recorded.
   * @param task as it is configured now; undefined where it is not any more
   */
  ended(live: Live, { outcome, entry }: Concluded, task: Task | undefined, stopping: boolean): void {
    const { room, roster } = this.#parts;
    room.recorded(live);
    this.#tell(live.run, outcome);
    live.entry = entry;
    const tryAgain = entry.phase === 'retry' && !stopping;
    if (tryAgain && task !== undefined) room.awaitRetry(live, task);
    else roster.remove(live);
    if (tryAgain && task === undefined) this.#parts.remove(entry);
    if (!tryAgain) this.#parts.closed(entry);
  }

  /** A run whose condition failed: it cannot even be begun. */
  failed(run: Run, entry: Entry, reason: string): void {
    const { books, clock, roster, room } = this.#parts;
    const failed = failedOutcome(reason, clock.now());
    const concluded = conclude(entry, run.task, failed);
    this.#tell(run, { ...failed, retryAt: concluded.retryAt });
    if (concluded.phase === 'ended') {
      books.close(concluded);
      this.#parts.closed(concluded);
    } else {
      books.put(run.id, concluded);
      room.awaitRetry(roster.add(run, concluded, 'retry'), run.task);
    }
  }

  #tell(run: Run, outcome: Outcome): void {
    this.#parts.emit({ type: 'ended', run, ...outcome });
    this.tally.count(outcome);
  }
}
