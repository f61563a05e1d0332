import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { open } from 'lmdb';
import { FateError } from '../../../src/errors.ts';
import { openReader } from '../../../src/state/reader.ts';
import { openStore, type StoredState } from '../../../src/state/store.ts';
import { fill, runProgram, STORE, scratch, storeIn, tinyDisk } from './stores.ts';

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

test('a full disk makes the write fail with a sentence, keeps what was there, and works again when there is room', async (t) => {
  const disk = tinyDisk(t, 2 << 20);
  if ('reason' in disk) return t.skip(disk.reason);
  const folder = join(disk.folder, 'store');
  mkdirSync(folder);
  const store = storeIn(t, folder);
  store.write({ states: new Map([['kept', { kind: 'text', value: 'old' }]]) });
  fill(join(disk.folder, 'fill'));
  const big = { kind: 'text', value: 'x'.repeat(200_000) } as const;
  const states = new Map<string, StoredState>([
    ['kept', { kind: 'text', value: 'new' }],
    ['a', big],
    ['b', big],
  ]);
  const batch = { states };
  for (let i = 0; i < 3; i += 1) {
    assert.throws(
      () => store.write(batch),
      (error: Error) => {
        assert.match(error.message, /could not be written: .*\(the disk is full\)$/);
        return error.message.includes(folder);
      },
    );
    assert.equal(store.state('kept')?.value, 'old');
    assert.equal(store.state('a'), null);
  }
  rmSync(join(disk.folder, 'fill'));
  store.write(batch);
  assert.equal(store.state('kept')?.value, 'new');
  assert.equal(store.state('b')?.value, big.value);
  await store.close();
  assert.equal(storeIn(t, folder).state('b')?.value, big.value);
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
  assert.equal(meta.get('layout'), '2');
  root.transactionSync(() => void meta.put('layout', '3'));
  await root.close();
  const because = (end: string): { code: string; message: string } => ({
    code: 'FATAL',
    message:
      `the state in ${folder} was written by a newer version of Fate: layout 3, and this one knows 2; ` +
      `install ${end}, or move that folder away, and with it all that is remembered`,
  });
  assert.throws(() => openStore(folder), because('that version again'));
  assert.throws(() => openStore(folder, undefined, '2.0.0'), because('that version again (this is 2.0.0)'));
  assert.throws(() => openReader(folder, '2.0.0'), because('that version again (this is 2.0.0)'));
});

test('a store knows the version that has opened it last, for an older one to name it', async (t) => {
  const folder = scratch(t);
  await openStore(folder, undefined, '2.1.0-beta.1').close();
  await openStore(folder, undefined, '2.1.0').close();
  await openStore(folder).close();
  const root = open<string, string>({ path: folder, encoding: 'string', maxDbs: 32, overlappingSync: false });
  const meta = root.openDB<string, string>('meta', { encoding: 'string' });
  root.transactionSync(() => void meta.put('layout', '3'));
  await root.close();
  const refused = { code: 'FATAL', message: /; install Fate 2\.1\.0 again \(this is 2\.0\.0\), or move/ };
  assert.throws(() => openStore(folder, undefined, '2.0.0'), refused);
  assert.throws(() => openReader(folder, '2.0.0'), refused);
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
  if (process.geteuid?.() !== 0) {
    chmodSync(folder, 0o500);
    assert.throws(
      () => openStore(folder),
      (error) => error instanceof FateError && error.code === 'NOT_PERMITTED' && error.message.includes(folder),
    );
    return;
  }
  // A process of its own: root may everything, and Node refuses to change its user where io_uring may be in use.
  const program = `try { openStore(folder); } catch (error) { console.log(error.code, error.message.includes(folder)); }`;
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const [setpriv = '', ...args] = nobody;
  if (spawnSync(setpriv, [...args, 'test', '-r', fileURLToPath(STORE)]).status !== 0) {
    return t.skip('another user cannot read this checkout');
  }
  const { stdout, stderr } = runProgram(folder, program, nobody);
  assert.equal(stdout, 'NOT_PERMITTED true\n', stderr);
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

test('a store that was cut short is an error that says so, where LMDB would end the process', async (t) => {
  const folder = scratch(t);
  const store = openStore(folder);
  store.write({ states: new Map([['a', { kind: 'text', value: 'x'.repeat(100_000) }]]) });
  await store.close();
  const whole = readFileSync(join(folder, 'data.mdb'));
  for (const length of [100, 5_000, 8_192, 20_000, 80_000]) {
    writeFileSync(join(folder, 'data.mdb'), whole.subarray(0, length));
    assert.throws(() => openStore(folder), /data\.mdb is cut short/, `${length} bytes`);
    assert.throws(() => openReader(folder), /data\.mdb is cut short/, `${length} bytes`);
  }
  writeFileSync(join(folder, 'data.mdb'), whole);
  const again = openStore(folder);
  assert.equal(again.state('a')?.kind, 'text');
  await again.close();
});
