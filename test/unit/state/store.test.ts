import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import type { StoredState } from '../../../src/state/store.ts';
import { runProgram, STORE, scratch, storeIn } from './stores.ts';

test('cursors, states and results come back as they went in', async (t) => {
  const folder = scratch(t);
  const store = storeIn(t, folder);
  assert.equal(store.cursor('ping'), null);
  assert.equal(store.state('ping'), null);
  assert.deepEqual(store.results('ping'), []);
  const cursor = { fingerprint: '0 0 * * * *', seen: 1_763_000_000_000 };
  const structure = { kind: 'structure', value: { 'ä"\\\n\0': [1, null, { b: 'x' }], __proto__: 3 } } as const;
  const results = [{ path: '/var/log/fate/result/a b', size: 12, at: 1 }];
  store.write({
    cursors: new Map([['ping', cursor]]),
    states: new Map<string, StoredState>([
      ['ping', structure],
      ['text', { kind: 'text', value: 'line\n' }],
    ]),
    results: new Map([['ping', results]]),
  });
  await store.close();
  const again = storeIn(t, folder);
  assert.deepEqual(again.cursor('ping'), cursor);
  assert.deepEqual(again.cursors(), new Map([['ping', cursor]]));
  assert.deepEqual(again.state('ping'), structure);
  assert.deepEqual(again.state('text'), { kind: 'text', value: 'line\n' });
  assert.deepEqual(again.results('ping'), results);
  again.write({
    cursors: new Map([['ping', null]]),
    states: new Map([['ping', null]]),
    results: new Map([['ping', []]]),
  });
  assert.equal(again.cursors().size, 0);
  assert.equal(again.state('ping'), null);
  assert.deepEqual(again.results('ping'), []);
});

test('a SIGKILL right after write returned loses nothing', (t) => {
  const folder = scratch(t);
  const killed = runProgram(
    folder,
    `const store = openStore(folder);
     store.write({ cursors: new Map([['a', { fingerprint: 'f', seen: 7 }]]) });
     process.kill(process.pid, 'SIGKILL');
     for (;;);`,
  );
  assert.equal(killed.signal, 'SIGKILL');
  assert.deepEqual(storeIn(t, folder).cursor('a'), { fingerprint: 'f', seen: 7 });
});

test('a batch that cannot be written leaves nothing of itself, and the store goes on', (t) => {
  const folder = scratch(t);
  const store = storeIn(t, folder);
  const good: [string, StoredState][] = [['good', { kind: 'text', value: '1' }]];
  const named = (error: Error): boolean => error.message.includes(folder);
  assert.throws(() => store.write({ states: new Map([...good, ['bad', { kind: 'structure', value: 1n }]]) }), named);
  assert.equal(store.state('good'), null);
  // The first put of this transaction works, the second does not.
  const long = 'x'.repeat(3000);
  assert.throws(() => store.write({ states: new Map([...good, [long, { kind: 'text', value: '' }]]) }), named);
  assert.equal(store.state('good'), null);
  store.write({ states: new Map(good) });
  assert.equal(store.state('good')?.value, '1');
});

test('it grows with what is put in', (t) => {
  const folder = scratch(t);
  const store = storeIn(t, folder);
  const states = new Map(
    Array.from({ length: 24 }, (_, n) => [`t${n}`, { kind: 'text', value: `${n}`.padEnd(1 << 20, '.') } as const]),
  );
  for (const [name, state] of states) store.write({ states: new Map([[name, state]]) });
  for (const [name, state] of states) assert.equal(store.state(name)?.value, state.value);
});

test('another process reads what this one wrote, also after the file has grown, and the other way round', async (t) => {
  const folder = scratch(t);
  const store = storeIn(t, folder);
  const other = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { openStore } from '${STORE}';
       const store = openStore(process.argv[1]);
       process.stdin.on('data', async () => {
         const size = String(store.state('big')?.value ?? '').length;
         store.write({ states: new Map([['seen', { kind: 'structure', value: size }]]) });
         process.stdout.write('done');
       });`,
      folder,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  t.after(() => other.kill('SIGKILL'));
  const ask = (): Promise<unknown> =>
    new Promise((resolve) => {
      other.stdout.once('data', () => resolve(store.state('seen')?.value));
      other.stdin.write('?');
    });
  assert.equal(await ask(), 0);
  store.write({ states: new Map([['big', { kind: 'text', value: 'x'.repeat(5 << 20) }]]) });
  assert.equal(await ask(), 5 << 20);
});

test('task names of 128 bytes of any script are keys', (t) => {
  const store = storeIn(t, scratch(t));
  const names = [
    'x'.repeat(128),
    'é'.repeat(64),
    '界'.repeat(42),
    '𐐷'.repeat(32),
    '+a',
    '@b',
    ':c',
    '_d',
    '7',
    'a.b-c',
  ];
  const cursors = new Map(names.map((name, seen) => [name, { fingerprint: name, seen }]));
  store.write({ cursors });
  assert.equal(store.cursors().size, names.length);
  for (const [name, cursor] of cursors) assert.deepEqual(store.cursor(name), cursor);
});

test('after close nothing is written, and closing twice is no harm', async (t) => {
  const store = storeIn(t, scratch(t));
  await store.close();
  await store.close();
  assert.throws(() => store.write({ cursors: new Map([['a', null]]) }), /closed/);
});
