import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openReader } from '../../../src/state/reader.ts';
import { openStore } from '../../../src/state/store.ts';
import { byId, closing, ended, planned, runProgram, STORE, scratch, startProgram, storeIn } from './stores.ts';

function readerIn(t: TestContext, folder: string): NonNullable<ReturnType<typeof openReader>> {
  const reader = openReader(folder);
  assert.ok(reader);
  t.after(() => reader.close());
  return reader;
}

test('where nothing was ever recorded there is no reader, and no file is made', (t) => {
  const folder = scratch(t);
  assert.equal(openReader(join(folder, 'none')), null);
  assert.equal(openReader(folder), null);
  writeFileSync(join(folder, 'data.mdb'), '');
  assert.equal(openReader(folder), null);
  writeFileSync(join(folder, 'file'), '');
  assert.equal(openReader(join(folder, 'file')), null);
  assert.deepEqual(readdirSync(folder).sort(), ['data.mdb', 'file']);
});

test('a reader sees what is recorded and changes nothing', async (t) => {
  const folder = scratch(t);
  const store = openStore(folder);
  const cursor = { fingerprint: 'f', seen: 7, boot: 'b' };
  store.write({
    open: byId(planned('a')),
    closed: closing(ended('b')),
    cursors: new Map([['ping', cursor]]),
  });
  await store.close();
  const files = readdirSync(folder).sort();
  const bytes = readFileSync(join(folder, 'data.mdb'));
  const reader = readerIn(t, folder);
  assert.deepEqual(reader.openEntries(), [planned('a')]);
  assert.deepEqual([...reader.closed()], [ended('b')]);
  assert.deepEqual(reader.cursor('ping'), cursor);
  assert.deepEqual(reader.idsFrom('', 9), ['a', 'b']);
  await reader.close();
  assert.deepEqual(readdirSync(folder).sort(), files);
  assert.ok(readFileSync(join(folder, 'data.mdb')).equals(bytes));
});

test('a file that is no store, and one without its lock file, is an error, where lmdb-js would end the process or make one', async (t) => {
  const folder = scratch(t);
  await openStore(folder).close();
  rmSync(join(folder, 'lock.mdb'));
  assert.throws(() => openReader(folder), { code: 'FATAL', message: /lock\.mdb/ });
  assert.ok(!existsSync(join(folder, 'lock.mdb')));
  writeFileSync(join(folder, 'lock.mdb'), Buffer.alloc(16_384));
  writeFileSync(join(folder, 'data.mdb'), Buffer.alloc(65_536, 'garbage '));
  assert.throws(() => openReader(folder), { code: 'FATAL' });
});

test('a reader in another process sees every moment whole while thousands of entries are written and the file grows', async (t) => {
  const folder = scratch(t);
  await openStore(folder).close();
  const reader = readerIn(t, folder);
  const before = statSync(join(folder, 'data.mdb')).size;
  const writer = startProgram(
    t,
    folder,
    `const store = openStore(folder);
     const base = { task: 't', first: 0, count: 1, attempt: 1, absent: null, queuedAt: null, waited: null, startedAt: null,
       pid: null, retryAt: null, ending: null, earlier: [], skipped: null, results: [], resultCount: 0, stdoutBytes: 0,
       left: 0, kept: 'x'.repeat(2000) };
     const of = (n, phase, more) => ({ ...base, id: 'r' + String(n).padStart(6, '0'), due: n, first: n, plannedAt: n, phase, ...more });
     const ending = (n) => ({ attempt: 1, startedAt: n, endedAt: n, duration: 0, status: 'OK', code: 0, signal: null,
       endedBy: 'itself', reason: null });
     console.log('ready');
     for (let n = 0; n < 6000; n += 20) {
       const span = Array.from({ length: 20 }, (_, i) => n + i);
       store.write({ open: new Map(span.map((k) => [of(k).id, of(k, 'planned')])) });
       // All close at once, and the ones before are gone from the open ones in that very moment.
       store.write({ closed: new Map(span.map((k) => [of(k).id, { entry: of(k, 'ended', { ending: ending(k) }), output: null }])) });
     }
     await store.close();
     console.log('done');`,
  );
  await writer.line();
  let over = false;
  const done = writer.line().then((line) => {
    over = true;
    return line;
  });
  const seen = new Set<number>();
  while (!over) {
    // Everything within one turn is of one moment.
    const open = reader.openEntries();
    const newest: string[] = [];
    for (const { id } of reader.closed('t')) if (newest.push(id) === 60) break;
    const lastClosed = newest.length === 0 ? -1 : Number(newest[0]?.slice(1));
    seen.add(lastClosed);
    assert.ok(open.length === 0 || open.length === 20, `${open.length} of 20 are open`);
    for (const [i, entry] of open.entries()) {
      assert.equal(entry.due, lastClosed + 1 + i);
      assert.equal(entry.kept?.length, 2000);
      assert.equal(reader.covering('t', entry.due)?.id, entry.id);
    }
    assert.equal((lastClosed + 1) % 20, 0);
    for (const [i, id] of newest.entries()) assert.equal(Number(id.slice(1)), lastClosed - i);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await done, 'done');
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal([...reader.closed()].length, 6000);
  assert.equal([...reader.closed('t')].length, 6000);
  assert.ok(seen.size > 5, `only ${seen.size} moments were seen`);
  assert.ok(statSync(join(folder, 'data.mdb')).size > before + 10_000_000);
});

test('two writers take turns while the other makes the file grow, and lose nothing', async (t) => {
  const folder = scratch(t);
  const store = storeIn(t, folder);
  const other = startProgram(
    t,
    folder,
    `const store = openStore(folder);
     console.log('ready');
     for await (const chunk of process.stdin) {
       for (const line of String(chunk).trim().split('\\n')) {
         store.write({ states: new Map([['s' + line, { kind: 'text', value: line.padEnd(400_000, '.') }]]) });
         console.log(store.entry('r' + line)?.kept?.length);
       }
     }`,
  );
  await other.line();
  for (let n = 0; n < 40; n += 1) {
    store.write({ open: byId(planned(`r${n}`, { kept: 'x'.repeat(300_000) })) });
    other.child.stdin?.write(`${n}\n`);
    // Both write at the same time.
    store.write({ states: new Map([[`own${n}`, { kind: 'text', value: 'o'.repeat(50_000) }]]) });
    assert.equal(await other.line(), '300000');
    assert.equal(String(store.state(`s${n}`)?.value).trimEnd().length, 400_000);
  }
  for (let n = 0; n < 40; n += 1) {
    assert.equal(store.state(`s${n}`)?.value, String(n).padEnd(400_000, '.'));
    assert.equal(String(store.state(`own${n}`)?.value).length, 50_000);
    assert.equal(store.entry(`r${n}`)?.kept?.length, 300_000);
  }
  other.child.stdin?.end();
  assert.equal(await other.closed, 0);
});

test('a reader that was killed in the middle of reading does not make the store grow for ever', async (t) => {
  const folder = scratch(t);
  const store = storeIn(t, folder);
  store.keepHistory({ maxRuns: 1000, maxFailures: 1000, maxAge: null });
  store.write({ closed: closing(ended('a')) });
  const reader = startProgram(
    t,
    folder,
    `const reader = openReader(folder);
     reader.entry('a');
     // The read transaction of this turn is never given back.
     console.log('reads');
     for (;;) reader.entry('a');`,
  );
  await reader.line();
  const churn = (): number => {
    for (let n = 0; n < 30; n += 1) {
      store.write({ states: new Map([['big', { kind: 'text', value: String(n).padEnd(500_000, '.') }]]) });
    }
    return statSync(join(folder, 'data.mdb')).size;
  };
  reader.child.kill('SIGKILL');
  await reader.closed;
  store.sweep(0, 1);
  const first = churn();
  assert.equal(churn(), first);
});

test('who may not write the lock is not permitted to read', (t) => {
  const folder = scratch(t);
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const [setpriv = '', ...args] = nobody;
  if (process.geteuid?.() !== 0) return t.skip('only root can become another user');
  if (spawnSync(setpriv, [...args, 'test', '-r', fileURLToPath(STORE)]).status !== 0) {
    return t.skip('another user cannot read this checkout');
  }
  const store = join(folder, 'store');
  mkdirSync(store, { mode: 0o700 });
  const made = runProgram(store, `await openStore(folder).close();`);
  assert.equal(made.status, 0, made.stderr);
  const tried = (): string => {
    const body = `try { console.log(openReader(folder)?.openEntries()); } catch (error) { console.log(error.code, error.exitStatus, error.message); }`;
    return runProgram(store, body, nobody).stdout;
  };
  chmodSync(folder, 0o755);
  assert.match(tried(), /^NOT_PERMITTED 77 the state in .* is not yours to read/, 'the folder is closed');
  chmodSync(store, 0o755);
  assert.match(tried(), /^NOT_PERMITTED 77/, 'the files are closed');
  chmodSync(join(store, 'data.mdb'), 0o644);
  chmodSync(join(store, 'lock.mdb'), 0o644);
  assert.match(tried(), /^NOT_PERMITTED 77/, 'the lock is read-only');
  chmodSync(join(store, 'lock.mdb'), 0o666);
  assert.equal(tried(), '[]\n');
});
