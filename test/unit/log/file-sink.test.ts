import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bench, fileTarget, messages, others, say, scratch, until } from './bench.ts';

test('by size: no file grows beyond it, no record is torn or lost, and the names are in order', async (t) => {
  const folder = scratch(t);
  const file = join(folder, 'fate.log');
  const logger = await bench(t).open(fileTarget(file, { rotation: { size: 2000, interval: null, at: null } }));
  for (let i = 0; i < 200; i += 1) say(logger, `${i}`);
  say(logger, 'x'.repeat(3000));
  say(logger, 'end');
  await logger.close();
  // All within one second by the hand of this clock: numbered from the second on.
  const number = (name: string): number => Number(/-(\d+)\.log$/.exec(name)?.[1] ?? 0);
  const names = others(folder).sort((a, b) => number(a) - number(b));
  assert.ok(names.length > 8);
  const found = [...names, 'fate.log'].map((name) => messages(join(folder, name)));
  assert.deepEqual(found.flat(), [...Array.from({ length: 200 }, (_, i) => `${i}`), 'x'.repeat(3000), 'end']);
  for (const name of names.slice(0, -1)) assert.ok(statSync(join(folder, name)).size <= 2000);
  assert.equal(names.length, new Set(names).size);
});

test('by time of day and interval: the first record after it goes into a new file', async (t) => {
  const folder = scratch(t);
  const file = join(folder, 'fate.log');
  const { clock, open } = bench(t);
  const logger = await open(fileTarget(file, { rotation: { size: null, interval: null, at: 13 * 60 } }));
  say(logger, 'noon');
  await until(() => existsSync(file) && messages(file).length === 1);
  clock.pass(3_599_000);
  say(logger, 'before one');
  await until(() => messages(file).length === 2);
  clock.pass(1000);
  say(logger, 'one');
  await until(() => others(folder).length === 1 && existsSync(file) && messages(file).length === 1);
  assert.deepEqual(messages(join(folder, others(folder)[0] ?? '')), ['noon', 'before one']);
  assert.match(others(folder)[0] ?? '', /^fate\.20261122T130000\.log$/);
  clock.pass(3 * 86_400_000);
  say(logger, 'days later');
  await logger.close();
  assert.deepEqual(messages(file), ['days later']);
  assert.equal(others(folder).length, 2);
});

test('a file that was last written before the time is rotated by the first record after a start', async (t) => {
  const folder = scratch(t);
  const file = join(folder, 'fate.log');
  writeFileSync(file, 'yesterday\n');
  const { clock, open } = bench(t);
  const yesterday = clock.now() / 1000 - 86_400;
  utimesSync(file, yesterday, yesterday);
  const logger = await open(fileTarget(file, { rotation: { size: null, interval: 86_400_000, at: null } }));
  say(logger, 'today');
  await logger.close();
  assert.deepEqual(messages(file), ['today']);
  assert.equal(readFileSync(join(folder, others(folder)[0] ?? ''), 'utf8'), 'yesterday\n');
});

test('an empty file is not rotated, and its time begins with its first record', async (t) => {
  const folder = scratch(t);
  const file = join(folder, 'fate.log');
  writeFileSync(file, '');
  const { clock, open } = bench(t);
  utimesSync(file, 0, 0);
  const logger = await open(fileTarget(file, { rotation: { size: null, interval: 3_600_000, at: null } }));
  for (const msg of ['a', 'b']) {
    say(logger, msg);
    await until(() => messages(file).at(-1) === msg);
    clock.pass(10);
  }
  assert.deepEqual(others(folder), []);
});

test('a file that logrotate emptied (copytruncate) is not rotated for what it once held', async (t) => {
  const folder = scratch(t);
  const file = join(folder, 'fate.log');
  const logger = await bench(t).open(fileTarget(file, { rotation: { size: 1000, interval: null, at: null } }));
  say(logger, 'x'.repeat(800));
  await until(() => existsSync(file) && messages(file).length === 1);
  truncateSync(file);
  say(logger, 'y'.repeat(800));
  await logger.close();
  assert.deepEqual(others(folder), []);
  assert.deepEqual(messages(file), ['y'.repeat(800)]);
});

test('a log that is opened again after the file was moved away writes a new one', async (t) => {
  const folder = scratch(t);
  const file = join(folder, 'fate.log');
  const { open } = bench(t);
  const first = await open(fileTarget(file));
  say(first, 'old');
  await first.close();
  renameSync(file, `${file}.1`);
  const second = await open(fileTarget(file));
  say(second, 'new');
  await second.close();
  assert.deepEqual([messages(`${file}.1`), messages(file)], [['old'], ['new']]);
});

test('a file that cannot be written is told once, and gets its records when it can be', async (t) => {
  const folder = join(scratch(t), 'log');
  writeFileSync(folder, 'in the way');
  const { clock, open, complaints } = bench(t);
  const file = join(folder, 'fate.log');
  const logger = await open(fileTarget(file));
  say(logger, 'first');
  await until(() => complaints() !== '');
  say(logger, 'second');
  for (let i = 0; i < 4; i += 1) {
    clock.pass(60_000);
    await new Promise(setImmediate);
  }
  assert.match(complaints(), /^<4> [^\n]*msg="the log [^\n]*fate\.log cannot be written: ENOTDIR[^\n]*\n$/);
  rmSync(folder);
  await until(() => {
    clock.pass(30_000);
    return existsSync(file) && messages(file).length === 3;
  });
  assert.deepEqual(messages(file), ['first', 'second', `the log ${file} can be written again`]);
  assert.equal(complaints().trim().split('\n').length, 2);
  await logger.close();
});

test('a folder without permission, and a device that is full, are told and end nothing', async (t) => {
  const folder = scratch(t);
  const { open, complaints } = bench(t);
  const targets = [fileTarget('/dev/full'), fileTarget(folder)];
  if (process.geteuid?.() !== 0) {
    mkdirSync(join(folder, 'closed'));
    chmodSync(join(folder, 'closed'), 0o500);
    targets.push(fileTarget(join(folder, 'closed/fate.log')));
  }
  const logger = await open(...targets);
  say(logger, 'x');
  await until(() => complaints().trim().split('\n').length === targets.length);
  assert.match(complaints(), /dev\/full cannot be written: ENOSPC/);
  assert.match(complaints(), /cannot be written: EISDIR/);
  if (targets.length > 2) assert.match(complaints(), /cannot be written: EACCES/);
  await logger.close();
});

test('a FIFO as a log file is refused, and holds up nothing', async (t) => {
  const folder = scratch(t);
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const { open, complaints } = bench(t);
  const logger = await open(fileTarget(fifo));
  say(logger, 'x');
  await until(() => complaints() !== '');
  assert.match(complaints(), /cannot be written: ENXIO/);
  await logger.close();
});

test('a full disk tears no line, loses nothing that fits the memory, and is over when there is room', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root can mount a small tmpfs');
  const folder = mkdtempSync(join(tmpdir(), 'fate-log-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder]).status === 0;
  t.after(() => {
    if (mounted) execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true });
  });
  if (!mounted) return t.skip('this machine lets nobody mount a tmpfs');
  const { clock, open, complaints } = bench(t);
  const file = join(folder, 'fate.log');
  writeFileSync(join(folder, 'fill'), Buffer.alloc(200 * 1024));
  const logger = await open(fileTarget(file));
  const said = Array.from({ length: 700 }, (_, i) => `${i}`);
  for (const msg of said) say(logger, msg);
  await until(() => complaints() !== '');
  assert.match(complaints(), /cannot be written: ENOSPC/);
  // In the middle of a line.
  assert.ok(!readFileSync(file, 'utf8').endsWith('\n'));
  rmSync(join(folder, 'fill'));
  clock.pass(1000);
  await until(() => messages(file).length === said.length + 1);
  assert.deepEqual(messages(file), [...said, `the log ${file} can be written again`]);
  await logger.close();
});

test('what is too much for the memory while a file cannot be written is dropped, and counted', async (t) => {
  const folder = join(scratch(t), 'log');
  writeFileSync(folder, 'in the way');
  const { clock, open } = bench(t);
  const file = join(folder, 'fate.log');
  const logger = await open(fileTarget(file));
  const large = 'x'.repeat(1 << 20);
  for (let i = 0; i < 40; i += 1) say(logger, large);
  rmSync(folder);
  await until(() => {
    clock.pass(30_000);
    return existsSync(file) && statSync(file).size > 15e6 && readFileSync(file).subarray(-40).includes('lost');
  });
  const kept = messages(file).filter((msg) => msg === large).length;
  assert.ok(kept >= 15 && kept <= 17, `${kept}`);
  assert.equal(messages(file).at(-1), `the log ${file} can be written again; records lost: ${40 - kept}`);
  await logger.close();
});

test('where rotating fails, the records go on into the old file', async (t) => {
  if (process.geteuid?.() === 0 && spawnSync('chattr', ['-V']).error) return t.skip('root needs chattr for this');
  const folder = scratch(t);
  const file = join(folder, 'fate.log');
  appendFileSync(file, '');
  const close = (): boolean => {
    if (process.geteuid?.() === 0) return spawnSync('chattr', ['+a', folder]).status === 0;
    chmodSync(folder, 0o500);
    return true;
  };
  const reopen = (): void => {
    if (!existsSync(folder)) return;
    if (process.geteuid?.() === 0) spawnSync('chattr', ['-a', folder]);
    else chmodSync(folder, 0o700);
  };
  if (!close()) return t.skip('this file system has no append-only folders');
  t.after(reopen);
  const { open, complaints } = bench(t);
  const logger = await open(fileTarget(file, { rotation: { size: 300, interval: null, at: null } }));
  for (let i = 0; i < 10; i += 1) say(logger, `${i}`);
  await logger.close();
  reopen();
  assert.deepEqual(
    messages(file),
    Array.from({ length: 10 }, (_, i) => `${i}`),
  );
  assert.deepEqual(others(folder), []);
  assert.match(complaints(), /^<3> [^\n]*fate\.log cannot be rotated: [^\n]*\n$/);
});
