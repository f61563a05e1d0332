/**
 * A bounded queue of records, as lines or as entries of the journal, in front of one target of the log. Promises the logger that to write a record never blocks,
 * throws or takes more memory than the bound, whatever the target is like; and the reader that what was lost is counted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Ms } from '../types.ts';

/** Where records go in the end; lines, unless it says otherwise. */
export interface Sink<T = string> {
  /**
   * Takes over whole records and resolves when all are written. Rejects when not; what is left then stays with the sink, in
   * order, and goes first at the next call.
   */
  write(records: readonly T[]): Promise<void>;
  /** True once nothing can ever be written again: the reader of a pipe has gone. */
  readonly dead: boolean;
  /** Resolves when the target is closed; never rejects. */
  close(): Promise<void>;
}

export interface OutletOptions<T> {
  readonly sink: Sink<T>;
  /** In UTF-16 code units. */
  sizeOf(record: T): number;
  readonly clock: Clock;
  /** The first of a row of failures, and the last of a sink that dies of it. */
  onFailure(error: unknown): void;
  /** It works again, after a failure or after its reader was slow. A record to put in, which says how many were lost. */
  onRecovery(lost: number, failed: boolean): T | null;
}

/** UTF-16 code units of records that wait; what comes on top is dropped. A burst of a task's output in one turn fits. */
export const QUEUE_LIMIT = 16 * 1024 * 1024;
/** And of those that are handed to the sink at once. */
const BATCH = 256 * 1024;
const FIRST_RETRY: Ms = 1000;
const LAST_RETRY: Ms = 30_000;

export class Outlet<T> {
  readonly #options: OutletOptions<T>;
  #queue: T[] = [];
  #queued = 0;
  #lost = 0;
  #writing: Promise<void> | null = null;
  /** Of the present row of failures; null when the last write succeeded. */
  #retry: { delay: Ms; cancel: () => void } | null = null;
  #closed = false;

  constructor(options: OutletOptions<T>) {
    this.#options = options;
  }

  push(record: T): void {
    if (this.#closed || this.#options.sink.dead) return;
    const size = this.#options.sizeOf(record);
    if (this.#queued + size > QUEUE_LIMIT) {
      this.#lost += 1;
      return;
    }
    this.#queue.push(record);
    this.#queued += size;
    if (this.#writing === null && this.#retry === null) this.#start();
  }

  /** Writes what waits, for at most `limit`, then closes the target. Never rejects. */
  async close(limit: Ms): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const expired = new AbortController();
    const deadline = sleep(limit, undefined, { signal: expired.signal }).catch(() => {});
    await Promise.race([this.#drain(), deadline]);
    this.#retry?.cancel();
    await Promise.race([this.#options.sink.close(), deadline]);
    expired.abort();
  }

  /** One more attempt where the last one failed: there may be room again. */
  async #drain(): Promise<void> {
    if (this.#writing === null && (this.#queue.length > 0 || this.#retry !== null)) this.#start();
    await this.#writing;
  }

  #start(): void {
    this.#writing = this.#write().finally(() => {
      this.#writing = null;
    });
  }

  async #write(): Promise<void> {
    const { sink } = this.#options;
    try {
      do {
        await sink.write(this.#takeBatch());
        this.#recover();
      } while (this.#queue.length > 0);
    } catch (error) {
      if (!sink.dead) return this.#fail(error);
      this.#queue = [];
      this.#queued = 0;
      this.#options.onFailure(error);
    }
  }

  #takeBatch(): T[] {
    let [taken, size] = [0, 0];
    for (const record of this.#queue) {
      if (size >= BATCH) break;
      size += this.#options.sizeOf(record);
      taken += 1;
    }
    const batch = taken === this.#queue.length ? this.#queue : this.#queue.slice(0, taken);
    this.#queue = taken === this.#queue.length ? [] : this.#queue.slice(taken);
    this.#queued -= size;
    return batch;
  }

  #recover(): void {
    const failed = this.#retry !== null;
    // Those that were lost came after those that wait.
    if (!failed && this.#lost === 0) return;
    const lost = this.#lost;
    this.#retry?.cancel();
    this.#retry = null;
    this.#lost = 0;
    const record = this.#options.onRecovery(lost, failed);
    if (record === null) return;
    this.#queue.push(record);
    this.#queued += this.#options.sizeOf(record);
  }

  #fail(error: unknown): void {
    const { clock, onFailure } = this.#options;
    const first = this.#retry === null;
    const delay = this.#retry === null ? FIRST_RETRY : Math.min(2 * this.#retry.delay, LAST_RETRY);
    const cancel = this.#closed ? () => {} : clock.after(delay, () => this.#start());
    this.#retry = { delay, cancel };
    if (first) onFailure(error);
  }
}
