/**
 * What a step of the wall clock, and a change of the zone files, mean for what is planned, seen and waited for. Promises the
 * loop that no due time is seen twice by a clock that goes back by up to 3 hours, and that no task is silenced by one that
 * was put right by more (SPEC 5).
 */
import type { Clock, EpochMs, Level, Ms } from '../types.ts';
import { ClockWatch, describeForgotten, describeJump } from './clock-watch.ts';
import { CORRECTION, type Cursors } from './cursors.ts';
import { HORIZON, type Plan } from './plan.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface TimekeeperParts {
  readonly clock: Clock;
  readonly cursors: Cursors;
  readonly plan: Plan;
  readonly room: WaitingRoom;
  tellClock(level: Level, message: string): void;
}

export class Timekeeper {
  readonly #parts: TimekeeperParts;
  readonly #watch: ClockWatch;

  constructor(parts: TimekeeperParts) {
    this.#parts = parts;
    this.#watch = new ClockWatch(parts.clock);
  }

  /** `leapt`: the clock went over some time in which nobody was there. */
  look(): { readonly now: EpochMs; readonly leapt: boolean } {
    const { now, jump, since } = this.#watch.look();
    if (jump !== 0) this.#parts.tellClock(...describeJump(jump));
    if (jump < 0) {
      this.#parts.room.shift(jump);
      // What is planned is seen already. Several small steps back come to a correction as well.
      this.#forgetFuture(since, jump < -CORRECTION ? 0 : CORRECTION + HORIZON);
    }
    return { now, leapt: jump > 0 };
  }

  /** The clock may have been put right while nobody was there. */
  start(now: EpochMs): void {
    this.#forgetFuture(now, CORRECTION + HORIZON);
  }

  /** A zone file has changed: what comes is planned anew, and everything up to now is as it was. */
  replan(now: EpochMs): void {
    const { cursors, plan } = this.#parts;
    plan.takeBack(now);
    cursors.settle(now);
    plan.reload(now);
  }

  #forgetFuture(now: EpochMs, beyond: Ms): void {
    const { cursors, plan, tellClock } = this.#parts;
    const tasks = cursors.forgetFuture(now, beyond);
    for (const task of tasks) plan.restart(task, now);
    if (tasks.length > 0) tellClock('warning', describeForgotten(tasks.length));
  }
}
