import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from 'lmdb';
import { openReader } from '../../../src/state/reader.ts';
import { makeFiles } from '../../../src/state/store-files.ts';
import { closing, ended, runProgram, scratch, storeIn } from './stores.ts';

const CURSOR = { fingerprint: '0 0 * * * *', seen: 1_763_000_000_000 };
const STATE = { kind: 'structure', value: { 'ä"\0': [1, null] } } as const;
const RESULT = { path: '/var/log/fate/result/a b', size: 12, at: 1 };

/** As the version before the ledger wrote it. */
async function makeLayoutOne(folder: string): Promise<void> {
  makeFiles(folder);
  const root = open<string, string>({ path: folder, encoding: 'string', maxDbs: 32, overlappingSync: false });
  const table = (name: string) => root.openDB<string, string>(name, { encoding: 'string' });
  const [meta, cursors, states, results] = ['meta', 'cursors', 'states', 'results'].map(table);
  root.transactionSync(() => void meta?.put('layout', '1'));
  root.transactionSync(() => {
    for (let n = 0; n < 500; n += 1) cursors?.put(`task${n}`, JSON.stringify({ ...CURSOR, seen: CURSOR.seen + n }));
    states?.put('task1', JSON.stringify(STATE));
    states?.put('text', JSON.stringify({ kind: 'text', value: 'line\n' }));
    results?.put('task1', JSON.stringify([RESULT]));
  });
  await root.close();
}

async function layoutOf(folder: string): Promise<string | undefined> {
  const root = open<string, string>({ path: folder, encoding: 'string', maxDbs: 32, overlappingSync: false });
  const layout = root.openDB<string, string>('meta', { encoding: 'string' }).get('layout');
  await root.close();
  return layout;
}

test('a store of the layout before the ledger is taken over with all that is in it', async (t) => {
  const folder = scratch(t);
  await makeLayoutOne(folder);
  assert.equal(openReader(folder), null);
  const store = storeIn(t, folder);
  assert.equal(store.cursors().size, 500);
  assert.deepEqual(store.cursor('task7'), { ...CURSOR, seen: CURSOR.seen + 7 });
  assert.deepEqual(store.state('task1'), STATE);
  assert.deepEqual(store.state('text'), { kind: 'text', value: 'line\n' });
  assert.deepEqual(store.results('task1'), [RESULT]);
  assert.deepEqual(store.openEntries(), []);
  assert.equal(store.boot(), null);
  store.write({ closed: closing(ended('r1')) });
  await store.close();
  assert.equal(await layoutOf(folder), '2');
  const again = storeIn(t, folder);
  assert.equal(again.cursors().size, 500);
  assert.equal(again.entry('r1')?.id, 'r1');
});

test('a kill while it is taken over leaves a store that is taken over the next time', async (t) => {
  const folder = scratch(t);
  await makeLayoutOne(folder);
  // The tables are there already, the layout is still the old one.
  const root = open<string, string>({ path: folder, encoding: 'string', maxDbs: 32, overlappingSync: false });
  root.openDB<string, Uint8Array>('open', { encoding: 'string', keyEncoding: 'binary' });
  await root.close();
  assert.equal(openReader(folder), null);
  assert.equal(storeIn(t, folder).cursors().size, 500);
});

test('two that take it over at the same moment both have it', async (t) => {
  const folder = scratch(t);
  await makeLayoutOne(folder);
  const body = `import { spawn } from 'node:child_process';
    const open = 'import(process.argv[1]).then(({ openStore }) => { const s = openStore(process.argv[2]);' +
      ' if (s.cursors().size !== 500) process.exit(9); return s.close(); })';
    const ends = [0, 1, 2].map(() => new Promise((resolve) =>
      spawn(process.execPath, ['-e', open, STORE, folder], { stdio: 'inherit' }).once('exit', resolve)));
    console.log(JSON.stringify(await Promise.all(ends)));`;
  const { stdout, stderr } = runProgram(folder, body);
  assert.equal(stdout, '[0,0,0]\n', stderr);
  assert.equal(await layoutOf(folder), '2');
});

test('a layout that is no number of a version is refused', async (t) => {
  for (const layout of ['', 'x', '0', '-1', '1.5', '3', 'Infinity']) {
    const folder = scratch(t);
    await makeLayoutOne(folder);
    const root = open<string, string>({ path: folder, encoding: 'string', maxDbs: 32, overlappingSync: false });
    const meta = root.openDB<string, string>('meta', { encoding: 'string' });
    root.transactionSync(() => void meta.put('layout', layout));
    await root.close();
    assert.throws(() => storeIn(t, folder), { code: 'FATAL', message: /newer version of Fate/ }, layout);
    assert.throws(() => openReader(folder), { code: 'FATAL' }, layout);
  }
});
