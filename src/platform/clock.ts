/** The real clock; tests hand in another (types.ts, `Clock`). */
import { performance } from 'node:perf_hooks';
import type { Clock, Ms } from '../types.ts';

/** setTimeout fires at once above 2^31-1 ms: longer waits are made of shorter ones. */
const LONGEST: Ms = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, fire) {
    const end = performance.now() + delay;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const left = end - performance.now();
      timer = left > LONGEST ? setTimeout(arm, LONGEST) : setTimeout(fire, Math.max(0, left));
    };
    arm();
    return () => clearTimeout(timer);
  },
};
