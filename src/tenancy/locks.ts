/**
 * Who holds which lock, and who was set aside because of one. Promises the admission that the end of a lock costs
 * O(different tenancies among those that wait for it), not a walk through them: of each tenancy only the first is brought
 * back, as a scout. While it neither starts nor goes away, those behind it could not start either; when it goes without
 * taking the lock (dropped, or kept by another lock), the next is brought back.
 *
 * The impatient are grouped apart, since one of them holds others back even where a patient one stands before it.
 */
import { type Entry, type Group, goesBefore, type Lock } from './entry.ts';
import { Heap } from './heap.ts';

export class Locks {
  /** Those that are held or waited for; the others are forgotten. */
  readonly #locks = new Map<string, Lock>();
  /** Those that are over and hold theirs still. */
  readonly #over = new Map<string, Entry>();

  /** The first of its locks that is held; null when all are free. */
  keeping(entry: Entry): Lock | null {
    for (const name of entry.locks) {
      const lock = this.#locks.get(name);
      if (lock !== undefined && lock.holder !== null) return lock;
    }
    return null;
  }

  /** It starts: all its locks, which must be free, are held by it. */
  take(entry: Entry): void {
    for (const name of entry.locks) {
      const lock = this.#locks.get(name);
      if (lock === undefined) this.#locks.set(name, { name, holder: entry.id, groups: new Map() });
      else lock.holder = entry.id;
    }
  }

  /** It is over, and holds its locks until `release`. */
  keep(entry: Entry): void {
    if (entry.locks.length > 0) this.#over.set(entry.id, entry);
  }

  /** Answers those that may be able to start now; they are set aside no more. */
  release(id: string): Entry[] {
    const entry = this.#over.get(id);
    if (entry === undefined) return [];
    this.#over.delete(id);
    return this.#free(entry);
  }

  #free(entry: Entry): Entry[] {
    const back: Entry[] = [];
    for (const name of entry.locks) {
      const lock = this.#locks.get(name);
      if (lock === undefined) continue;
      lock.holder = null;
      for (const group of lock.groups.values()) {
        const first = group.heap.peek();
        // One of an older cohort may have come after the scout was brought back.
        if (group.scout !== null && first !== undefined && goesBefore(group.scout, first)) continue;
        const next = this.#bringBack(group);
        if (next !== null) back.push(next);
      }
      this.#tidy(lock);
    }
    return back;
  }

  /** Sets one aside until `lock`, which is held, is free. */
  park(entry: Entry, lock: Lock): void {
    const key = entry.impatient ? -entry.tenancy : entry.tenancy;
    let group = lock.groups.get(key);
    if (group === undefined) {
      group = { lock, key, heap: new Heap<Entry>(goesBefore), scout: null };
      lock.groups.set(key, group);
    }
    entry.parked = { group, spot: group.heap.push(entry) };
  }

  /** One that is set aside waits no longer for that lock. */
  unpark(entry: Entry): void {
    if (entry.parked === null) return;
    const { group, spot } = entry.parked;
    group.heap.remove(spot);
    entry.parked = null;
    // The group goes with its last, though its scout may still be there: a scout of no group stands for nobody.
    if (group.heap.size === 0) group.lock.groups.delete(group.key);
    this.#tidy(group.lock);
  }

  /** One that is not set aside starts or goes. Answers the one that takes its place as a scout. */
  relieve(entry: Entry): Entry | null {
    const group = entry.scoutOf;
    if (group === null) return null;
    entry.scoutOf = null;
    group.scout = null;
    return group.lock.holder === null ? this.#bringBack(group) : null;
  }

  #bringBack(group: Group): Entry | null {
    const first = group.heap.peek();
    if (first === undefined) return null;
    this.unpark(first);
    if (group.scout !== null) group.scout.scoutOf = null;
    group.scout = first;
    first.scoutOf = group;
    return first;
  }

  #tidy(lock: Lock): void {
    if (lock.holder === null && lock.groups.size === 0) this.#locks.delete(lock.name);
  }
}
