/**
 * Due times before they come: which have their entry in the ledger already, and which come next. Promises the loop that an
 * entry is written some seconds before its due time, so that nothing is synced between the due time and the start, and
 * that every due time is handed out exactly once.
 */
import { Agenda } from '../schedule/agenda.ts';
import { COUNTED } from '../schedule/missed.ts';
import type { Entry, EpochMs, Ms, Task } from '../types.ts';
import type { Books } from './books.ts';
import type { Cursors } from './cursors.ts';
import { newEntry } from './entries.ts';

/** Due times are planned at the latest this long before; half a second off, since due times are whole seconds. */
const LEAD: Ms = 2_500;
/** And then all that come within this, so that a task of each second does not cost a sync each second. */
export const HORIZON: Ms = 5_000;

/** A task of which something is due. */
export interface DueTask {
  readonly task: Task;
  /** Planned before, ascending. */
  readonly entries: readonly Entry[];
  /** Due times that have no entry, ascending: nobody was there to plan them. */
  readonly dues: readonly EpochMs[];
  /** The first of those, where they are too many to be listed; else null. */
  readonly since: EpochMs | null;
}

interface Planned {
  readonly entry: Entry;
  /** Where the cursor stood before it was planned. */
  readonly before: EpochMs;
}

export interface PlanParts {
  readonly cursors: Cursors;
  readonly books: Books;
  newRunId(): string;
}

export class Plan {
  readonly #parts: PlanParts;
  #tasks: ReadonlyMap<string, Task> = new Map();
  /** Of each task the next due time without an entry. */
  readonly #unplanned = new Agenda<Task>();
  /** Of each task the entries that have not been handed out, ascending. */
  readonly #planned = new Map<string, Planned[]>();
  /** Of each task the first of those. */
  readonly #ready = new Agenda<null>();

  constructor(parts: PlanParts) {
    this.#parts = parts;
  }

  /** Goes on with these tasks. Take back what was planned of others first. */
  load(tasks: ReadonlyMap<string, Task>, now: EpochMs): void {
    this.#tasks = tasks;
    this.reload(now);
  }

  /** Looks anew when each task is due next. */
  reload(now: EpochMs): void {
    this.#unplanned.clear();
    for (const task of this.#tasks.values()) this.#schedule(task, now);
  }

  /** An entry of a task that an earlier scheduler planned. */
  adopt(entry: Entry): void {
    const planned = [...(this.#planned.get(entry.task) ?? []), { entry, before: entry.first - 1 }];
    this.#keep(
      entry.task,
      planned.sort((a, b) => a.entry.due - b.entry.due),
    );
  }

  /** Entries that were planned, of tasks that are no more. */
  takeOrphans(): Entry[] {
    const names = [...this.#planned.keys()].filter((name) => !this.#tasks.has(name));
    const orphans = names.flatMap((name) => this.#planned.get(name) ?? []).map(({ entry }) => entry);
    for (const name of names) this.#keep(name, []);
    return orphans;
  }

  /** Plans what comes soon, in one synced write. */
  ahead(now: EpochMs): void {
    if ((this.#unplanned.peek()?.at ?? Number.POSITIVE_INFINITY) > now + LEAD) return;
    const { books, cursors, newRunId } = this.#parts;
    for (const { key, at, value: task } of this.#unplanned.take(now + HORIZON)) {
      const planned = [...(this.#planned.get(key) ?? [])];
      let due: EpochMs | null = at;
      for (; due !== null && due <= now + HORIZON; due = task.schedule.next(due)) {
        const entry = newEntry(newRunId(), key, due, now);
        planned.push({ entry, before: cursors.of(key)?.seen ?? due - 1 });
        books.put(entry.id, entry);
        cursors.move(key, due);
      }
      this.#keep(key, planned);
      if (due !== null) this.#unplanned.set(key, due, task);
    }
    books.flush();
  }

  /** Takes back what was planned for later than `after`, as if it never had been. */
  takeBack(after: EpochMs): void {
    for (const name of [...this.#planned.keys()]) {
      const [first] = this.#drop(name, after);
      if (first !== undefined) this.#parts.cursors.move(name, first.before);
    }
  }

  /** Plans a task afresh, whose cursor was set back to `now`: what was planned for later is no more. */
  restart(name: string, now: EpochMs): void {
    this.#drop(name, now);
    const task = this.#tasks.get(name);
    if (task !== undefined) this.#schedule(task, now);
  }

  /** Removes what was planned for later than `after` without a trace, and answers it. */
  #drop(name: string, after: EpochMs): Planned[] {
    const planned = this.#planned.get(name) ?? [];
    const dropped = planned.filter(({ entry }) => entry.due > after);
    for (const { entry } of dropped) this.#parts.books.put(entry.id, null);
    if (dropped.length > 0) {
      this.#keep(
        name,
        planned.filter(({ entry }) => entry.due <= after),
      );
    }
    return dropped;
  }

  /** Hands out all that is due. Moves the cursors of tasks that had due times without an entry. */
  take(now: EpochMs): DueTask[] {
    const ready = this.#ready.take(now).map(({ key }) => key);
    const behind = new Set(this.#unplanned.take(now).map(({ key }) => key));
    const due: DueTask[] = [];
    for (const name of new Set([...ready, ...behind])) {
      const task = this.#tasks.get(name);
      const planned = this.#planned.get(name) ?? [];
      this.#keep(
        name,
        planned.filter(({ entry }) => entry.due > now),
      );
      if (task === undefined) continue;
      const entries = planned.map(({ entry }) => entry).filter((entry) => entry.due <= now);
      due.push({ task, entries, ...(behind.has(name) ? this.#behind(task, now) : { dues: [], since: null }) });
      if (behind.has(name)) this.#schedule(task, now);
    }
    return due;
  }

  #behind({ name, schedule }: Task, now: EpochMs): Pick<DueTask, 'dues' | 'since'> {
    const { cursors } = this.#parts;
    const seen = cursors.of(name)?.seen ?? now;
    const dues = schedule.latest(seen, now, COUNTED);
    cursors.move(name, now);
    return { dues, since: dues.length < COUNTED ? null : schedule.next(seen) };
  }

  /** When to look again: something is due, or to be planned. */
  wake(planning: boolean): EpochMs {
    const unplanned = this.#unplanned.peek()?.at ?? Number.POSITIVE_INFINITY;
    const ready = this.#ready.peek()?.at ?? Number.POSITIVE_INFINITY;
    return Math.min(ready, planning ? unplanned - LEAD : unplanned);
  }

  next(): { at: EpochMs; task: string } | null {
    const [ready, unplanned] = [this.#ready.peek(), this.#unplanned.peek()];
    const next = ready !== null && ready.at <= (unplanned?.at ?? Number.POSITIVE_INFINITY) ? ready : unplanned;
    return next === null ? null : { at: next.at, task: next.key };
  }

  #schedule(task: Task, now: EpochMs): void {
    const next = task.schedule.next(this.#parts.cursors.of(task.name)?.seen ?? now);
    if (next === null) this.#unplanned.delete(task.name);
    else this.#unplanned.set(task.name, next, task);
  }

  #keep(name: string, planned: Planned[]): void {
    const [first] = planned;
    if (first === undefined) {
      this.#planned.delete(name);
      this.#ready.delete(name);
    } else {
      this.#planned.set(name, planned);
      this.#ready.set(name, first.entry.due, null);
    }
  }
}
