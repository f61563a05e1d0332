import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Admission, type Waiting } from '../../../src/tenancy/queue.ts';
import { runs } from '../../helpers/runs.ts';
import { tasks } from './house.ts';

/** `a` runs as `alone`, which wants the house for itself, comes at 1000; patience is a minute. */
function houseWithAlone(): Admission {
  const house = new Admission(60_000);
  house.arrive(0, tasks('a(5)'));
  house.admit(0);
  house.arrive(1000, tasks('alone(1)'));
  assert.deepEqual(house.admit(1000), []);
  return house;
}

test('patience counts from the end of the last that was going already', () => {
  const house = houseWithAlone();
  house.arrive(2000, tasks('b(5)'));
  // `a` goes on for an hour: patience has not begun.
  assert.deepEqual(house.admit(3_600_000), ['b']);
  house.ended('a', 3_600_000);
  house.arrive(3_659_000, tasks('c(5)'));
  assert.deepEqual(house.admit(3_659_999), ['c']);
  house.arrive(3_660_000, tasks('d(5)'));
  assert.deepEqual(house.admit(3_660_000), []);
  assert.deepEqual(house.held('d'), { for: 'patience', lock: null, who: ['alone'] });
  assert.deepEqual(house.held('alone'), { for: 'tenancy', lock: null, who: ['b', 'c'] });
  house.ended('b', 3_661_000);
  assert.deepEqual(house.admit(3_661_000), []);
  house.ended('c', 3_662_000);
  assert.deepEqual(house.admit(3_662_000), ['alone']);
  assert.deepEqual(house.held('d'), { for: 'tenancy', lock: null, who: ['alone'] });
  house.ended('alone', 3_663_000);
  assert.deepEqual(house.admit(3_663_000), ['d']);
});

test('those of its own cohort and of older ones start beside it all the same', () => {
  const house = houseWithAlone();
  house.arrive(2000, tasks('b(5)'));
  house.admit(2000);
  house.ended('a', 3000);
  house.arrive(1000, tasks('same(5)'));
  house.arrive(500, tasks('older(5)'));
  house.arrive(1001, tasks('younger(5)'));
  assert.deepEqual(house.admit(100_000), ['older', 'same']);
  assert.equal(house.held('younger')?.for, 'patience');
});

test('while a lock keeps it, it holds nobody back, however long that is', () => {
  const house = new Admission(0);
  house.arrive(0, tasks('a(5:db)'));
  house.admit(0);
  house.arrive(1, tasks('alone(1:db)'));
  house.arrive(2, tasks('b(5)'));
  assert.deepEqual(house.admit(1e9), ['b']);
  house.ended('a', 1e9);
  // Now it is tenancy alone.
  house.arrive(3, tasks('c(5) d(5:db)'));
  assert.deepEqual(house.admit(1e9), []);
  assert.deepEqual(house.held('c'), { for: 'patience', lock: null, who: ['alone'] });
  house.ended('b', 1e9);
  assert.deepEqual(house.admit(1e9), ['alone']);
});

test('an impatient one holds back as well where a patient one goes before it for the same lock', () => {
  const house = new Admission(10);
  house.arrive(0, tasks('a(5:db)'));
  house.admit(0);
  house.arrive(2, tasks('narrow(1:db)'));
  house.arrive(3, tasks('b(5)'));
  assert.deepEqual(house.admit(3), ['b']);
  house.ended('a', 5);
  // Those of older cohorts that come late: one takes the lock, the other has all its patience.
  house.arrive(0, tasks('first(5:db)'));
  assert.deepEqual(house.admit(6), ['first']);
  // While the lock keeps it, `narrow` holds nobody back.
  house.arrive(20, tasks('c(5)'));
  assert.deepEqual(house.admit(20), ['c']);
  house.arrive(1, tasks('retried(1:db)'));
  house.admit(20);
  house.ended('first', 21);
  house.arrive(21, tasks('d(5)'));
  assert.deepEqual(house.admit(21), []);
  assert.deepEqual(house.held('d'), { for: 'patience', lock: null, who: ['narrow'] });
  house.ended('b', 22);
  house.ended('c', 22);
  assert.deepEqual(house.admit(22), ['retried']);
});

test('one that becomes impatient behind a patient one, with the lock free, holds back from then on', () => {
  const house = new Admission(10);
  house.arrive(0, tasks('a(5:db)'));
  house.admit(0);
  house.arrive(2, tasks('narrow(1:db)'));
  house.arrive(3, tasks('b(5)'));
  house.admit(3);
  house.arrive(1, tasks('retried(1:db)'));
  house.admit(4);
  house.ended('a', 5);
  house.arrive(6, tasks('c(5)'));
  assert.deepEqual(house.admit(14), ['c']);
  house.arrive(15, tasks('d(5)'));
  assert.deepEqual(house.admit(15), []);
  assert.deepEqual(house.held('d'), { for: 'patience', lock: null, who: ['narrow'] });
});

test('a clock that goes back makes nobody wait for the lost time again, and starts nothing', () => {
  const house = houseWithAlone();
  house.arrive(2000, tasks('b(5)'));
  house.admit(2000);
  house.ended('a', 10_000);
  const year = 365 * 86_400_000;
  assert.deepEqual(house.admit(10_000 - year), []);
  house.arrive(3000, tasks('c(5)'));
  assert.deepEqual(house.admit(69_999 - year), ['c']);
  house.arrive(4000, tasks('d(5)'));
  assert.deepEqual(house.admit(70_000 - year), []);
  assert.equal(house.held('d')?.for, 'patience');
});

test('patience that is set anew holds for those that wait', () => {
  const house = houseWithAlone();
  house.arrive(2000, tasks('b(5)'));
  house.admit(2000);
  house.ended('a', 10_000);
  house.patience = 5000;
  house.arrive(11_000, tasks('c(5) d(5)'));
  assert.deepEqual(house.admit(15_000), []);
  house.patience = 5001;
  assert.deepEqual(house.admit(15_000), ['c', 'd']);
  house.arrive(12_000, tasks('e(5)'));
  assert.deepEqual(house.admit(15_001), []);
  house.patience = Number.POSITIVE_INFINITY;
  assert.deepEqual(house.admit(15_001), ['e']);
});

test('one that waited, was given up and comes again has all its patience', () => {
  const house = houseWithAlone();
  house.arrive(2000, tasks('b(5)'));
  house.admit(2000);
  house.ended('a', 3000);
  house.drop('alone');
  house.arrive(70_000, tasks('alone(1)'));
  house.arrive(71_000, tasks('c(5)'));
  assert.deepEqual(house.admit(71_000), ['c']);
});

// ------------------------------------------------------------------------------------------------ nobody starves

interface World {
  readonly house: Admission;
  /** Ends of runs that the one for which patience is over waited for, at most. */
  readonly bound: number;
  readonly ends: number;
  readonly started: boolean;
}

/**
 * One run comes into a house where some go, and whatever comes later never stops coming: at each step, a second, new ones
 * of any tenancy, enough that the house is never empty. Each runs for some steps.
 */
function endless(patience: number, tenancy: number, dice: () => number, steps: number): World {
  const house = new Admission(patience);
  const ends = new Map<string, number>();
  let made = 0;
  let now = 0;
  const younger = (): Waiting => ({ id: `y${made}`, tenancy: 8 + (dice() % 3), order: made++, locks: [] });
  const admit = (): string[] => {
    const started = house.admit(now * 1000);
    for (const id of started) ends.set(id, now + 2 + (dice() % 5));
    return started;
  };
  house.arrive(0, [younger(), younger(), younger()]);
  admit();
  house.arrive(1, [{ id: 'one', tenancy, order: 0, locks: [] }]);
  let bound: number | null = null;
  let ended = 0;
  let over: number | null = null;
  const first = [...ends.keys()];
  for (now = 1; now <= steps; now += 1) {
    const going = [...ends].filter(([, end]) => end <= now);
    for (const [id] of going) {
      ends.delete(id);
      house.ended(id, now * 1000);
      if (bound !== null) ended += 1;
    }
    if (over === null && first.every((id) => !ends.has(id))) over = now * 1000;
    house.arrive(now * 1000, [younger(), younger(), younger()]);
    if (bound === null && over !== null && now * 1000 - over >= patience) bound = house.running;
    if (admit().includes('one')) return { house, bound: bound ?? 0, ends: ended, started: true };
    if (bound !== null && ended >= bound) break;
  }
  return { house, bound: bound ?? 0, ends: ended, started: false };
}

test('whatever comes later, for ever: once patience is over, one starts after as many ends as there are runs going', () => {
  let held = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(0, 1000, 20_000, 100_000),
      fc.integer({ min: 1, max: 8 }),
      fc.infiniteStream(fc.nat(59)),
      (patience, tenancy, stream) => {
        const { bound, ends, started } = endless(patience, tenancy, () => stream.next().value ?? 0, 1000);
        assert.ok(started, `after ${ends} ends it still waits; ${bound} ran as patience was over`);
        assert.ok(ends <= bound);
        if (bound > 0) held += 1;
      },
    ),
    runs(100),
  );
  // Else none had to wait for its patience to be over.
  assert.ok(held > 20, `${held}`);
});

test('without patience it waits for ever, so the test above can fail', () => {
  const { house, started } = endless(Number.POSITIVE_INFINITY, 1, () => 3, 5000);
  assert.equal(started, false);
  assert.ok(house.isWaiting('one'));
});
