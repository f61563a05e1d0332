import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission, type Waiting } from '../../../src/tenancy/queue.ts';
import { houseWith, tasks } from './house.ts';

test('those that share a lock run one after the other, beside those that do not', () => {
  const house = houseWith('a(9:db) b(9:db) c(9) d(9:disk)');
  assert.deepEqual(house.admit(0), ['a', 'c', 'd']);
  assert.deepEqual(house.held('b'), { for: 'lock', lock: 'db', who: ['a'] });
  house.ended('c', 1);
  assert.deepEqual(house.admit(1), []);
  house.ended('a', 2);
  assert.deepEqual(house.admit(2), ['b']);
});

test('the oldest cohort gets a lock first, then the smallest tenancy, then file order', () => {
  const house = houseWith('first(9:db)');
  house.admit(0);
  house.arrive(3, tasks('c(9:db) d(9:db)'));
  house.arrive(2, tasks('b(9:db) a(8:db)'));
  const order: string[] = [];
  for (let running = 'first'; house.waiting > 0; ) {
    house.ended(running, 4);
    const admitted = house.admit(4);
    assert.equal(admitted.length, 1);
    running = admitted[0] ?? '';
    order.push(running);
  }
  assert.deepEqual(order, ['a', 'b', 'c', 'd']);
});

test('one of an older cohort that comes late goes before one that waited for the lock already', () => {
  const house = houseWith('a(9:db)');
  house.admit(0);
  house.arrive(5, tasks('young(2:db)'));
  assert.deepEqual(house.admit(5), []);
  house.arrive(4, tasks('old(2:db)'));
  house.ended('a', 6);
  assert.deepEqual(house.admit(6), ['old']);
});

test('so it does where the younger one might have started before, but for its tenancy', () => {
  const house = houseWith('a(9:db) b(9) c(9)');
  house.admit(0);
  house.arrive(5, tasks('young(2:db)'));
  assert.deepEqual(house.admit(5), []);
  // The lock is free, but two run; and another one takes it.
  house.ended('a', 6);
  house.arrive(6, tasks('wide(9:db)'));
  assert.deepEqual(house.admit(6), ['wide']);
  house.arrive(3, tasks('old(2:db)'));
  house.ended('wide', 7);
  assert.deepEqual(house.admit(7), []);
  house.ended('b', 8);
  assert.deepEqual(house.admit(8), ['old']);
  house.ended('old', 9);
  assert.deepEqual(house.admit(9), ['young']);
});

test('one that needs several locks starts once all are free, and holds all of them', () => {
  const house = houseWith('a(9:db) b(9:disk) both(9:db,disk)');
  assert.deepEqual(house.admit(0), ['a', 'b']);
  house.ended('a', 1);
  assert.deepEqual(house.admit(1), []);
  assert.deepEqual(house.held('both'), { for: 'lock', lock: 'disk', who: ['b'] });
  house.ended('b', 2);
  assert.deepEqual(house.admit(2), ['both']);
  house.arrive(3, tasks('c(9:db) d(9:disk)'));
  assert.deepEqual(house.admit(3), []);
  house.ended('both', 4);
  assert.deepEqual(house.admit(4), ['c', 'd']);
});

test('where the first that waited for a lock is kept by another one, the next takes the lock', () => {
  const house = houseWith('a(9:db) b(9:disk) both(9:db,disk) c(9:db) d(9:db)');
  assert.deepEqual(house.admit(0), ['a', 'b']);
  house.ended('a', 1);
  assert.deepEqual(house.admit(1), ['c']);
  house.ended('b', 2);
  assert.deepEqual(house.admit(2), []);
  house.ended('c', 3);
  assert.deepEqual(house.admit(3), ['both']);
});

test('where the first that waited for a lock is dropped, the next takes the lock', () => {
  const house = houseWith('a(2:db) other(2) b(2:db) c(2:db) d(2:db)');
  assert.deepEqual(house.admit(0), ['a', 'other']);
  assert.equal(house.drop('c'), true);
  house.ended('a', 1);
  assert.equal(house.drop('b'), true);
  assert.deepEqual(house.waitingIds(), ['d']);
  assert.deepEqual(house.admit(1), ['d']);
});

test('one that a lock keeps holds nobody back, and is held back by tenancy only when the lock is free', () => {
  const house = houseWith('a(3:db) b(3)');
  house.patience = 0;
  house.admit(0);
  house.arrive(1, tasks('alone(1:db)'));
  house.arrive(2, tasks('c(3)'));
  assert.deepEqual(house.admit(2), ['c']);
  house.ended('b', 3);
  house.ended('c', 3);
  assert.equal(house.held('alone')?.for, 'lock');
  house.ended('a', 4);
  assert.deepEqual(house.admit(4), ['alone']);
});

test('locks that come and go do not pile up', () => {
  const house = new Admission();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 200_000; i += 1) {
    house.arrive(i, tasks(`a(9:db${i}) b(9:db${i}) c(9:db${i})`));
    house.admit(i);
    house.drop('b');
    house.ended('a', i);
    assert.deepEqual(house.admit(i), ['c']);
    house.ended('c', i);
  }
  // Two hundred thousand locks of some 300 bytes would be 60 MB.
  const grown = process.memoryUsage().heapUsed - before;
  assert.ok(grown < 30e6, `the heap grew by ${grown} bytes`);
});

// ------------------------------------------------------------------------------------------------ what it costs

/** Counts how often two of them were compared: of one due time and tenancy the file order decides. */
class Order {
  static compared = 0;
  readonly #at: number;

  constructor(at: number) {
    this.#at = at;
  }

  valueOf(): number {
    Order.compared += 1;
    return this.#at;
  }
}

test('the end of a lock that a hundred thousand wait for costs no walk through them', () => {
  const count = 100_000;
  const house = new Admission(0);
  const runs = Array.from({ length: count }, (_, at): Waiting => {
    // A number to all that compare it; the admission does no more with it.
    const order = new Order(at) as unknown as number;
    return { id: `${at}`, tenancy: 100 + (at % 4), order, locks: ['db'] };
  });
  house.arrive(0, runs);
  let [running] = house.admit(0);
  Order.compared = 0;
  let most = 0;
  let over = 0;
  while (running !== undefined) {
    const before = Order.compared;
    house.ended(running, over);
    [running] = house.admit(over);
    over += 1;
    // The very first end finds them as they came.
    if (over > 1) most = Math.max(most, Order.compared - before);
  }
  assert.equal(over, count);
  // A few changes of heaps of 25,000, four tenancies, two looks at an order for each comparison.
  assert.ok(most < 2000, `${most} looks for one end`);
  assert.ok(Order.compared > count, 'nothing was counted');
});

test('one that is over may hold its locks until all that they guard is over', () => {
  const house = new Admission();
  const locks = ['task a'];
  house.arrive(1, [
    { id: 'a', tenancy: 1, order: 0, locks },
    { id: 'again', tenancy: 1, order: 1, locks },
    { id: 'other', tenancy: 1, order: 2, locks: [] },
  ]);
  assert.deepEqual(house.admit(1), ['a']);
  house.ended('a', 2, true);
  assert.deepEqual(house.admit(2), ['other']);
  assert.deepEqual(house.held('again'), { for: 'lock', lock: 'task a', who: ['a'] });
  house.release('a');
  house.release('a');
  house.ended('other', 3);
  assert.deepEqual(house.admit(3), ['again']);
});
