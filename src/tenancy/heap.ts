/** A binary heap that knows where each entry stands. Promises the queue its first entry at once, and changes in O(log n). */

/** The place of one entry; kept by whoever wants to take the entry out again. */
export interface Spot<T> {
  readonly value: T;
  at: number;
}

export class Heap<T> {
  readonly #spots: Spot<T>[] = [];
  readonly #before: (a: T, b: T) => boolean;

  /** `before` must be a strict total order, or equal entries come out in any order. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#spots.length;
  }

  peek(): T | undefined {
    return this.#spots[0]?.value;
  }

  push(value: T): Spot<T> {
    const spot = { value, at: this.#spots.length };
    this.#spots.push(spot);
    this.#rise(spot);
    return spot;
  }

  /** Takes an entry out, wherever it stands. `spot` must be of this heap and still in it. */
  remove(spot: Spot<T>): void {
    const last = this.#spots.pop();
    if (last === undefined || last === spot) return;
    this.#put(last, spot.at);
    this.#rise(last);
    this.#sink(last);
  }

  /** The first `count` at most, in order. O(count log count), whatever the size. */
  first(count: number): T[] {
    const frontier = new Heap<Spot<T>>((a, b) => this.#before(a.value, b.value));
    const found: T[] = [];
    const reach = (at: number): void => {
      const spot = this.#spots[at];
      if (spot !== undefined) frontier.push(spot);
    };
    reach(0);
    for (let next = frontier.pop(); next !== undefined && found.length < count; next = frontier.pop()) {
      found.push(next.value);
      reach(2 * next.at + 1);
      reach(2 * next.at + 2);
    }
    return found;
  }

  pop(): T | undefined {
    const first = this.#spots[0];
    if (first !== undefined) this.remove(first);
    return first?.value;
  }

  #put(spot: Spot<T>, at: number): void {
    this.#spots[at] = spot;
    spot.at = at;
  }

  #rise(spot: Spot<T>): void {
    while (spot.at > 0) {
      const at = spot.at;
      // A parent's index lies below its child's.
      const parent = this.#spots[(at - 1) >> 1] as Spot<T>;
      if (!this.#before(spot.value, parent.value)) return;
      this.#put(spot, parent.at);
      this.#put(parent, at);
    }
  }

  #sink(spot: Spot<T>): void {
    for (;;) {
      const at = spot.at;
      const left = this.#spots[2 * at + 1];
      const right = this.#spots[2 * at + 2];
      if (left === undefined) return;
      const child = right !== undefined && this.#before(right.value, left.value) ? right : left;
      if (!this.#before(child.value, spot.value)) return;
      this.#put(spot, child.at);
      this.#put(child, at);
    }
  }
}
