/**
 * The runs that wait: for their turn, or for their next attempt. Promises the loop who may start now, with the ledger
 * already saying so, and that who waits too long, or cannot wait here any longer, is handed back.
 */
import { Admission } from '../tenancy/queue.ts';
import type { Clock, Entry, EpochMs, Ms, Task, Waited } from '../types.ts';
import type { Books } from './books.ts';
import type { Live, Roster } from './roster.ts';
import { Waits } from './waits.ts';

export interface WaitingRoomParts {
  readonly clock: Clock;
  readonly books: Books;
  /** False while the disk is too full to start anything (SPEC 7). */
  roomToStart(): boolean;
  /** `max_wait` is over for one that has left. */
  giveUp(live: Live): void;
  /** Whether the condition of a run holds; one that does not is seen to. */
  holds(live: Live): boolean;
}

/** What an own lock and that of a mutex are called in the admission. */
const OWN = 'task ';
const MUTEX = 'mutex ';

export class WaitingRoom {
  readonly #parts: WaitingRoomParts;
  readonly #roster: Roster;
  readonly #admission = new Admission();
  readonly #waits = new Waits();
  /** Those that came since it was last asked who may start. */
  #fresh: Live[] = [];

  constructor(parts: WaitingRoomParts, roster: Roster) {
    this.#parts = parts;
    this.#roster = roster;
  }

  /** How long one that tenancy alone keeps back may be overtaken (SPEC 6). */
  set patience(patience: Ms) {
    this.#admission.patience = patience;
  }

  /** How many wait for their turn; those that wait for a retry are not counted. */
  get waiting(): number {
    return this.#admission.waiting;
  }

  enter(live: Live, now: EpochMs): void {
    live.stage = 'waiting';
    this.#arrive(live, now);
    this.#fresh.push(live);
  }

  /** It has ended an attempt, and waits for the time of the next, which is made as the task is configured then. */
  awaitRetry(live: Live, task: Task): void {
    live.stage = 'retry';
    live.handle = null;
    live.over = false;
    live.run = { ...live.run, task, attempt: live.entry.attempt };
    this.#waits.retry(live, live.entry.retryAt ?? 0);
  }

  /** Tasks are configured anew. Answers the entries of those that waited and have no task any more: they have left. */
  adopt(tasks: ReadonlyMap<string, Task>): Entry[] {
    return [...this.#roster.all()].flatMap((live) => {
      const task = tasks.get(live.run.task.name);
      if (task === undefined) return this.leave(live) ? [live.entry] : [];
      this.#refresh(live, task);
      return [];
    });
  }

  /** What goes already goes on as it was started. */
  #refresh(live: Live, task: Task): void {
    if (live.stage === 'going') return;
    const before = live.run.task;
    live.run = { ...live.run, task };
    if (live.stage === 'retry') return;
    const same = JSON.stringify(terms(before)) === JSON.stringify(terms(task));
    this.#waits.end(live);
    if (same) this.#waits.begin(live, this.#parts.clock.now());
    else if (this.#admission.drop(live.run.id)) this.#arrive(live, this.#parts.clock.now());
  }

  /** At most so many that may start now. The ledger says so already: after a power cut they count as started. */
  admit(now: EpochMs, most: number): Live[] {
    for (const live of this.#waits.takeRetries(now)) this.#again(live, now);
    for (const live of this.#waits.takeExpired(now)) {
      this.#look(live, true);
      if (this.leave(live)) this.#parts.giveUp(live);
    }
    if (this.#admission.waiting === 0) return [];
    const room = this.#parts.roomToStart();
    const lives = room ? this.#admission.admit(now, most).flatMap((id) => this.#roster.get(id) ?? []) : [];
    for (const live of lives) this.#waits.end(live);
    for (const live of this.#fresh.splice(0)) this.#look(live, room);
    for (const live of this.#waits.takeUntold(now)) {
      this.#look(live, room);
      this.#put(live, 'waiting');
    }
    this.#announce(lives);
    return lives;
  }

  #arrive(live: Live, now: EpochMs): void {
    const { id, due, attempt, task } = live.run;
    const alone = task.overlap !== 'allow' || live.entry.inTurn;
    const locks = [...(alone ? [OWN + task.name] : []), ...(task.mutex === null ? [] : [MUTEX + task.mutex])];
    // A cohort is what is due at one instant (SPEC 6); a retry is due when it was put off to.
    const cohort = attempt > 1 ? (live.entry.queuedAt ?? due) : due;
    this.#admission.arrive(cohort, [{ id, tenancy: task.tenancy, order: task.order, locks }]);
    this.#waits.begin(live, now);
  }

  /** The time of its next attempt has come. */
  #again(live: Live, now: EpochMs): void {
    live.entry = { ...live.entry, queuedAt: now, waited: null };
    if (live.entry.ending?.status === 'Failed') {
      // It may be its condition that failed.
      this.#roster.remove(live);
      if (!this.#parts.holds(live)) return;
      this.enter(this.#roster.add(live.run, live.entry, 'waiting'), now);
    } else this.enter(live, now);
  }

  /** Sees what keeps one from starting that still waits. */
  #look(live: Live, room: boolean): void {
    if (!this.#admission.isWaiting(live.run.id)) return;
    live.entry = { ...live.entry, waited: this.#whatHolds(live, room) };
  }

  /** Its process has ended: its place is free. */
  ended(live: Live): void {
    this.#admission.ended(live.run.id, this.#parts.clock.now(), true);
  }

  /** Its end is recorded: who waits for it, as for the state that it has left, may start. */
  recorded(live: Live): void {
    this.#admission.release(live.run.id);
  }

  /** It waits no more; false when it did not. */
  leave(live: Live): boolean {
    this.#waits.end(live);
    const waited = live.stage !== 'going';
    if (live.stage === 'waiting') this.#admission.drop(live.run.id);
    if (waited) this.#roster.remove(live);
    return waited;
  }

  /** All that wait leave, and stay in the ledger as such for the next start. */
  close(): void {
    for (const live of [...this.#roster.all()]) {
      if (live.stage === 'waiting') this.#put(live, live.entry.ending === null ? 'waiting' : 'retry');
      this.leave(live);
    }
  }

  /** The wall clock was set back: what waits for a length of time does not wait for longer. */
  shift(jump: Ms): void {
    for (const live of this.#roster.all()) {
      this.#waits.shift(live, jump);
      const { retryAt } = live.entry;
      if (live.stage !== 'retry' || retryAt === null) continue;
      live.entry = { ...live.entry, retryAt: retryAt + jump };
      this.#parts.books.put(live.run.id, live.entry);
    }
  }

  /** When to look again, besides at every end of a run. */
  wake(): EpochMs {
    return this.#waits.wake();
  }

  /** What the ledger says to wait may start unseen by it only once it says otherwise. */
  #announce(lives: readonly Live[]): void {
    const told = lives.filter(({ entry }) => entry.phase !== 'planned');
    for (const live of told) this.#put(live, 'planned');
    if (told.length > 0) this.#parts.books.flush();
  }

  #put(live: Live, phase: Entry['phase']): void {
    live.entry = { ...live.entry, phase };
    this.#parts.books.put(live.run.id, live.entry);
  }

  #whatHolds(live: Live, room: boolean): Waited | null {
    const held = this.#admission.held(live.run.id);
    if (!room) return { for: 'room', who: [] };
    if (held === null) return live.entry.waited;
    const who = held.who.flatMap((id) => this.#roster.get(id)?.run.task.name ?? []);
    if (held.for !== 'lock') return { for: held.for, who };
    if (!held.lock?.startsWith(MUTEX)) return { for: 'overlap', who };
    return { for: 'mutex', mutex: held.lock.slice(MUTEX.length), who };
  }
}

/** What of a task decides on when it may start. */
const terms = ({ tenancy, order, mutex, overlap }: Task): unknown[] => [tenancy, order, mutex, overlap === 'allow'];
