/**
 * What the loop writes to the store, gathered: one transaction per turn for what must be durable at once, and within a
 * second for what need not. Promises the loop that nothing it was given is forgotten while the disk refuses it: it is kept
 * in memory, told once, and written when there is room again.
 */
import { messageOf } from '../errors.ts';
import type { Batch, Closing, StoredState } from '../state/store.ts';
import type { Clock, Cursor, Entry, KnownResult, Level, LogEvent, LogFields, Ms } from '../types.ts';

/** What need not be durable at once is, after this. */
const LAZY: Ms = 1_000;
/** After a failure it is tried again so often. */
const AGAIN: Ms = 5_000;
/** So many closed entries are kept in memory while they cannot be written; then the oldest are dropped. */
const MOST_UNWRITTEN = 10_000;

export interface Durable {
  /** On the disk now. */
  readonly now: boolean;
  /** Resolves when it is, which may be much later; never rejects. */
  readonly later: Promise<void>;
}

export interface BooksParts {
  readonly clock: Clock;
  /** Ends of runs are written no more often than this, so that many share a sync; one that comes alone does not wait. */
  readonly group?: Ms;
  readonly store: {
    write(batch: Batch): void;
    state(task: string): StoredState | null;
    results(task: string): KnownResult[];
  };
  log(level: Level, event: LogEvent, fields: LogFields): void;
}

type MapIn<M> = M extends ReadonlyMap<infer K, infer V> ? Map<K, V> : never;
type Gathered = { readonly [K in keyof Batch]-?: MapIn<NonNullable<Batch[K]>> };

const empty = (): Gathered => ({
  cursors: new Map(),
  states: new Map(),
  results: new Map(),
  open: new Map(),
  outputs: new Map(),
  closed: new Map(),
});

export class Books {
  readonly #parts: BooksParts;
  #pending = empty();
  /** Who wants to know when what is pending now is on the disk. */
  #waiting: (() => void)[] = [];
  #turn: Promise<boolean> | null = null;
  #cancel: (() => void) | null = null;
  #failing = false;
  /** When something was last written, by the clock that cannot be set. */
  #written = Number.NEGATIVE_INFINITY;
  #dropped = 0;

  constructor(parts: BooksParts) {
    this.#parts = parts;
  }

  /** Puts an open entry, or removes it without a trace (null), within a second. */
  put(id: string, entry: Entry | null): void {
    this.#pending.open.set(id, entry);
    this.#soon();
  }

  /** Closes an entry whose run is not made, or not tried again, within a second. */
  close(entry: Entry): void {
    this.#pending.open.delete(entry.id);
    const closing: Closing = { entry, output: 'kept' };
    this.#pending.closed.set(entry.id, closing);
    this.#soon();
  }

  cursor(task: string, cursor: Cursor | null): void {
    this.#pending.cursors.set(task, cursor);
    this.#soon();
  }

  /** A task's state, also where it is not on the disk yet: a run must not start from an older one than the last left. */
  state(task: string): StoredState | null {
    const pending = this.#pending.states.get(task);
    return pending === undefined ? this.#parts.store.state(task) : pending;
  }

  /** The results a task is known to have, also where they could not be written yet. */
  results(task: string): readonly KnownResult[] {
    return this.#pending.results.get(task) ?? this.#parts.store.results(task);
  }

  /** Writes all that was given so far. True when it is on the disk. */
  flush(): boolean {
    this.#cancel?.();
    this.#cancel = null;
    if (Object.values(this.#pending).every((map) => map.size === 0)) return true;
    try {
      this.#parts.store.write(this.#pending);
    } catch (error) {
      this.#failed(error);
      return false;
    }
    this.#written = this.#parts.clock.monotonic();
    this.#pending = empty();
    for (const resolve of this.#waiting.splice(0)) resolve();
    if (this.#failing) this.#recovered();
    return true;
  }

  /** For the end of a run: all of this turn of the event loop, or of `group`, go into one transaction. */
  async settle(batch: Batch): Promise<Durable> {
    for (const [task, cursor] of batch.cursors ?? []) this.#pending.cursors.set(task, cursor);
    for (const [id, entry] of batch.open ?? []) this.#pending.open.set(id, entry);
    for (const [id, output] of batch.outputs ?? []) this.#pending.outputs.set(id, output);
    for (const [id, closing] of batch.closed ?? []) {
      this.#pending.open.delete(id);
      this.#pending.closed.set(id, closing);
    }
    for (const [task, state] of batch.states ?? []) this.#pending.states.set(task, state);
    for (const [task, known] of batch.results ?? []) this.#pending.results.set(task, known);
    const later = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#turn ??= new Promise((resolve) => {
      const write = (): void => {
        this.#turn = null;
        resolve(this.flush());
      };
      const wait = this.#written + (this.#parts.group ?? 0) - this.#parts.clock.monotonic();
      if (wait > 0) this.#parts.clock.after(wait, write);
      else setImmediate(write);
    });
    return { now: await this.#turn, later };
  }

  /** The last chance to write what is pending; says what could not be. */
  end(): void {
    const written = this.flush();
    this.#cancel?.();
    this.#cancel = null;
    if (written) return;
    const { closed, states } = this.#pending;
    const lost = `${closed.size} entries of the ledger and ${states.size} states of tasks were never stored`;
    this.#parts.log('error', 'state', { msg: `${lost}; what the spool holds is settled at the next start` });
  }

  #soon(delay: Ms = LAZY): void {
    this.#cancel ??= this.#parts.clock.after(delay, () => this.flush());
  }

  #failed(error: unknown): void {
    const { closed } = this.#pending;
    for (const id of closed.keys()) {
      if (closed.size <= MOST_UNWRITTEN) break;
      closed.delete(id);
      this.#dropped += 1;
    }
    if (!this.#failing) {
      const msg = `${messageOf(error)}; it is kept in memory and tried again`;
      this.#parts.log('error', 'state', { msg });
    }
    this.#failing = true;
    this.#soon(AGAIN);
  }

  #recovered(): void {
    const but = this.#dropped > 0 ? `, but ${this.#dropped} entries of the ledger are lost` : '';
    this.#parts.log(but ? 'warning' : 'info', 'state', { msg: `the state is stored again${but}` });
    this.#failing = false;
    this.#dropped = 0;
  }
}
