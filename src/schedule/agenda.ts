/**
 * What comes next: one instant per key. Promised to the scheduler: O(log n) per change, nothing O(n) per event.
 */
import type { EpochMs } from '../types.ts';

interface Entry<T> {
  readonly key: string;
  readonly at: EpochMs;
  readonly value: T;
}

interface Node<T> extends Entry<T> {
  /** Order of insertion, among those at one instant. */
  readonly order: number;
  /** Its place in the heap. */
  place: number;
}

/** A binary heap whose entries know their place, so that any of them can be moved or taken out. */
export class Agenda<T> {
  readonly #heap: Node<T>[] = [];
  readonly #nodes = new Map<string, Node<T>>();
  #inserted = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** Sets the one instant of a key; what the key had before is forgotten. */
  set(key: string, at: EpochMs, value: T): void {
    this.delete(key);
    const node: Node<T> = { key, at, value, order: this.#inserted, place: this.#heap.length };
    this.#inserted += 1;
    this.#nodes.set(key, node);
    this.#heap.push(node);
    this.#rise(node);
  }

  /** Does nothing for an unknown key. */
  delete(key: string): void {
    const node = this.#nodes.get(key);
    if (node !== undefined) this.#remove(node);
  }

  at(key: string): EpochMs | null {
    return this.#nodes.get(key)?.at ?? null;
  }

  peek(): Entry<T> | null {
    const first = this.#heap[0];
    return first === undefined ? null : { key: first.key, at: first.at, value: first.value };
  }

  /** Removes and answers all entries with at <= now, by instant, then by order of insertion. */
  take(now: EpochMs): Entry<T>[] {
    const due: Entry<T>[] = [];
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      due.push({ key: first.key, at: first.at, value: first.value });
      this.#remove(first);
    }
    return due;
  }

  clear(): void {
    this.#heap.length = 0;
    this.#nodes.clear();
  }

  #remove(node: Node<T>): void {
    this.#nodes.delete(node.key);
    const moved = this.#heap.pop();
    if (moved === undefined || moved === node) return;
    this.#put(moved, node.place);
    this.#rise(moved);
    this.#sink(moved);
  }

  #put(node: Node<T>, place: number): void {
    node.place = place;
    this.#heap[place] = node;
  }

  #rise(node: Node<T>): void {
    while (node.place > 0) {
      const place = node.place;
      const above = this.#heap[(place - 1) >> 1];
      if (above === undefined || before(above, node)) return;
      this.#put(node, above.place);
      this.#put(above, place);
    }
  }

  #sink(node: Node<T>): void {
    for (;;) {
      const place = node.place;
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      const below = right !== undefined && left !== undefined && before(right, left) ? right : left;
      if (below === undefined || before(node, below)) return;
      this.#put(node, below.place);
      this.#put(below, place);
    }
  }
}

function before<T>(a: Node<T>, b: Node<T>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
