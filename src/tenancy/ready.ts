/**
 * Those that wait and that no lock is known to keep. Promises the admission the first of each tenancy, and the first of the
 * impatient, at once. A lock may have been taken since one came in here: whoever takes the first of a heap looks.
 */
import { type Entry, goesBefore } from './entry.ts';
import { Heap } from './heap.ts';

export class Ready {
  /** None is empty. */
  readonly byTenancy = new Map<number, Heap<Entry>>();
  readonly impatient = new Heap<Entry>(goesBefore);

  add(entry: Entry): void {
    let heap = this.byTenancy.get(entry.tenancy);
    if (heap === undefined) {
      heap = new Heap<Entry>(goesBefore);
      this.byTenancy.set(entry.tenancy, heap);
    }
    entry.ready = heap.push(entry);
    if (entry.impatient) this.hurry(entry);
  }

  /** It has become impatient. */
  hurry(entry: Entry): void {
    entry.urgent = this.impatient.push(entry);
  }

  remove(entry: Entry): void {
    const heap = this.byTenancy.get(entry.tenancy);
    if (heap === undefined || entry.ready === null) return;
    heap.remove(entry.ready);
    if (heap.size === 0) this.byTenancy.delete(entry.tenancy);
    if (entry.urgent !== null) this.impatient.remove(entry.urgent);
    entry.ready = null;
    entry.urgent = null;
  }
}
