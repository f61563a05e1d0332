/**
 * Tiered tenancy (SPEC 6) as a pure state machine: who of those that wait may start now. Promises the scheduler that at
 * every moment the number of running tasks is at most the smallest tenancy among them, that nobody holds a lock that another
 * one holds, that none that could start waits, and that nobody is overtaken for ever for its tenancy's sake.
 */
import type { EpochMs, Ms } from '../types.ts';
import { arrived, compare, type Entry, type Held, type Waiting } from './entry.ts';
import type { Heap } from './heap.ts';
import { Locks } from './locks.ts';
import { Patience } from './patience.ts';
import { Ready } from './ready.ts';

export type { Held, Waiting } from './entry.ts';

const NAMED = 5;

export class Admission {
  /** All that wait; each is ready too, or set aside for one of its locks. */
  readonly #waiting = new Map<string, Entry>();
  readonly #ready = new Ready();
  readonly #locks = new Locks();
  readonly #time = new Patience();
  readonly #running = new Map<string, Entry>();
  /** Those that run, by tenancy. */
  readonly #tenants = new Map<number, Set<string>>();
  /** The smallest tenancy among the running. */
  #limit = Number.POSITIVE_INFINITY;
  #arrivals = 0;
  #patience: Ms;

  /** `patience`: how long a run may be overtaken (SPEC 6); 0 or more, Infinity for ever. */
  constructor(patience: Ms = Number.POSITIVE_INFINITY) {
    this.#patience = checked(patience);
  }

  get patience(): Ms {
    return this.#patience;
  }

  /** Holds at once, also for those that wait. @throws RangeError on what is no length of time. */
  set patience(patience: Ms) {
    const longer = checked(patience) > this.#patience;
    this.#patience = patience;
    if (!longer) return;
    const waiting = [...this.#waiting.values()].sort((a, b) => a.arrival - b.arrival);
    const impatient = waiting.filter((entry) => entry.impatient);
    for (const entry of impatient) this.#leave(entry);
    this.#time.recount(waiting);
    for (const entry of impatient) this.#place(entry);
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  isWaiting(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** Ids in the order in which they are gone through. O(n log n). */
  waitingIds(): string[] {
    return [...this.#waiting.values()].sort(compare).map((entry) => entry.id);
  }

  /**
   * Those that are due at `due` begin to wait. Runs of one due instant are one cohort, in however many calls they come, and
   * a cohort is later than another when its instant is, whichever came first. Patience counts from this call on.
   * @throws RangeError on a tenancy that is no whole number from 1 on, or an id that is here already.
   */
  arrive(due: EpochMs, runs: readonly Waiting[]): void {
    for (const { id, tenancy, order, locks } of runs) {
      if (!Number.isInteger(tenancy) || tenancy < 1) throw new RangeError(`tenancy of ${id}: ${tenancy}`);
      if (this.#waiting.has(id) || this.#running.has(id)) throw new RangeError(`${id} is here already`);
      const entry = arrived({ id, tenancy, order, locks }, due, this.#arrivals++, this.#time.starts);
      this.#waiting.set(id, entry);
      this.#time.arrived(entry);
      this.#place(entry);
    }
  }

  /**
   * Takes those that may start now, in order; they count as running from here on. The first that can start, again and
   * again: as far as tenancy and locks go this is the one pass through all waiting of SPEC 6, since a start only tightens
   * them. Patience is looked at anew after each start, for one that a lock now keeps holds nobody back any more.
   * Costs O(different tenancies) for each that starts, and nothing when the house is full.
   */
  admit(now: EpochMs, most = Number.POSITIVE_INFINITY): string[] {
    this.#time.pass(now);
    for (let e = this.#time.next(this.#patience); e !== null; e = this.#time.next(this.#patience)) this.#hurry(e);
    const admitted: string[] = [];
    while (this.#running.size < this.#limit && admitted.length < most) {
      const next = this.#first();
      if (next === null || next.due > this.#barrier()) break;
      this.#start(next);
      admitted.push(next.id);
    }
    return admitted;
  }

  /**
   * A running one is over, and its place is free.
   * @param keepsLocks it holds its locks until `release`: not all that they guard is over yet
   * @throws RangeError when it is not running
   */
  ended(id: string, now: EpochMs, keepsLocks = false): void {
    const entry = this.#running.get(id);
    if (entry === undefined) throw new RangeError(`${id} is not running`);
    this.#time.pass(now);
    this.#running.delete(id);
    this.#time.ended(entry);
    this.#locks.keep(entry);
    if (!keepsLocks) this.release(id);
    const others = this.#tenants.get(entry.tenancy);
    others?.delete(id);
    if (others !== undefined && others.size > 0) return;
    this.#tenants.delete(entry.tenancy);
    if (entry.tenancy !== this.#limit) return;
    this.#limit = Number.POSITIVE_INFINITY;
    for (const left of this.#tenants.keys()) this.#limit = Math.min(this.#limit, left);
  }

  /** One that is over lets go of its locks. Does nothing for any other. */
  release(id: string): void {
    for (const back of this.#locks.release(id)) this.#ready.add(back);
  }

  /** A waiting one is given up; false when it does not wait. */
  drop(id: string): boolean {
    const entry = this.#waiting.get(id);
    if (entry === undefined) return false;
    this.#waiting.delete(id);
    this.#time.left(entry);
    this.#leave(entry);
    return true;
  }

  /**
   * What keeps a waiting run from starting, as things stood after the last `admit`: a lock before tenancy, tenancy before
   * patience. Null when it does not wait, or came after that and could start.
   */
  held(id: string): Held | null {
    const entry = this.#waiting.get(id);
    if (entry === undefined) return null;
    const lock = this.#locks.keeping(entry);
    if (lock !== null) return { for: 'lock', lock: lock.name, who: lock.holder === null ? [] : [lock.holder] };
    const running = this.#running.size;
    // Its own tenancy is too small for any company of that size; else those limit it that want no more company.
    if (entry.tenancy <= running) return { for: 'tenancy', lock: null, who: some(this.#running.keys()) };
    if (this.#limit <= running) return { for: 'tenancy', lock: null, who: some(this.#tenants.get(this.#limit) ?? []) };
    if (entry.due <= this.#barrier()) return null;
    const who = this.#ready.impatient
      .first(NAMED)
      .filter((e) => e.due < entry.due && e.tenancy <= running && this.#locks.keeping(e) === null)
      .map((e) => e.id);
    return { for: 'patience', lock: null, who };
  }

  /** The first of those that locks and tenancy let start; with it running, one more than now would run. */
  #first(): Entry | null {
    let first: Entry | null = null;
    for (const [tenancy, heap] of this.#ready.byTenancy) {
      if (tenancy <= this.#running.size) continue;
      const head = this.#unlocked(heap);
      if (head !== undefined && (first === null || compare(head, first) < 0)) first = head;
    }
    return first;
  }

  /**
   * The oldest cohort with one in it that tenancy alone has kept back for too long; nothing younger may start. An impatient
   * one that could start now is no barrier: it goes before everything younger anyway, so tenancy need not be looked at.
   */
  #barrier(): EpochMs {
    return this.#unlocked(this.#ready.impatient)?.due ?? Number.POSITIVE_INFINITY;
  }

  /** The first of a heap of the ready ones that no lock keeps; those before it are set aside. */
  #unlocked(heap: Heap<Entry>): Entry | undefined {
    for (let head = heap.peek(); head !== undefined; head = heap.peek()) {
      const lock = this.#locks.keeping(head);
      if (lock === null) return head;
      this.#leave(head);
      this.#locks.park(head, lock);
    }
    return undefined;
  }

  #start(entry: Entry): void {
    this.#waiting.delete(entry.id);
    this.#locks.take(entry);
    this.#leave(entry);
    this.#time.left(entry);
    this.#time.started(entry);
    this.#running.set(entry.id, entry);
    const tenants = this.#tenants.get(entry.tenancy);
    if (tenants === undefined) this.#tenants.set(entry.tenancy, new Set([entry.id]));
    else tenants.add(entry.id);
    this.#limit = Math.min(this.#limit, entry.tenancy);
  }

  #hurry(entry: Entry): void {
    if (entry.parked === null) {
      this.#ready.hurry(entry);
    } else {
      this.#locks.unpark(entry);
      this.#place(entry);
    }
  }

  #place(entry: Entry): void {
    const lock = this.#locks.keeping(entry);
    if (lock === null) this.#ready.add(entry);
    else this.#locks.park(entry, lock);
  }

  /** Takes it out of where it waits; the next of those that it stood for comes in its place. */
  #leave(entry: Entry): void {
    if (entry.parked !== null) {
      this.#locks.unpark(entry);
      return;
    }
    this.#ready.remove(entry);
    const next = this.#locks.relieve(entry);
    if (next !== null) this.#ready.add(next);
  }
}

function some(ids: Iterable<string>): string[] {
  const named: string[] = [];
  for (const id of ids) {
    if (named.length === NAMED) break;
    named.push(id);
  }
  return named;
}

function checked(patience: Ms): Ms {
  if (Number.isNaN(patience) || patience < 0) throw new RangeError(`patience: ${patience}`);
  return patience;
}
