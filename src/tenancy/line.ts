/** A doubly linked list. Promises patience the one that stands longest, and to let any other go, in O(1). */

export interface Link<T> {
  readonly value: T;
  before: Link<T> | null;
  after: Link<T> | null;
}

export class Line<T> {
  #first: Link<T> | null = null;
  #last: Link<T> | null = null;

  get first(): T | undefined {
    return this.#first?.value;
  }

  push(value: T): Link<T> {
    const link: Link<T> = { value, before: this.#last, after: null };
    if (this.#last === null) this.#first = link;
    else this.#last.after = link;
    this.#last = link;
    return link;
  }

  /** `link` must be of this line and still in it. */
  remove(link: Link<T>): void {
    if (link.before === null) this.#first = link.after;
    else link.before.after = link.after;
    if (link.after === null) this.#last = link.before;
    else link.after.before = link.before;
  }
}
