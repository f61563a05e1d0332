/** A clock that stands still until it is told to go on: time is faked through `Clock` only. */
import type { Clock, EpochMs, Ms } from '../../src/types.ts';

interface Timer {
  readonly at: Ms;
  readonly fire: () => void;
}

export class FakeClock implements Clock {
  #wall: EpochMs;
  #monotonic: Ms = 0;
  readonly #timers = new Set<Timer>();

  constructor(start: EpochMs) {
    this.#wall = start;
  }

  now(): EpochMs {
    return this.#wall;
  }

  monotonic(): Ms {
    return this.#monotonic;
  }

  after(delay: Ms, fire: () => void): () => void {
    const timer = { at: this.#monotonic + delay, fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Lets time pass: fires each timer at its time, and lets promises settle between. */
  async advance(by: Ms): Promise<void> {
    const end = this.#monotonic + by;
    await settled();
    for (;;) {
      const [next] = [...this.#timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#pass(Math.max(0, next.at - this.#monotonic));
      next.fire();
      await settled();
    }
    this.#pass(end - this.#monotonic);
    await settled();
  }

  /** Sets the wall clock, as an administrator or NTP would; also what a suspend looks like. */
  jump(by: Ms): void {
    this.#wall += by;
  }

  /** Time passes, but nobody looks: what a blocked event loop sees afterwards. */
  block(by: Ms): void {
    this.#pass(by);
  }

  #pass(by: Ms): void {
    this.#wall += by;
    this.#monotonic += by;
  }
}

/** Resolves when all promises that could settle have done so. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
