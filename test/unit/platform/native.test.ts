import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { native, tryLock } from '../../../src/platform/native.ts';

const flagsOf = (fd: number): number =>
  Number.parseInt(/^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8);

test('pipe makes a real pipe whose both ends are closed on exec', () => {
  const { read, write } = native.pipe();
  try {
    assert.ok(fstatSync(read).isFIFO());
    assert.equal(flagsOf(read) & 0o2000000, 0o2000000);
    assert.equal(flagsOf(write) & 0o2000000, 0o2000000);
    writeSync(write, 'hello');
    const buffer = Buffer.alloc(16);
    assert.equal(buffer.toString('utf8', 0, readSync(read, buffer)), 'hello');
  } finally {
    closeSync(read);
    closeSync(write);
  }
});

test('bytesWaiting counts what waits in a pipe, and names the error for a closed descriptor', () => {
  const { read, write } = native.pipe();
  assert.equal(native.bytesWaiting(read), 0);
  writeSync(write, 'twelve bytes');
  assert.equal(native.bytesWaiting(read), 12);
  closeSync(read);
  closeSync(write);
  assert.throws(() => native.bytesWaiting(read), { code: 'EBADF', syscall: 'ioctl' });
});

test('enlargePipe makes room for a mebibyte, and a refusal is no error', () => {
  const { read, write } = native.pipe();
  try {
    native.enlargePipe(read, 1 << 20);
    const holds = writeSync(write, Buffer.alloc(1 << 20));
    assert.equal(holds, 1 << 20);
    native.enlargePipe(read, 2 ** 31 - 1);
    native.enlargePipe(-1, 1 << 20);
  } finally {
    closeSync(read);
    closeSync(write);
  }
});

test('memoryFile gives the content from its start, read-only, and also by name', () => {
  const fd = native.memoryFile('param', 'grüße\n');
  try {
    assert.equal(readFileSync(`/proc/self/fd/${fd}`, 'utf8'), 'grüße\n');
    const { stdout } = spawnSync('cat', { stdio: [fd, 'pipe', 'inherit'] });
    assert.equal(stdout.toString(), 'grüße\n');
    assert.throws(() => writeSync(fd, 'x'), { code: 'EBADF' });
    assert.equal(flagsOf(fd) & 0o2000000, 0o2000000);
    const { status, stderr } = spawnSync('sh', ['-c', 'echo x >>/dev/stdin'], { stdio: [fd, 'ignore', 'pipe'] });
    assert.notEqual(status, 0, stderr.toString());
    assert.equal(readFileSync(`/proc/self/fd/${fd}`, 'utf8'), 'grüße\n');
  } finally {
    closeSync(fd);
  }
});

test('memoryFile takes 100 MB of bytes', () => {
  const fd = native.memoryFile('param', Buffer.alloc(100_000_000, 7));
  try {
    assert.equal(fstatSync(fd).size, 100_000_000);
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, 99_999_999);
    assert.equal(byte[0], 7);
  } finally {
    closeSync(fd);
  }
});

test('a call that runs out of descriptors throws EMFILE and leaves none behind', () => {
  const program = `
    const { native } = await import(${JSON.stringify(new URL('../../../src/platform/native.js', import.meta.url).href)});
    const fs = await import('node:fs');
    native.bytesWaiting(native.pipe().read);
    const held = [];
    try { for (;;) held.push(fs.openSync('/dev/null')); } catch (error) {}
    const attempt = (call) => { try { call(); console.log('done'); } catch (error) { console.log(error.code, error.syscall); } };
    attempt(native.pipe);
    attempt(() => native.memoryFile('x', 'y'));
    fs.closeSync(held.pop());
    attempt(native.pipe);
    attempt(() => native.memoryFile('x', 'y'));
    attempt(() => native.memoryFile('x', 'y'));
    fs.closeSync(held.pop());
    attempt(() => native.memoryFile('x', 'y'));
  `;
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, program],
    { encoding: 'utf8' },
  );
  const expected = ['EMFILE pipe2', 'EMFILE memfd_create', 'EMFILE pipe2', 'EMFILE open', 'EMFILE open', 'done'];
  assert.deepEqual(stdout.trim().split('\n'), expected, stderr);
});

test('tryLock is exclusive among open files, and close gives it back', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fate-native-'));
  const file = join(folder, 'lock');
  const first = openSync(file, 'w');
  const second = openSync(file, 'r+');
  try {
    assert.equal(tryLock(first), true);
    assert.equal(tryLock(first), true);
    assert.equal(tryLock(second), false);
    closeSync(first);
    assert.equal(tryLock(second), true);
    assert.throws(() => tryLock(first), { code: 'EBADF', syscall: 'flock' });
  } finally {
    closeSync(second);
    rmSync(folder, { recursive: true });
  }
});

test('a lock is not inherited by what is spawned', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fate-native-'));
  const file = join(folder, 'lock');
  const first = openSync(file, 'w');
  try {
    assert.equal(tryLock(first), true);
    // flock(1) exits with 1 when the lock is held, and holds nothing itself when it ends.
    assert.equal(spawnSync('flock', ['-n', file, 'true']).status, 1);
    const left = spawnSync('sh', ['-c', 'sleep 30 >/dev/null 2>&1 & echo $!'], { encoding: 'utf8' });
    closeSync(first);
    assert.equal(spawnSync('flock', ['-n', file, 'true']).status, 0);
    process.kill(Number(left.stdout));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
