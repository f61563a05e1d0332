/** When and where the daemon is killed: from a seed, so that a campaign can be repeated. Pure. */
import { FAULT_POINTS, type FaultPoint } from '../../src/faults.ts';
import type { Ms } from '../../src/types.ts';

export type Blow = {
  /** For so long nobody is there before the start. */
  readonly absent: Ms;
} & (
  | { readonly kind: 'point'; readonly point: FaultPoint /** At which passing of it. */; readonly nth: number }
  /** So long after it was ready, or after it was started. */
  | { readonly kind: 'ready' | 'start'; readonly after: Ms }
);

/** Numbers from 0 to 1, the same for the same seed (Tommy Ettinger's mulberry32). */
export type Random = () => number;

export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const between = (random: Random, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1));

/** How often the load passes a point within a second or two. */
const OFTEN: Readonly<Record<string, number>> = { ledger: 6, run: 12, result: 3, log: 20, recovery: 1 };

/** Recovery passes its points only where the death before left something for it: killed there, the next start comes by. */
const LEAVES: Readonly<Partial<Record<FaultPoint, FaultPoint>>> = {
  'recovery.outcome': 'run.outcome-synced',
  'recovery.lost': 'run.spawned',
  'recovery.written': 'run.spawned',
};

/**
 * What is late when somebody comes back runs at once, collapsed. For a while all of it had been planned, later some had not:
 * that is written in another way. More often killed in the middle of either.
 */
const AT_START: readonly FaultPoint[] = ['run.starting', 'run.spawn', 'run.spawned', 'run.ended'];

function absence(random: Random, point: FaultPoint | null): Ms {
  const often = point !== null && AT_START.includes(point) ? 0.6 : 0.06;
  if (random() >= often) return 0;
  return random() < 0.5 ? between(random, 500, 2_000) : between(random, 2_500, 5_000);
}

/** So often a point is tried that was not passed in time. */
const TRIES = 3;

/**
 * Every point in turn, in an order that changes with each round, with random moments in between. Wants to be told (`next`)
 * whether the daemon died at the point: one that it did not come by is tried again.
 */
export function* blows(
  random: Random,
  share: number,
  rounds = Number.POSITIVE_INFINITY,
): Generator<Blow, void, boolean> {
  for (let round = 0; round < rounds; round += 1) {
    for (const point of shuffled(FAULT_POINTS, random)) {
      while (random() < share) {
        const absent = absence(random, null);
        if (random() < 0.7) yield { kind: 'ready', absent, after: between(random, 50, 1_500) };
        else yield { kind: 'start', absent, after: between(random, 0, 700) };
      }
      for (let left = TRIES; left > 0; left -= 1) {
        const before = LEAVES[point];
        if (before !== undefined) yield { kind: 'point', absent: 0, point: before, nth: between(random, 1, 4) };
        const nth = left === TRIES ? between(random, 1, OFTEN[point.split('.')[0] ?? ''] ?? 1) : 1;
        if (yield { kind: 'point', absent: absence(random, point), point, nth }) break;
      }
    }
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
