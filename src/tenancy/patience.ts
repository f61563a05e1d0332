/**
 * Patience (SPEC 6, "No task starves"): tells the admission which of those that wait have been overtaken for long enough.
 * Costs O(1) for each arrival, start and end, taken together: what runs and what waits stands in the order in which it
 * came, so only the first of each line is ever looked at.
 */
import type { EpochMs, Ms } from '../types.ts';
import type { Entry } from './entry.ts';
import { Line } from './line.ts';

export class Patience {
  /** In the order of their starts. */
  readonly #running = new Line<Entry>();
  /** Those that found a run going that still goes; by arrival. */
  readonly #early = new Line<Entry>();
  /** Those whose patience is running out; by `since`, which is also by arrival. */
  #counting = new Line<Entry>();
  #starts = 0;
  /** How much time has passed; it stands still where the clock goes back, so that nobody waits for lost hours again. */
  #passed: Ms = 0;
  #latest: EpochMs | null = null;

  /** How many have started so far. */
  get starts(): number {
    return this.#starts;
  }

  /** To be called first with the time of each event. */
  pass(now: EpochMs): void {
    if (this.#latest !== null) this.#passed += Math.max(0, now - this.#latest);
    this.#latest = now;
    this.#count();
  }

  arrived(entry: Entry): void {
    entry.link = this.#early.push(entry);
  }

  /** It waits no more. */
  left(entry: Entry): void {
    if (entry.link !== null) (entry.since === null ? this.#early : this.#counting).remove(entry.link);
    entry.link = null;
  }

  started(entry: Entry): void {
    entry.start = this.#starts++;
    entry.link = this.#running.push(entry);
  }

  ended(entry: Entry): void {
    if (entry.link !== null) this.#running.remove(entry.link);
    entry.link = null;
    this.#count();
  }

  /** The next one whose patience is over, each once; null when there is none now. */
  next(patience: Ms): Entry | null {
    const entry = this.#counting.first;
    if (entry === undefined || entry.since === null || this.#passed - entry.since < patience) return null;
    this.left(entry);
    entry.impatient = true;
    return entry;
  }

  /** Patience has become longer: what waits counts again, from when it began to. `waiting` by arrival. O(n). */
  recount(waiting: readonly Entry[]): void {
    this.#counting = new Line<Entry>();
    for (const entry of waiting) {
      entry.impatient = false;
      if (entry.since !== null) entry.link = this.#counting.push(entry);
    }
  }

  /** Starts are numbered, so all that an entry found going have ended when the oldest that runs started after it came. */
  #count(): void {
    const oldest = this.#running.first?.start ?? Number.POSITIVE_INFINITY;
    for (let entry = this.#early.first; entry !== undefined; entry = this.#early.first) {
      if (entry.startsBefore > oldest) return;
      this.left(entry);
      entry.since = this.#passed;
      entry.link = this.#counting.push(entry);
    }
  }
}
