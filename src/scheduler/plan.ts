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
const HORIZON: Ms = 5_000;

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
  readonly #planned = new Map<string, Entry[]>();
  /** Of each task the first of those. */
  readonly #ready = new Agenda<null>();

  constructor(parts: PlanParts) {
    this.#parts = parts;
  }

  /** Goes on with these tasks. Take back what was planned of others first. */
  load(tasks: ReadonlyMap<string, Task>, now: EpochMs): void {
    this.#tasks = tasks;
    this.#unplanned.clear();
    for (const task of tasks.values()) this.#schedule(task, now);
  }

  /** An entry of a task that an earlier scheduler planned. */
  adopt(entry: Entry): void {
    const entries = [...(this.#planned.get(entry.task) ?? []), entry].sort((a, b) => a.due - b.due);
    this.#keep(entry.task, entries);
  }

  /** Entries that were planned, of tasks that are no more. */
  takeOrphans(): Entry[] {
    const names = [...this.#planned.keys()].filter((name) => !this.#tasks.has(name));
    const orphans = names.flatMap((name) => this.#planned.get(name) ?? []);
    for (const name of names) this.#keep(name, []);
    return orphans;
  }

  /** Plans what comes soon, in one synced write. */
  ahead(now: EpochMs): void {
    if ((this.#unplanned.peek()?.at ?? Number.POSITIVE_INFINITY) > now + LEAD) return;
    const { books, cursors, newRunId } = this.#parts;
    for (const { key, at, value: task } of this.#unplanned.take(now + HORIZON)) {
      const entries = [...(this.#planned.get(key) ?? [])];
      let due: EpochMs | null = at;
      for (; due !== null && due <= now + HORIZON; due = task.schedule.next(due)) {
        const entry = newEntry(newRunId(), key, due, now);
        entries.push(entry);
        books.put(entry.id, entry);
        cursors.move(key, due);
      }
      this.#keep(key, entries);
      if (due !== null) this.#unplanned.set(key, due, task);
    }
    books.flush();
  }

  /** Takes back what was planned for later than `after`, as if it never had been. */
  takeBack(after: EpochMs): void {
    const { books, cursors } = this.#parts;
    for (const [name, entries] of [...this.#planned]) {
      const back = entries.filter(({ due }) => due > after);
      const [first] = back;
      if (first === undefined) continue;
      for (const { id } of back) books.put(id, null);
      cursors.move(name, first.first - 1);
      this.#keep(
        name,
        entries.filter(({ due }) => due <= after),
      );
    }
  }

  /** Hands out all that is due. Moves the cursors of tasks that had due times without an entry. */
  take(now: EpochMs): DueTask[] {
    const ready = this.#ready.take(now).map(({ key }) => key);
    const behind = new Set(this.#unplanned.take(now).map(({ key }) => key));
    const due: DueTask[] = [];
    for (const name of new Set([...ready, ...behind])) {
      const task = this.#tasks.get(name);
      const entries = this.#planned.get(name) ?? [];
      this.#keep(
        name,
        entries.filter((entry) => entry.due > now),
      );
      if (task === undefined) continue;
      const arrived = entries.filter((entry) => entry.due <= now);
      due.push({ task, entries: arrived, ...(behind.has(name) ? this.#behind(task, now) : { dues: [], since: null }) });
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

  #keep(name: string, entries: Entry[]): void {
    const [first] = entries;
    if (first === undefined) {
      this.#planned.delete(name);
      this.#ready.delete(name);
    } else {
      this.#planned.set(name, entries);
      this.#ready.set(name, first.due, null);
    }
  }
}
