import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Admission } from '../../../src/tenancy/queue.ts';
import { runs } from '../../helpers/runs.ts';
import { houseWith, NaiveAdmission, tasks, wrongWith } from './house.ts';

test('x1 of tenancy 1 runs alone, then t0, t1 and t2 together, then t3 as soon as one ends', () => {
  const house = houseWith('t0(3) t1(3) x1(1) t2(3) t3(3)');
  assert.deepEqual(house.admit(0), ['x1']);
  assert.deepEqual(house.admit(0), []);
  house.ended('x1', 0);
  assert.deepEqual(house.admit(0), ['t0', 't1', 't2']);
  assert.deepEqual(house.admit(0), []);
  house.ended('t1', 0);
  assert.deepEqual(house.admit(0), ['t3']);
});

test('of a(2), b(5), c(5) and d(5), a and b start; as a ends, c and d start', () => {
  const house = houseWith('a(2) b(5) c(5) d(5)');
  assert.deepEqual(house.admit(0), ['a', 'b']);
  house.ended('a', 0);
  assert.deepEqual(house.admit(0), ['c', 'd']);
});

test('a pool once grown still admits a smaller tenancy as soon as few enough run', () => {
  const house = houseWith('b(5) c(5) d(5)');
  house.admit(0);
  house.arrive(1000, tasks('a(2)'));
  assert.deepEqual(house.admit(0), []);
  house.ended('b', 0);
  assert.deepEqual(house.admit(0), []);
  house.ended('c', 0);
  assert.deepEqual(house.admit(0), ['a']);
});

test('an older cohort goes first, whatever the tenancies', () => {
  const house = new Admission();
  house.arrive(2000, tasks('young(1)'));
  house.arrive(1000, tasks('old(7)'));
  assert.deepEqual(house.admit(0), ['old']);
  assert.deepEqual(house.waitingIds(), ['young']);
});

test('a younger one overtakes an older one that cannot start', () => {
  const house = houseWith('a(3)');
  house.admit(0);
  house.arrive(1000, tasks('alone(1)'));
  house.arrive(2000, tasks('company(3)'));
  assert.deepEqual(house.admit(0), ['company']);
  assert.deepEqual(house.waitingIds(), ['alone']);
});

test('two arrivals of one due instant are one cohort', () => {
  const house = new Admission();
  house.arrive(1000, [{ id: 'wide', tenancy: 9, order: 0, locks: [] }]);
  house.arrive(1000, [{ id: 'narrow', tenancy: 1, order: 1, locks: [] }]);
  assert.deepEqual(house.waitingIds(), ['narrow', 'wide']);
  assert.deepEqual(house.admit(0), ['narrow']);
});

test('within a cohort and a tenancy, file order decides, not arrival', () => {
  const house = new Admission();
  for (const order of [2, 0, 1]) house.arrive(0, [{ id: `t${order}`, tenancy: 3, order, locks: [] }]);
  assert.deepEqual(house.admit(0), ['t0', 't1', 't2']);
});

test('a dropped one never starts, and may arrive again', () => {
  const house = houseWith('a(1) b(1)');
  house.admit(0);
  assert.equal(house.drop('b'), true);
  assert.equal(house.drop('b'), false);
  assert.equal(house.drop('a'), false);
  assert.equal(house.waiting, 0);
  house.ended('a', 0);
  assert.deepEqual(house.admit(0), []);
  house.arrive(5, tasks('b(4)'));
  assert.deepEqual(house.admit(0), ['b']);
  assert.ok(house.isRunning('b') && !house.isWaiting('b'));
});

test('what cannot be is refused', () => {
  const house = houseWith('a(1) b(1)');
  house.admit(0);
  assert.throws(() => house.arrive(1, tasks('a(1)')), RangeError);
  assert.throws(() => house.arrive(1, tasks('b(1)')), RangeError);
  assert.throws(() => house.arrive(1, tasks('c(0)')), RangeError);
  assert.throws(() => house.arrive(1, [{ id: 'd', tenancy: 1.5, order: 0, locks: [] }]), RangeError);
  assert.throws(() => house.ended('b', 0), RangeError);
  assert.throws(() => new Admission(-1), RangeError);
  assert.throws(() => {
    house.patience = Number.NaN;
  }, RangeError);
  assert.equal(house.patience, Number.POSITIVE_INFINITY);
});

test('what tenancy keeps back is told, with those that limit it', () => {
  const house = houseWith('b(5) c(5) d(5)');
  house.admit(0);
  house.arrive(1, tasks('a(2)'));
  house.admit(1);
  assert.deepEqual(house.held('a'), { for: 'tenancy', lock: null, who: ['b', 'c', 'd'] });
  house.ended('b', 2);
  house.ended('c', 2);
  assert.deepEqual(house.admit(2), ['a']);
  house.arrive(3, tasks('e(5)'));
  house.admit(3);
  assert.deepEqual(house.held('e'), { for: 'tenancy', lock: null, who: ['a'] });
  assert.equal(house.held('a'), null);
  assert.equal(house.held('nobody'), null);
});

test('of many that are in the way five are told, those that have run longest first', () => {
  const house = houseWith('a(9) b(9) c(9) d(9) e(9) f(9) g(9)');
  house.admit(0);
  house.arrive(1, tasks('x(1)'));
  house.admit(1);
  assert.deepEqual(house.held('x')?.who, ['a', 'b', 'c', 'd', 'e']);
});

// ----------------------------------------------------------------------------------------- against a naive model

/** Few different ones, so that much comes together. */
const LOCKS = ['db', 'disk'];
const run = fc.record({
  tenancy: fc.constantFrom(1, 2, 3, 6),
  locks: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.subarray(LOCKS)),
});
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('arrive' as const),
      ago: fc.nat(6),
      runs: fc.array(run, { maxLength: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ what: fc.constant('end' as const), which: fc.nat(9), ms: fc.integer({ min: -3, max: 6 }) }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('drop' as const), which: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('pass' as const), ms: fc.integer({ min: -3, max: 9 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('patience' as const), patience: fc.constantFrom(0, 4, 15, Infinity) }),
  },
);

test('it starts exactly what a list that is gone through by the words of SPEC 6 starts', () => {
  const seen = { tenancy: 0, patience: 0, lock: 0, starts: 0 };
  fc.assert(
    fc.property(
      fc.constantFrom(0, 3, 10, 40, Infinity),
      fc.array(fc.tuple(step, fc.integer({ min: 0, max: 4 })), { minLength: 20, maxLength: 160, size: 'max' }),
      (patience, steps) => {
        const house = new Admission(patience);
        const naive = new NaiveAdmission(patience);
        let now = 1000;
        let made = 0;
        const goOn = (): void => {
          assert.deepEqual(
            house.waitingIds(),
            naive.waiting.map(({ id }) => id),
          );
          const started = house.admit(now);
          assert.deepEqual(started, naive.admit(now));
          seen.starts += started.length;
          assert.equal(house.running, naive.running.length);
          assert.equal(house.waiting, naive.waiting.length);
          const smallest = Math.min(...naive.running.map(({ tenancy }) => tenancy));
          assert.ok(house.running <= smallest, 'more run than the smallest tenancy among them');
          const taken = naive.running.flatMap(({ locks }) => locks);
          assert.equal(new Set(taken).size, taken.length, 'two hold one lock');
          for (const waiting of naive.waiting) {
            const held = house.held(waiting.id);
            assert.equal(wrongWith(held, waiting, naive), null, `${waiting.id} ${JSON.stringify(held)}`);
            if (held !== null) seen[held.for] += 1;
          }
        };
        for (const [next, pause] of steps) {
          if (next.what === 'arrive') {
            // Now and then of an older cohort than what waits already.
            const runs = next.runs.map((one) => ({ ...one, id: `r${made}`, order: (made++ * 7) % 100 }));
            house.arrive(now - next.ago, runs);
            naive.arrive(now - next.ago, runs);
          } else if (next.what === 'end') {
            now += next.ms;
            const { id } = naive.running[next.which % naive.running.length] ?? {};
            if (id === undefined) continue;
            house.ended(id, now);
            naive.ended(id, now);
          } else if (next.what === 'drop') {
            const { id } = naive.waiting[next.which % naive.waiting.length] ?? {};
            if (id === undefined) continue;
            assert.equal(house.drop(id), true);
            naive.drop(id);
          } else if (next.what === 'patience') {
            house.patience = next.patience;
            naive.patience = next.patience;
          } else {
            now += next.ms;
          }
          // Sometimes several things happen before anybody is let in.
          if (pause > 0) goOn();
        }
        // Any finite load comes to its end.
        for (let left = naive.waiting.length + naive.running.length; left > 0; left -= 1) {
          goOn();
          const { id } = naive.running[0] ?? assert.fail('they wait, and nothing runs');
          house.ended(id, now);
          naive.ended(id, now);
        }
        assert.equal(house.running + house.waiting, 0);
      },
    ),
    runs(400),
  );
  // Else the comparison would have shown nothing of these.
  for (const [what, times] of Object.entries(seen)) assert.ok(times > 500, `${what}: ${times}`);
});

test('a hundred thousand that wait cost an end no walk through them', () => {
  // A walk through all waiting at each end would take 5e9 steps here: minutes, where this takes less than a second.
  const count = 100_000;
  const house = new Admission();
  house.arrive(
    0,
    Array.from({ length: count }, (_, order) => ({ id: `${order}`, tenancy: 1 + (order % 8), order, locks: [] })),
  );
  const start = process.cpuUsage();
  let over = 0;
  for (let running = house.admit(0); running.length > 0; ) {
    const [first = '', ...others] = running;
    house.ended(first, 0);
    over += 1;
    running = [...others, ...house.admit(0)];
  }
  const used = process.cpuUsage(start).user / 1e6;
  assert.equal(over, count);
  assert.ok(used < 10, `took ${used} s of CPU`);
});

test('dropped ones behind a blocked head do not pile up', () => {
  const house = houseWith('first(1)');
  house.admit(0);
  house.arrive(0, tasks('head(1)'));
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 500_000; i += 1) {
    house.arrive(i + 1, [{ id: 'again', tenancy: 1, order: 1, locks: [] }]);
    house.drop('again');
  }
  assert.deepEqual(house.waitingIds(), ['head']);
  // Half a million entries of about 100 bytes would be 50 MB.
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 25e6, `the heap grew by ${grown} bytes`);
});
