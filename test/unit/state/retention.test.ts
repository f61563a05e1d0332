import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from 'lmdb';
import type { Store } from '../../../src/state/store.ts';
import type { Entry } from '../../../src/types.ts';
import { byId, closing, ended, planned, scratch, skipped, storeIn } from './stores.ts';

const DAY = 86_400_000;
const T0 = 1_763_000_000_000;
const HISTORY = { maxRuns: 3, maxFailures: 2, maxAge: null };
const OUTPUT = {
  stdout: { head: Buffer.from('x'), tail: Buffer.alloc(0), size: 1 },
  stderr: { head: Buffer.alloc(0), tail: Buffer.alloc(0), size: 0 },
};

const ids = (store: Store, task?: string): string[] => [...store.closed(task)].map(({ id }) => id).sort();
const day = (n: number, kind: 'OK' | 'Error' | 'skipped' = 'OK', task = 'ping'): Entry => {
  const changes = { due: T0 + n * DAY, task };
  const id = `${kind[0]}${String(n).padStart(4, '0')}`;
  return kind === 'skipped' ? skipped(id, changes) : ended(id, kind, changes);
};

test('nothing is pruned until the history is known', (t) => {
  const store = storeIn(t, scratch(t));
  for (let n = 0; n < 30; n += 1) store.write({ closed: closing(day(n)) });
  assert.equal(ids(store).length, 30);
  assert.equal(store.sweep(T0 + 1e6 * DAY, 100), 0);
});

test('good runs, runs that were not good and those that were not run are counted each for themselves', (t) => {
  const store = storeIn(t, scratch(t));
  store.keepHistory(HISTORY);
  for (let n = 0; n < 10; n += 1) {
    const error = day(n, 'Error');
    store.write({ closed: closing(day(n), day(n, 'skipped')) });
    store.write({ closed: new Map([[error.id, { entry: error, output: OUTPUT }]]) });
  }
  assert.deepEqual(ids(store), ['E0008', 'E0009', 'O0007', 'O0008', 'O0009', 's0007', 's0008', 's0009']);
  assert.equal(store.output('E0007'), null);
  assert.deepEqual(store.output('E0008'), OUTPUT);
});

test('another task is left alone, and open entries are never pruned', (t) => {
  const store = storeIn(t, scratch(t));
  store.keepHistory(HISTORY);
  store.write({ open: byId(planned('open', { due: T0 - DAY })), closed: closing(day(0, 'OK', 'other')) });
  for (let n = 1; n < 10; n += 1) store.write({ closed: closing(day(n)) });
  assert.deepEqual(ids(store, 'other'), ['O0000']);
  assert.equal(store.openEntries().length, 1);
});

test('closing the same run again counts once, also where it changes from bad to good or moves in time', (t) => {
  const store = storeIn(t, scratch(t));
  store.keepHistory(HISTORY);
  for (let n = 0; n < 3; n += 1) store.write({ closed: closing(day(n)) });
  for (let i = 0; i < 10; i += 1) store.write({ closed: closing(day(2)) });
  assert.deepEqual(ids(store), ['O0000', 'O0001', 'O0002']);
  const changed = { ...day(2, 'Error'), id: 'O0002', due: T0 + 9 * DAY, first: T0 + 9 * DAY };
  store.write({ closed: closing(changed) });
  assert.equal(store.covering('ping', T0 + 2 * DAY), null);
  assert.deepEqual(store.covering('ping', T0 + 9 * DAY), changed);
  store.write({ closed: closing(day(3)) });
  assert.deepEqual(ids(store), ['O0000', 'O0001', 'O0002', 'O0003']);
  store.write({ closed: closing(day(4)) });
  assert.deepEqual(ids(store), ['O0001', 'O0002', 'O0003', 'O0004']);
});

test('output goes when its run is closed again without one', (t) => {
  const store = storeIn(t, scratch(t));
  const error = day(1, 'Error');
  store.write({ closed: new Map([[error.id, { entry: error, output: OUTPUT }]]) });
  store.write({ closed: closing(error) });
  assert.equal(store.output(error.id), null);
});

test('what was closed long ago goes at the next closing of its task, a few at a time', (t) => {
  const store = storeIn(t, scratch(t));
  for (let n = 0; n < 25; n += 1) store.write({ closed: closing(day(n)) });
  store.keepHistory({ maxRuns: 1000, maxFailures: 1000, maxAge: 90 * DAY });
  const left: number[] = [];
  for (let n = 0; n < 4; n += 1) {
    store.write({ closed: closing(day(120 + n)) });
    left.push(ids(store).length);
  }
  // 10 of the 25, 10 more, then those of days 20 to 24, each with one that came.
  assert.deepEqual(left, [16, 7, 3, 4]);
});

test('a run that was due long ago, but closed lately, stays', (t) => {
  const store = storeIn(t, scratch(t));
  store.keepHistory({ maxRuns: 1000, maxFailures: 1000, maxAge: 90 * DAY });
  const late = day(0, 'skipped');
  const entry: Entry = { ...late, skipped: { reason: 'missed', detail: 'it was off', at: T0 + 200 * DAY } };
  store.write({ closed: closing(entry, day(201)) });
  assert.deepEqual(ids(store), ['O0201', 's0000']);
  assert.equal(store.sweep(T0 + 201 * DAY, 100), 0);
  assert.equal(store.sweep(T0 + 300 * DAY, 100), 2);
});

test('a history that was made smaller is reached step by step, and at once by sweeping', (t) => {
  const store = storeIn(t, scratch(t));
  store.keepHistory({ maxRuns: 50, maxFailures: 50, maxAge: null });
  for (let n = 0; n < 40; n += 1) store.write({ closed: closing(day(n), day(n, 'Error', 'gone')) });
  store.keepHistory(HISTORY);
  store.write({ closed: closing(day(40)) });
  assert.equal(ids(store, 'ping').length, 31);
  store.write({ closed: closing(day(41)) });
  assert.equal(ids(store, 'ping').length, 22);
  assert.equal(store.sweep(T0, 20), 20);
  assert.equal(store.sweep(T0, 1000), 37);
  assert.equal(store.sweep(T0, 1000), 0);
  assert.deepEqual(ids(store), ['E0038', 'E0039', 'O0039', 'O0040', 'O0041']);
});

test('sweeping removes what is too old of tasks that are no more, at most as many as it may', (t) => {
  const store = storeIn(t, scratch(t));
  for (let n = 0; n < 120; n += 1) {
    const entry = { ...day(n, 'Error', `gone${n % 7}`), id: `i${String(n).padStart(4, '0')}` };
    store.write({ closed: new Map([[entry.id, { entry, output: OUTPUT }]]) });
  }
  // It lasted for long: what was planned after it goes all the same.
  const long = { ...day(1), ending: ended('x', 'OK', { due: T0 + 119 * DAY }).ending };
  store.write({ closed: closing({ ...long, id: 'a' }) });
  store.keepHistory({ maxRuns: 1000, maxFailures: 1000, maxAge: 90 * DAY });
  const now = T0 + 200 * DAY;
  assert.deepEqual(
    [store.sweep(now, 50), store.sweep(now, 50), store.sweep(now, 50), store.sweep(now, 50)],
    [50, 50, 10, 0],
  );
  assert.deepEqual(ids(store), ['a', ...Array.from({ length: 10 }, (_, n) => `i0${110 + n}`)]);
  assert.equal(store.output('i0109'), null);
  assert.deepEqual(store.output('i0110'), OUTPUT);
});

test('a history of nothing keeps nothing', (t) => {
  const store = storeIn(t, scratch(t));
  store.keepHistory({ maxRuns: 0, maxFailures: 0, maxAge: 0 });
  const error = day(1, 'Error');
  store.write({ closed: new Map([[error.id, { entry: error, output: OUTPUT }]]) });
  store.write({ closed: closing(day(1), day(1, 'skipped')) });
  assert.deepEqual(ids(store), []);
  assert.equal(store.output(error.id), null);
});

test('damaged records are not there for any reader, are closed anew, counted right and pruned at last', async (t) => {
  const folder = scratch(t);
  const first = storeIn(t, folder);
  first.keepHistory(HISTORY);
  const error = day(0, 'Error');
  first.write({ open: byId(planned('open', { due: T0 + 50 * DAY })), closed: closing(day(0), day(1), day(2)) });
  first.write({ closed: new Map([[error.id, { entry: error, output: OUTPUT }]]) });
  await first.close();
  const root = open<string, string>({ path: folder, encoding: 'string', maxDbs: 32, overlappingSync: false });
  const table = (name: string) => root.openDB<string, Uint8Array>(name, { encoding: 'string', keyEncoding: 'binary' });
  const [opened, closed, counts, outputs] = ['open', 'closed', 'counts', 'outputs'].map(table);
  root.transactionSync(() => {
    opened?.put(Buffer.from('open'), '{"id":');
    closed?.put(Buffer.from('O0000'), 'garbage');
    closed?.put(Buffer.from('O0001'), JSON.stringify({ ...day(1), id: 'another' }));
    outputs?.put(Buffer.from('E0000'), 'x');
    for (const key of [...(counts?.getKeys() ?? [])]) counts?.put(key, '[1,"two"]');
  });
  await root.close();

  const store = storeIn(t, folder);
  store.keepHistory(HISTORY);
  assert.deepEqual(store.openEntries(), []);
  for (const id of ['open', 'O0000', 'O0001']) assert.equal(store.entry(id), null);
  assert.equal(store.output('E0000'), null);
  assert.deepEqual(ids(store), ['E0000', 'O0002']);
  assert.deepEqual(ids(store, 'ping'), ['E0000', 'O0002']);
  assert.equal(store.covering('ping', T0 + DAY), null);
  assert.equal(store.around('ping', T0 + DAY).after?.id, 'O0002');
  assert.equal(store.around('ping', T0 + 49 * DAY).after, null);
  // Three good places are there, two of them of damaged records: with each good run the oldest goes.
  store.write({ closed: closing({ ...day(3), id: 'O0000' }) });
  assert.deepEqual(ids(store), ['E0000', 'O0000', 'O0002']);
  store.write({ open: byId(planned('open', { due: T0 + 60 * DAY })), closed: closing(day(4)) });
  assert.deepEqual(ids(store), ['E0000', 'O0000', 'O0002', 'O0004']);
  store.write({ closed: closing(day(5)) });
  assert.deepEqual(ids(store), ['E0000', 'O0000', 'O0004', 'O0005']);
  assert.deepEqual(
    store.openEntries().map(({ id }) => id),
    ['open'],
  );
});
