import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Entry } from '../../../src/types.ts';
import { runs } from '../../helpers/runs.ts';
import { byId, closing, ended, planned, runProgram, scratch, skipped, storeIn } from './stores.ts';

const MINUTE = 60_000;
const T0 = 1_763_000_000_000;
const ids = (entries: Iterable<Entry>): string[] => [...entries].map(({ id }) => id);

test('an entry goes from planned over started to closed, and is in one place at a time', async (t) => {
  const folder = scratch(t);
  const store = storeIn(t, folder);
  const entry = planned('r1');
  assert.equal(store.entry('r1'), null);
  store.write({ open: byId(entry) });
  assert.deepEqual(store.entry('r1'), entry);
  const started = { ...entry, phase: 'started', startedAt: T0 + 3, pid: 77 } as const;
  store.write({ open: byId(started) });
  assert.deepEqual(store.openEntries(), [started]);
  const output = {
    stdout: { head: Buffer.from([0, 255]), tail: Buffer.alloc(0), size: 2 },
    stderr: { head: Buffer.from('oh'), tail: Buffer.from('no'), size: 9_000_000 },
  };
  const end = ended('r1', 'Error');
  store.write({ closed: new Map([['r1', { entry: end, output }]]) });
  await store.close();
  const again = storeIn(t, folder);
  assert.deepEqual(again.openEntries(), []);
  assert.deepEqual(again.entry('r1'), end);
  assert.deepEqual(again.output('r1'), output);
  assert.deepEqual([...again.closed()], [end]);
  assert.equal(again.output('r2'), null);
});

test('an open entry that is removed leaves no trace', (t) => {
  const store = storeIn(t, scratch(t));
  store.write({ open: byId(planned('r1')) });
  store.write({ open: new Map([['r1', null]]) });
  assert.equal(store.entry('r1'), null);
  assert.equal(store.covering('ping', T0), null);
  assert.deepEqual(store.idsFrom('', 9), []);
});

test('covering finds the entry in whose span an instant lies, and around the neighbours, open and closed', (t) => {
  const store = storeIn(t, scratch(t));
  store.write({
    closed: closing(
      ended('a', 'OK', { due: T0 }),
      skipped('b', { due: T0 + 5 * MINUTE, first: T0 + 2 * MINUTE, count: 4 }),
      ended('c', 'Lost', { due: T0 + 6 * MINUTE }),
      ended('x', 'OK', { task: 'pin', due: T0 + 8 * MINUTE }),
      ended('y', 'OK', { task: 'ping2', due: T0 + 3 * MINUTE }),
    ),
    open: byId(planned('d', { due: T0 + 7 * MINUTE })),
  });
  const at = (minutes: number): [string | undefined, string | undefined, string | undefined] => {
    const instant = T0 + minutes * MINUTE;
    const { before, after } = store.around('ping', instant);
    return [before?.id, store.covering('ping', instant)?.id, after?.id];
  };
  assert.deepEqual(at(-1), [undefined, undefined, 'a']);
  assert.deepEqual(at(0), [undefined, 'a', 'b']);
  assert.deepEqual(at(1), ['a', undefined, 'b']);
  assert.deepEqual(at(2), ['a', 'b', 'c']);
  assert.deepEqual(at(3.5), ['a', 'b', 'c']);
  assert.deepEqual(at(5), ['a', 'b', 'c']);
  assert.deepEqual(at(6), ['b', 'c', 'd']);
  assert.deepEqual(at(7), ['c', 'd', undefined]);
  assert.deepEqual(at(8), ['d', undefined, undefined]);
  assert.equal(store.covering('pong', T0), null);
});

test('closed entries come newest first: of all tasks by id, of one task by due time, over many pages', (t) => {
  const store = storeIn(t, scratch(t));
  const of = (n: number): Entry => {
    const id = `r${String(n).padStart(5, '0')}`;
    const changes = { due: T0 + n * MINUTE, task: n % 2 === 0 ? 'even' : 'odd' };
    return n % 3 === 0 ? skipped(id, changes) : ended(id, n % 5 === 0 ? 'Error' : 'OK', changes);
  };
  const all = Array.from({ length: 3000 }, (_, n) => of(n));
  store.write({ closed: closing(...all) });
  const expected = ids(all).reverse();
  assert.deepEqual(ids(store.closed()), expected);
  assert.deepEqual(ids(store.closed('even')), ids(all.filter(({ task }) => task === 'even')).reverse());
  assert.deepEqual(ids(store.closed('none')), []);
  const [first] = store.closed('odd');
  assert.equal(first?.id, 'r02999');
});

test('ids are found by how they begin', (t) => {
  const store = storeIn(t, scratch(t));
  store.write({ closed: closing(ended('ab1'), ended('ab3'), ended('ac1')), open: byId(planned('ab2')) });
  assert.deepEqual(store.idsFrom('ab', 9), ['ab1', 'ab2', 'ab3']);
  assert.deepEqual(store.idsFrom('ab', 2), ['ab1', 'ab2']);
  assert.deepEqual(store.idsFrom('ac1', 9), ['ac1']);
  assert.deepEqual(store.idsFrom('', 9), ['ab1', 'ab2', 'ab3', 'ac1']);
  assert.deepEqual(store.idsFrom('b', 9), []);
});

test('what cannot be a key is not there to a reader, and an error to a writer before anything is written', (t) => {
  const store = storeIn(t, scratch(t));
  for (const id of ['', 'x'.repeat(3000), 'x'.repeat(10_000)]) {
    assert.equal(store.entry(id), null);
    assert.equal(store.output(id), null);
    if (id !== '') assert.deepEqual(store.idsFrom(id, 9), []);
    assert.throws(() => store.write({ open: byId(planned('good'), planned(id)) }), /could not be written/);
    assert.deepEqual(store.openEntries(), []);
    assert.equal(store.covering(id, T0), null);
    assert.deepEqual(store.around(id, T0), { before: null, after: null });
    assert.deepEqual([...store.closed(id)], []);
  }
});

test('any name and any instant keeps its place', (t) => {
  const store = storeIn(t, scratch(t));
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
  const due = fc.oneof(fc.integer({ min: -8.64e15, max: 8.64e15 }), fc.integer({ min: -5, max: 5 }));
  const dues = fc.uniqueArray(due, { minLength: 1, maxLength: 8 });
  let round = 0;
  fc.assert(
    fc.property(name, dues, (task, given) => {
      round += 1;
      const its = `${task}${round}`;
      const entries = given.map((at, n) => ended(`${round}-${n}`, 'OK', { task: its, due: at }));
      store.write({ closed: closing(...entries) });
      const sorted = [...entries].sort((a, b) => b.due - a.due);
      assert.deepEqual([...store.closed(its)], sorted);
      for (const entry of entries) assert.deepEqual(store.covering(its, entry.due), entry);
    }),
    runs(40),
  );
});

type Step = { readonly what: 'plan' | 'good' | 'bad' | 'skip' | 'drop'; readonly n: number; readonly minute: number };
const steps: fc.Arbitrary<Step> = fc.record(
  {
    what: fc.constantFrom('plan', 'good', 'bad', 'skip', 'drop'),
    n: fc.nat(7),
    minute: fc.nat(30),
  },
  { noNullPrototype: true },
);

test('after any steps the ledger holds what a simple model holds, also after it was opened anew', async () => {
  const rounds: (() => unknown)[] = [];
  const t = { after: (work: () => unknown) => void rounds.push(work) };
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(steps, { maxLength: 6 }), { maxLength: 6 }), async (batches) => {
        const folder = scratch(t);
        let store = storeIn(t, folder);
        const history = { maxRuns: 3, maxFailures: 2, maxAge: null };
        store.keepHistory(history);
        let model: Entry[] = [];
        for (const [round, batch] of batches.entries()) {
          const open = new Map<string, Entry | null>();
          const closed = new Map<string, { entry: Entry; output: null }>();
          for (const { what, n, minute } of batch) {
            // Two tasks; an id belongs to one of them, but its due time may change.
            const id = `r${n}`;
            const changes = { due: T0 + minute * MINUTE, task: n % 2 === 0 ? 'even' : 'odd' };
            if (what === 'plan') open.set(id, planned(id, changes));
            else if (what === 'drop') open.set(id, null);
            else {
              const entry =
                what === 'skip' ? skipped(id, changes) : ended(id, what === 'good' ? 'OK' : 'Error', changes);
              closed.set(id, { entry, output: null });
            }
          }
          store.write({ open, closed });
          model = modelOf(model, open, closed, history);
          if (round % 2 === 1) {
            await store.close();
            store = storeIn(t, folder);
            store.keepHistory(history);
          }
          const byDue = (a: Entry, b: Entry): number => b.due - a.due || (a.id < b.id ? 1 : -1);
          const closedNow = model.filter(isClosed);
          assert.deepEqual(ids(store.closed()), ids(closedNow).sort().reverse());
          for (const task of ['even', 'odd']) {
            const its = closedNow.filter((entry) => entry.task === task).sort(byDue);
            assert.deepEqual([...store.closed(task)], its);
          }
          assert.deepEqual(ids(store.openEntries()), ids(model.filter((entry) => !isClosed(entry))).sort());
          for (const entry of model) assert.deepEqual(store.entry(entry.id), entry);
        }
        await store.close();
      }),
      runs(25),
    );
  } finally {
    for (const work of rounds) await work();
  }
});

const isClosed = ({ phase }: Entry): boolean => phase === 'ended' || phase === 'skipped';

function modelOf(
  before: readonly Entry[],
  open: ReadonlyMap<string, Entry | null>,
  closed: ReadonlyMap<string, { readonly entry: Entry }>,
  history: { readonly maxRuns: number; readonly maxFailures: number },
): Entry[] {
  const now = new Map(before.map((entry) => [entry.id, entry]));
  for (const [id, entry] of open) {
    const old = now.get(id);
    if (entry !== null) now.set(id, entry);
    else if (old !== undefined && !isClosed(old)) now.delete(id);
  }
  for (const [id, { entry }] of closed) now.set(id, entry);
  const classOf = (entry: Entry): string =>
    `${entry.task} ${entry.phase === 'skipped' ? 'skipped' : entry.ending?.status}`;
  for (const { entry } of closed.values()) {
    // The latest of each class that was touched stay.
    for (const phase of ['skipped', 'OK', 'Error']) {
      const same = [...now.values()]
        .filter((other) => isClosed(other) && classOf(other) === `${entry.task} ${phase}`)
        .sort((a, b) => a.due - b.due || (a.id < b.id ? -1 : 1));
      const most = phase === 'Error' ? history.maxFailures : history.maxRuns;
      for (const gone of same.slice(0, Math.max(0, same.length - most))) now.delete(gone.id);
    }
  }
  return [...now.values()];
}

test('a kill right after write loses nothing of the ledger', (t) => {
  const folder = scratch(t);
  const entry = ended('r1', 'Error');
  const killed = runProgram(
    folder,
    `const store = openStore(folder);
     store.write({ closed: new Map([['r1', { entry: ${JSON.stringify(entry)}, output: null }]]) });
     process.kill(process.pid, 'SIGKILL');
     for (;;);`,
  );
  assert.equal(killed.signal, 'SIGKILL');
  assert.deepEqual(storeIn(t, folder).entry('r1'), entry);
});

test('a fault at the write looks like a failed write, and nothing was written', (t) => {
  const folder = scratch(t);
  const tried = runProgram(
    folder,
    `const store = openStore(folder);
     try { store.setBoot('b'); } catch (error) { console.log(error.message); }
     console.log(store.boot());`,
    ['env', 'FATE_FAULT=ENOSPC@ledger.write'],
  );
  const [message, boot] = tried.stdout.split('\n');
  assert.match(message ?? '', /^the state in .* could not be written: ENOSPC: .*\(the disk is full\)$/);
  assert.ok(message?.includes(folder));
  assert.equal(boot, 'null');
});

test('the boot is kept from one opening to the next', async (t) => {
  const folder = scratch(t);
  const store = storeIn(t, folder);
  assert.equal(store.boot(), null);
  store.setBoot('one');
  store.setBoot('two');
  await store.close();
  assert.equal(storeIn(t, folder).boot(), 'two');
});
