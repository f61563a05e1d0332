/**
 * A bounded queue of lines in front of one target of the log. Promises the logger that to write a record never blocks,
 * throws or takes more memory than the bound, whatever the target is like; and the reader that what was lost is counted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Ms } from '../types.ts';

/** Where lines go in the end. */
export interface Sink {
  /**
   * Takes over whole lines and resolves when all are written. Rejects when not; what is left then stays with the sink, in
   * order, and goes first at the next call.
   */
  write(lines: readonly string[]): Promise<void>;
  /** True once nothing can ever be written again: the reader of a pipe has gone. */
  readonly dead: boolean;
  /** Resolves when the target is closed; never rejects. */
  close(): Promise<void>;
}

export interface OutletOptions {
  readonly sink: Sink;
  readonly clock: Clock;
  /** The first of a row of failures, and the last of a sink that dies of it. */
  onFailure(error: unknown): void;
  /** It works again, after a failure or after its reader was slow. A line to put in, which says how many records were lost. */
  onRecovery(lost: number, failed: boolean): string | null;
}

/** UTF-16 code units of lines that wait; what comes on top is dropped. A burst of a task's output in one turn fits. */
export const QUEUE_LIMIT = 16 * 1024 * 1024;
/** And of lines that are handed to the sink at once. */
const BATCH = 256 * 1024;
const FIRST_RETRY: Ms = 1000;
const LAST_RETRY: Ms = 30_000;

export class Outlet {
  readonly #options: OutletOptions;
  #queue: string[] = [];
  #queued = 0;
  #lost = 0;
  #writing: Promise<void> | null = null;
  /** Of the present row of failures; null when the last write succeeded. */
  #retry: { delay: Ms; cancel: () => void } | null = null;
  #closed = false;

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  push(line: string): void {
    if (this.#closed || this.#options.sink.dead) return;
    if (this.#queued + line.length > QUEUE_LIMIT) {
      this.#lost += 1;
      return;
    }
    this.#queue.push(line);
    this.#queued += line.length;
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

  #takeBatch(): string[] {
    let [taken, size] = [0, 0];
    while (taken < this.#queue.length && size < BATCH) size += this.#queue[taken++]?.length ?? 0;
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
    const line = this.#options.onRecovery(lost, failed);
    if (line === null) return;
    this.#queue.push(line);
    this.#queued += line.length;
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
