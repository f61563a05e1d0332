/** Tells the loop when the wall clock was set, or the machine slept: the wall clock and the monotonic one then disagree. */
import type { Clock, EpochMs, Ms } from '../types.ts';

/** Less than this is the slewing of NTP and the rounding of clocks. */
const JUMP: Ms = 1_000;

export class ClockWatch {
  readonly #clock: Clock;
  #now: EpochMs;
  #monotonic: Ms;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#now = clock.now();
    this.#monotonic = clock.monotonic();
  }

  /** By how much the wall clock jumped since it was last asked; 0 for none, negative for backwards. */
  look(): { readonly now: EpochMs; readonly jump: Ms } {
    const now = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const jump = now - this.#now - (monotonic - this.#monotonic);
    this.#now = now;
    this.#monotonic = monotonic;
    return { now, jump: Math.abs(jump) > JUMP ? jump : 0 };
  }
}
