import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Admission, type Waiting } from '../../../src/tenancy/queue.ts';

/** `x1(1) t0(3)` in file order. */
function tasks(text: string): Waiting[] {
  return [...text.matchAll(/(\w+)\((\d+)\)/g)].map(([, id = '', tenancy], order) => ({
    id,
    tenancy: Number(tenancy),
    order,
  }));
}

function houseWith(text: string, due = 0): Admission {
  const house = new Admission();
  house.arrive(due, tasks(text));
  return house;
}

test('x1 of tenancy 1 runs alone, then t0, t1 and t2 together, then t3 as soon as one ends', () => {
  const house = houseWith('t0(3) t1(3) x1(1) t2(3) t3(3)');
  assert.deepEqual(house.admit(), ['x1']);
  assert.deepEqual(house.admit(), []);
  house.ended('x1');
  assert.deepEqual(house.admit(), ['t0', 't1', 't2']);
  assert.deepEqual(house.admit(), []);
  house.ended('t1');
  assert.deepEqual(house.admit(), ['t3']);
});

test('of a(2), b(5), c(5) and d(5), a and b start; as a ends, c and d start', () => {
  const house = houseWith('a(2) b(5) c(5) d(5)');
  assert.deepEqual(house.admit(), ['a', 'b']);
  house.ended('a');
  assert.deepEqual(house.admit(), ['c', 'd']);
});

test('a pool once grown still admits a smaller tenancy as soon as few enough run', () => {
  const house = houseWith('b(5) c(5) d(5)');
  house.admit();
  house.arrive(1000, tasks('a(2)'));
  assert.deepEqual(house.admit(), []);
  house.ended('b');
  assert.deepEqual(house.admit(), []);
  house.ended('c');
  assert.deepEqual(house.admit(), ['a']);
});

test('an older cohort goes first, whatever the tenancies', () => {
  const house = new Admission();
  house.arrive(2000, tasks('young(1)'));
  house.arrive(1000, tasks('old(7)'));
  assert.deepEqual(house.admit(), ['old']);
  assert.deepEqual(house.waitingIds(), ['young']);
});

test('a younger one overtakes an older one that cannot start', () => {
  const house = houseWith('a(3)');
  house.admit();
  house.arrive(1000, tasks('alone(1)'));
  house.arrive(2000, tasks('company(3)'));
  assert.deepEqual(house.admit(), ['company']);
  assert.deepEqual(house.waitingIds(), ['alone']);
});

test('two arrivals of one due instant are one cohort', () => {
  const house = new Admission();
  house.arrive(1000, [{ id: 'wide', tenancy: 9, order: 0 }]);
  house.arrive(1000, [{ id: 'narrow', tenancy: 1, order: 1 }]);
  assert.deepEqual(house.waitingIds(), ['narrow', 'wide']);
  assert.deepEqual(house.admit(), ['narrow']);
});

test('within a cohort and a tenancy, file order decides, not arrival', () => {
  const house = new Admission();
  for (const order of [2, 0, 1]) house.arrive(0, [{ id: `t${order}`, tenancy: 3, order }]);
  assert.deepEqual(house.admit(), ['t0', 't1', 't2']);
});

test('a dropped one never starts, and may arrive again', () => {
  const house = houseWith('a(1) b(1)');
  house.admit();
  assert.equal(house.drop('b'), true);
  assert.equal(house.drop('b'), false);
  assert.equal(house.drop('a'), false);
  assert.equal(house.waiting, 0);
  house.ended('a');
  assert.deepEqual(house.admit(), []);
  house.arrive(5, tasks('b(4)'));
  assert.deepEqual(house.admit(), ['b']);
  assert.ok(house.isRunning('b') && !house.isWaiting('b'));
});

test('what cannot be is refused', () => {
  const house = houseWith('a(1) b(1)');
  house.admit();
  assert.throws(() => house.arrive(1, tasks('a(1)')), RangeError);
  assert.throws(() => house.arrive(1, tasks('b(1)')), RangeError);
  assert.throws(() => house.arrive(1, tasks('c(0)')), RangeError);
  assert.throws(() => house.arrive(1, [{ id: 'd', tenancy: 1.5, order: 0 }]), RangeError);
  assert.throws(() => house.ended('b'), RangeError);
});

// ------------------------------------------------------------------------------------------------ against a naive model

interface Run extends Waiting {
  readonly due: number;
  readonly length: number;
}

/** SPEC 6, word by word: goes through all waiting, oldest cohort first, and starts each that breaks no rule. */
class Model {
  waiting: Run[] = [];
  running: Run[] = [];

  mayStart(run: Run): boolean {
    return this.running.length + 1 <= Math.min(run.tenancy, ...this.running.map((other) => other.tenancy));
  }

  admit(): string[] {
    this.waiting.sort((a, b) => a.due - b.due || a.tenancy - b.tenancy || a.order - b.order);
    const started: Run[] = [];
    for (const run of this.waiting) {
      if (!this.mayStart(run)) continue;
      this.running.push(run);
      started.push(run);
    }
    this.waiting = this.waiting.filter((run) => !started.includes(run));
    return started.map((run) => run.id);
  }
}

const load = fc.array(
  fc.record({ due: fc.nat(12), tenancy: fc.integer({ min: 1, max: 7 }), length: fc.integer({ min: 1, max: 9 }) }),
  { maxLength: 60 },
);

test('any finite load runs to its end, exactly as the words of SPEC 6 have it', () => {
  fc.assert(
    fc.property(load, fc.infiniteStream(fc.nat(9)), (batch, dice) => {
      const runs: Run[] = batch.map((run, order) => ({ ...run, id: `r${order}`, order }));
      const house = new Admission();
      const model = new Model();
      const ends = new Map<string, number>();
      const ran = new Set<string>();
      const dropped = new Set<string>();
      for (let now = 0; ran.size + dropped.size < runs.length || ends.size > 0; now += 1) {
        assert.ok(now < 12 + 10 * runs.length, 'the load does not come to its end');
        for (const [id, end] of ends) {
          if (end > now) continue;
          house.ended(id);
          model.running = model.running.filter((run) => run.id !== id);
          ends.delete(id);
        }
        const arriving = runs.filter((run) => run.due === now);
        // In two halves, in any order: they are one cohort all the same.
        const split = arriving.length > 0 ? (dice.next().value ?? 0) % arriving.length : 0;
        house.arrive(now, arriving.slice(split));
        house.arrive(now, arriving.slice(0, split));
        model.waiting.push(...arriving);
        if (dice.next().value === 0 && model.waiting[0] !== undefined) {
          const { id } = model.waiting[0];
          assert.equal(house.drop(id), true);
          model.waiting = model.waiting.filter((run) => run.id !== id);
          dropped.add(id);
        }
        const started = house.admit();
        assert.deepEqual(started, model.admit());
        for (const id of started) {
          ran.add(id);
          ends.set(id, now + (runs.find((run) => run.id === id)?.length ?? 1));
        }
        const smallest = Math.min(...model.running.map((run) => run.tenancy));
        assert.ok(house.running <= smallest, 'more run than the smallest tenancy among them');
        assert.ok(!model.waiting.some((run) => model.mayStart(run)), 'one waits that could have started');
        assert.equal(house.running, model.running.length);
        assert.deepEqual(
          house.waitingIds(),
          model.waiting.map((run) => run.id),
        );
      }
      assert.equal(ran.size, runs.length - dropped.size);
    }),
    { numRuns: 300 },
  );
});

test('a hundred thousand that wait cost an end no walk through them', () => {
  // A walk through all waiting at each end would take 5e9 steps here: minutes, where this takes less than a second.
  const count = 100_000;
  const house = new Admission();
  house.arrive(
    0,
    Array.from({ length: count }, (_, order) => ({ id: `${order}`, tenancy: 1 + (order % 8), order })),
  );
  const start = process.cpuUsage();
  let over = 0;
  for (let running = house.admit(); running.length > 0; ) {
    const [first = '', ...others] = running;
    house.ended(first);
    over += 1;
    running = [...others, ...house.admit()];
  }
  const used = process.cpuUsage(start).user / 1e6;
  assert.equal(over, count);
  assert.ok(used < 10, `took ${used} s of CPU`);
});

test('dropped ones behind a blocked head do not pile up', () => {
  const house = houseWith('first(1)');
  house.admit();
  house.arrive(0, tasks('head(1)'));
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 500_000; i += 1) {
    house.arrive(i + 1, [{ id: 'again', tenancy: 1, order: 1 }]);
    house.drop('again');
  }
  assert.deepEqual(house.waitingIds(), ['head']);
  // Half a million entries of about 100 bytes would be 50 MB.
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 25e6, `the heap grew by ${grown} bytes`);
});
