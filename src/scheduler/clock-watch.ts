/** Tells the loop when the wall clock was set, or the machine slept: the wall clock and the monotonic one then disagree. */
import { formatDuration } from '../schedule/duration.ts';
import type { Clock, EpochMs, Level, Ms } from '../types.ts';

/** Less than this is the slewing of NTP and the rounding of clocks. */
const JUMP: Ms = 1_000;
/** A machine may sleep for a moment; for longer somebody may want to know. */
const NOTABLE: Ms = 60_000;

export class ClockWatch {
  readonly #clock: Clock;
  #now: EpochMs;
  #monotonic: Ms;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#now = clock.now();
    this.#monotonic = clock.monotonic();
  }

  /**
   * By how much the wall clock jumped since it was last asked; 0 for none, negative for backwards. `since`: what the clock
   * of now would have said then.
   */
  look(): { readonly now: EpochMs; readonly jump: Ms; readonly since: EpochMs } {
    const now = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const elapsed = Math.ceil(monotonic - this.#monotonic);
    const jump = now - this.#now - elapsed;
    this.#now = now;
    this.#monotonic = monotonic;
    return { now, jump: Math.abs(jump) > JUMP ? jump : 0, since: now - elapsed };
  }
}

export function describeJump(jump: Ms): readonly [Level, string] {
  const by = formatDuration(Math.round(Math.abs(jump) / 1000) * 1000);
  if (jump < 0) return ['warning', `the clock went back by ${by}`];
  return [jump > NOTABLE ? 'warning' : 'info', `the clock went forward by ${by}, or the machine slept that long`];
}

/** @param count of tasks */
export function describeForgotten(count: number): string {
  const whose = count === 1 ? 'one task' : `${count} tasks`;
  return `${whose} had seen times ahead of the clock, now put right: that is forgotten`;
}
