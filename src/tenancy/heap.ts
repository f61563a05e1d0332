/** A binary heap. Promises the queue its first entry at once, and changes in O(log n). */

export class Heap<T> {
  readonly #entries: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  /** `before` must be a strict total order, or equal entries come out in any order. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#entries.length;
  }

  peek(): T | undefined {
    return this.#entries[0];
  }

  push(entry: T): void {
    const entries = this.#entries;
    let at = entries.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      // Both indices lie below the length.
      const above = entries[parent] as T;
      if (!this.#before(entry, above)) break;
      entries[at] = above;
      at = parent;
    }
    entries[at] = entry;
  }

  pop(): T | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (entries.length === 0 || last === undefined) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      // Indices were compared with the length just now.
      if (child + 1 < entries.length && this.#before(entries[child + 1] as T, entries[child] as T)) child += 1;
      const below = entries[child] as T;
      if (!this.#before(below, last)) break;
      entries[at] = below;
      at = child;
    }
    entries[at] = last;
    return first;
  }
}
