import assert from 'node:assert/strict';
import { execFileSync, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import koffi from 'koffi';
import { open } from 'lmdb';
import { FateError } from '../../../src/errors.ts';
import { openStore, type Store, type StoredState } from '../../../src/state/store.ts';

/** Of the compiled module, for programs of their own. */
const STORE = new URL('../../../src/state/store.js', import.meta.url).href;

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function storeIn(t: TestContext, folder: string): Store {
  const store = openStore(folder);
  t.after(() => store.close());
  return store;
}

/** A small file system of its own, or the reason why there is none. */
function tinyDisk(t: TestContext, bytes: number): { folder: string } | { reason: string } {
  if (process.getuid?.() !== 0) return { reason: 'only root can mount a small tmpfs' };
  const folder = mkdtempSync(join(tmpdir(), 'fate-store-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
  t.after(() => {
    if (mounted.status === 0) execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true });
  });
  if (mounted.status !== 0) return { reason: 'this machine lets nobody mount a tmpfs' };
  return { folder };
}

function fill(file: string): void {
  assert.throws(() => writeFileSync(file, Buffer.alloc(8 << 20)), { code: 'ENOSPC' });
}

/** Runs a program that has `store` and the folder as `folder`. */
function runProgram(folder: string, body: string): SpawnSyncReturns<string> {
  const text = `import { openStore } from '${STORE}';\nconst folder = process.argv[1];\n${body}`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', text, folder], { encoding: 'utf8' });
}

test('cursors, states and results come back as they went in', async (t) => {
  const folder = scratch(t);
  const store = storeIn(t, folder);
  assert.equal(store.cursor('ping'), null);
  assert.equal(store.state('ping'), null);
  assert.deepEqual(store.results('ping'), []);
  const cursor = { fingerprint: '0 0 * * * *', seen: 1_763_000_000_000 };
  const structure = { kind: 'structure', value: { 'ä"\\\n\0': [1, null, { b: 'x' }], __proto__: 3 } } as const;
  const results = [{ path: '/var/log/fate/result/a b', size: 12, at: 1 }];
  await store.write({
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
  await again.write({
    cursors: new Map([['ping', null]]),
    states: new Map([['ping', null]]),
    results: new Map([['ping', []]]),
  });
  assert.equal(again.cursors().size, 0);
  assert.equal(again.state('ping'), null);
  assert.deepEqual(again.results('ping'), []);
});

test('what was written can be read before the promise resolves', async (t) => {
  const store = storeIn(t, scratch(t));
  const written = store.write({ states: new Map([['a', { kind: 'text', value: 'new' }]]) });
  assert.equal(store.state('a')?.value, 'new');
  await written;
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

test('the files are 0600, whatever the umask, and whatever they were before', async (t) => {
  const folder = scratch(t);
  const old = process.umask(0);
  t.after(() => process.umask(old));
  await openStore(folder).close();
  const modes = (): string[] =>
    readdirSync(folder)
      .sort()
      .map((name) => `${name} ${(statSync(join(folder, name)).mode & 0o777).toString(8)}`);
  assert.deepEqual(modes(), ['data.mdb 600', 'lock.mdb 600']);
  chmodSync(join(folder, 'data.mdb'), 0o644);
  chmodSync(join(folder, 'lock.mdb'), 0o664);
  await openStore(folder).close();
  assert.deepEqual(modes(), ['data.mdb 600', 'lock.mdb 600']);
});

test('a batch that cannot be written leaves nothing of itself, and the store goes on', async (t) => {
  const folder = scratch(t);
  const store = storeIn(t, folder);
  const good: [string, StoredState][] = [['good', { kind: 'text', value: '1' }]];
  const named = (error: Error): boolean => error.message.includes(folder);
  await assert.rejects(store.write({ states: new Map([...good, ['bad', { kind: 'structure', value: 1n }]]) }), named);
  assert.equal(store.state('good'), null);
  // The first put of this transaction works, the second does not.
  const long = 'x'.repeat(3000);
  await assert.rejects(store.write({ states: new Map([...good, [long, { kind: 'text', value: '' }]]) }), named);
  assert.equal(store.state('good'), null);
  await store.write({ states: new Map(good) });
  assert.equal(store.state('good')?.value, '1');
});

test('a full disk rejects the write with a sentence, keeps what was there, and works again when there is room', async (t) => {
  const disk = tinyDisk(t, 2 << 20);
  if ('reason' in disk) return t.skip(disk.reason);
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));

  const folder = join(disk.folder, 'store');
  mkdirSync(folder);
  const store = storeIn(t, folder);
  await store.write({ states: new Map([['kept', { kind: 'text', value: 'old' }]]) });
  fill(join(disk.folder, 'fill'));
  const big = { kind: 'text', value: 'x'.repeat(200_000) } as const;
  const states = new Map<string, StoredState>([
    ['kept', { kind: 'text', value: 'new' }],
    ['a', big],
    ['b', big],
  ]);
  const batch = { states };
  for (let i = 0; i < 3; i += 1) {
    await assert.rejects(store.write(batch), (error: Error) => {
      assert.match(error.message, /could not be written: .*\(the disk is full\)$/);
      return error.message.includes(folder);
    });
    // Nobody waits for this one.
    store.write(batch);
    assert.equal(store.state('kept')?.value, 'old');
    assert.equal(store.state('a'), null);
  }
  rmSync(join(disk.folder, 'fill'));
  await store.write(batch);
  assert.equal(store.state('kept')?.value, 'new');
  assert.equal(store.state('b')?.value, big.value);
  await store.close();
  assert.equal(storeIn(t, folder).state('b')?.value, big.value);
  assert.deepEqual(unhandled, []);
});

test('on a full disk a store is not opened, and says why, where LMDB would end the process with SIGBUS', (t) => {
  const disk = tinyDisk(t, 1 << 20);
  if ('reason' in disk) return t.skip(disk.reason);
  const folder = join(disk.folder, 'store');
  mkdirSync(folder);
  fill(join(disk.folder, 'fill'));
  assert.equal(statfsSync(disk.folder).bavail, 0);
  const tried = runProgram(
    folder,
    `try { openStore(folder); } catch (error) { console.log(error.code, error.message); process.exit(3); }`,
  );
  assert.equal(tried.status, 3, tried.stderr);
  assert.match(tried.stdout, /^FATAL the state in .* could not be opened: .*\(the disk is full\)\n$/);
});

test('a store of a newer version is refused, and left as it is', async (t) => {
  const folder = scratch(t);
  await openStore(folder).close();
  const root = open<string, string>({ path: folder, encoding: 'string', maxDbs: 32, overlappingSync: false });
  const meta = root.openDB<string, string>('meta', { encoding: 'string' });
  assert.equal(meta.get('layout'), '1');
  root.transactionSync(() => void meta.put('layout', '2'));
  await root.close();
  const refused = (error: unknown): boolean =>
    error instanceof FateError && /newer version of Fate: layout 2, and this one knows 1/.test(error.message);
  assert.throws(() => openStore(folder), refused);
  assert.throws(() => openStore(folder), refused);
});

test('a file that is no store is an error that names the folder, where lmdb-js would end the process', (t) => {
  for (const garbage of [Buffer.alloc(65_536, 'garbage '), Buffer.from('x'), Buffer.alloc(8192)]) {
    const folder = scratch(t);
    writeFileSync(join(folder, 'data.mdb'), garbage);
    assert.throws(
      () => openStore(folder),
      (error) => error instanceof FateError && error.code === 'FATAL' && error.message.includes(folder),
    );
  }
});

test('a folder of somebody else is not permitted', (t) => {
  const folder = scratch(t);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) {
    process.seteuid?.(65_534);
    t.after(() => process.seteuid?.(0));
  } else chmodSync(folder, 0o500);
  assert.throws(
    () => openStore(folder),
    (error) => error instanceof FateError && error.code === 'NOT_PERMITTED' && error.message.includes(folder),
  );
  if (isRoot) process.seteuid?.(0);
});

test('it grows with what is put in', async (t) => {
  const folder = scratch(t);
  const store = storeIn(t, folder);
  const states = new Map(
    Array.from({ length: 24 }, (_, n) => [`t${n}`, { kind: 'text', value: `${n}`.padEnd(1 << 20, '.') } as const]),
  );
  for (const [name, state] of states) await store.write({ states: new Map([[name, state]]) });
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
         await store.write({ states: new Map([['seen', { kind: 'structure', value: size }]]) });
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
  await store.write({ states: new Map([['big', { kind: 'text', value: 'x'.repeat(5 << 20) }]]) });
  assert.equal(await ask(), 5 << 20);
});

test('task names of 128 bytes of any script are keys', async (t) => {
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
  await store.write({ cursors });
  assert.equal(store.cursors().size, names.length);
  for (const [name, cursor] of cursors) assert.deepEqual(store.cursor(name), cursor);
});

test('no child inherits the files of the store', (t) => {
  const folder = scratch(t);
  // fcntl(2): F_SETFD is 2, FD_CLOEXEC is 1.
  const fcntl = koffi.load(null).func('int fcntl(int fd, int command, ...)');
  const store = openStore(folder, (fd) => assert.equal(fcntl(fd, 2, 'int', 1), 0));
  t.after(() => store.close());
  const held = execFileSync('sh', ['-c', 'ls -l /proc/self/fd'], { encoding: 'utf8' });
  assert.ok(!held.includes(folder), held);
});

test('after close nothing is written, and closing twice is no harm', async (t) => {
  const store = storeIn(t, scratch(t));
  await store.close();
  await store.close();
  await assert.rejects(store.write({ cursors: new Map([['a', null]]) }), /closed/);
});

test('a value that was damaged counts as not there', async (t) => {
  const folder = scratch(t);
  await openStore(folder).close();
  const root = open<string, string>({ path: folder, encoding: 'string', maxDbs: 32, overlappingSync: false });
  const cursors = root.openDB<string, string>('cursors', { encoding: 'string' });
  root.transactionSync(() => void cursors.put('a', '{"fing'));
  await root.close();
  const store = storeIn(t, folder);
  assert.equal(store.cursor('a'), null);
  assert.equal(store.cursors().size, 0);
});
