/**
 * The times that matter to runs that wait: when a retry is due, when `max_wait` is over, when the ledger is to say that one
 * waits. Promises the loop O(log n) for each, and one instant at which to look again.
 */
import { Agenda } from '../schedule/agenda.ts';
import type { EpochMs, Ms } from '../types.ts';
import type { Live } from './roster.ts';

/** One that starts within this is never written as waiting, and so need not be written as about to start. */
const UNTOLD: Ms = 1_000;

export class Waits {
  readonly #retries = new Agenda<Live>();
  readonly #limits = new Agenda<Live>();
  readonly #untold = new Agenda<Live>();

  /** It begins to wait for its turn. */
  begin(live: Live, now: EpochMs): void {
    const { maxWait } = live.run.task;
    if (maxWait !== null) this.#limits.set(live.run.id, Math.min(live.entry.queuedAt ?? now, now) + maxWait, live);
    if (live.entry.phase !== 'waiting') this.#untold.set(live.run.id, now + UNTOLD, live);
  }

  /** It waits for its next attempt. */
  retry(live: Live, at: EpochMs): void {
    this.#retries.set(live.run.id, at, live);
  }

  end({ run: { id } }: Live): void {
    this.#retries.delete(id);
    this.#limits.delete(id);
    this.#untold.delete(id);
  }

  /** The wall clock was set back: what is a length of time gets no longer by it. */
  shift(live: Live, jump: Ms): void {
    const { id } = live.run;
    for (const agenda of [this.#retries, this.#limits, this.#untold]) {
      const at = agenda.at(id);
      if (at !== null) agenda.set(id, at + jump, live);
    }
  }

  takeRetries(now: EpochMs): Live[] {
    return this.#retries.take(now).map(({ value }) => value);
  }

  takeExpired(now: EpochMs): Live[] {
    return this.#limits.take(now).map(({ value }) => value);
  }

  takeUntold(now: EpochMs): Live[] {
    return this.#untold.take(now).map(({ value }) => value);
  }

  wake(): EpochMs {
    const times = [this.#retries, this.#limits, this.#untold].map((agenda) => agenda.peek()?.at);
    return Math.min(...times.map((at) => at ?? Number.POSITIVE_INFINITY));
  }
}
