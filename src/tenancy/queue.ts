/**
 * Tiered tenancy (SPEC 6) as a pure state machine: who of those that wait may start now. Promises the scheduler that at
 * every moment the number of running tasks is at most the smallest tenancy among them, and that none that could start waits.
 */
import type { EpochMs } from '../types.ts';
import { Heap } from './heap.ts';

export interface Waiting {
  readonly id: string;
  /** How many tasks may run at the same time while this one runs, itself included; a whole number from 1 on. */
  readonly tenancy: number;
  /** The task's position in the files; smaller goes first. */
  readonly order: number;
}

interface Entry extends Waiting {
  /** Names its cohort. */
  readonly due: EpochMs;
  /** Breaks the last ties, by arrival. */
  readonly arrival: number;
}

/** "Oldest cohort first", then tenancy, then file order (SPEC 6). */
function compare(a: Entry, b: Entry): number {
  return a.due - b.due || a.tenancy - b.tenancy || a.order - b.order || a.arrival - b.arrival;
}

export class Admission {
  readonly #waiting = new Map<string, Entry>();
  /** By tenancy, each in order. An entry that was dropped stays until it comes up, or until most of a bucket is such. */
  readonly #buckets = new Map<number, { heap: Heap<Entry>; live: number }>();
  readonly #running = new Map<string, number>();
  /** How many run, by tenancy. */
  readonly #tenants = new Map<number, number>();
  /** The smallest tenancy among the running. */
  #limit = Number.POSITIVE_INFINITY;
  #arrivals = 0;

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
   * Those that are due at `due` begin to wait. Runs of one due instant are one cohort, in however many calls they come.
   * @throws RangeError on a tenancy that is no whole number from 1 on, or an id that is here already.
   */
  arrive(due: EpochMs, runs: readonly Waiting[]): void {
    for (const { id, tenancy, order } of runs) {
      if (!Number.isInteger(tenancy) || tenancy < 1) throw new RangeError(`tenancy of ${id}: ${tenancy}`);
      if (this.#waiting.has(id) || this.#running.has(id)) throw new RangeError(`${id} is here already`);
      const entry = { id, tenancy, order, due, arrival: this.#arrivals++ };
      this.#waiting.set(id, entry);
      this.#bucket(tenancy).heap.push(entry);
      this.#bucket(tenancy).live += 1;
    }
  }

  /**
   * Takes those that may start now, in order; they count as running from here on. Starting one only tightens the rule, so
   * what could not start before it cannot start after it: taking the first that can, again and again, is the one pass
   * through all waiting of SPEC 6. Costs O(different tenancies) for each that starts, and nothing when the house is full.
   */
  admit(): string[] {
    const admitted: string[] = [];
    while (this.#running.size < this.#limit) {
      const next = this.#firstAbove(this.#running.size);
      if (next === null) break;
      this.#waiting.delete(next.id);
      this.#leave(next.tenancy);
      this.#running.set(next.id, next.tenancy);
      this.#tenants.set(next.tenancy, (this.#tenants.get(next.tenancy) ?? 0) + 1);
      this.#limit = Math.min(this.#limit, next.tenancy);
      admitted.push(next.id);
    }
    return admitted;
  }

  /** A running one is over. @throws RangeError when it is not running. */
  ended(id: string): void {
    const tenancy = this.#running.get(id);
    if (tenancy === undefined) throw new RangeError(`${id} is not running`);
    this.#running.delete(id);
    const others = (this.#tenants.get(tenancy) ?? 0) - 1;
    if (others > 0) {
      this.#tenants.set(tenancy, others);
      return;
    }
    this.#tenants.delete(tenancy);
    if (tenancy !== this.#limit) return;
    this.#limit = Number.POSITIVE_INFINITY;
    for (const left of this.#tenants.keys()) this.#limit = Math.min(this.#limit, left);
  }

  /** A waiting one is given up; false when it does not wait. */
  drop(id: string): boolean {
    const entry = this.#waiting.get(id);
    if (entry === undefined) return false;
    this.#waiting.delete(id);
    this.#leave(entry.tenancy);
    return true;
  }

  /** The first of all waiting with a tenancy above `running`; with it running, that many and one more would run. */
  #firstAbove(running: number): Entry | null {
    let first: Entry | null = null;
    for (const [tenancy, { heap }] of this.#buckets) {
      if (tenancy <= running) continue;
      let head = heap.peek();
      while (head !== undefined && !this.#isLive(head)) {
        heap.pop();
        head = heap.peek();
      }
      if (head !== undefined && (first === null || compare(head, first) < 0)) first = head;
    }
    return first;
  }

  /** An id may have been dropped and have arrived anew, so the entry itself is compared. */
  #isLive(entry: Entry): boolean {
    return this.#waiting.get(entry.id) === entry;
  }

  #bucket(tenancy: number): { heap: Heap<Entry>; live: number } {
    const known = this.#buckets.get(tenancy);
    if (known !== undefined) return known;
    const made = { heap: new Heap<Entry>((a, b) => compare(a, b) < 0), live: 0 };
    this.#buckets.set(tenancy, made);
    return made;
  }

  /** One of this tenancy waits no more. Keeps a bucket from filling up with the dropped ones behind a blocked head. */
  #leave(tenancy: number): void {
    const bucket = this.#bucket(tenancy);
    bucket.live -= 1;
    if (bucket.live === 0) this.#buckets.delete(tenancy);
    else if (bucket.heap.size > 2 * bucket.live + 64) {
      const live: Entry[] = [];
      for (let entry = bucket.heap.pop(); entry !== undefined; entry = bucket.heap.pop()) {
        if (this.#isLive(entry)) live.push(entry);
      }
      for (const entry of live) bucket.heap.push(entry);
    }
  }
}
