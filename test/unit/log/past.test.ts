import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { headOf } from '../../../src/log/line.ts';
import { type Choice, pastRecords, type Unread } from '../../../src/log/past.ts';
import { makeRecord } from '../../../src/log/record.ts';
import { openPresent } from '../../../src/log/tail.ts';
import { textFormatter } from '../../../src/log/text.ts';
import { scratch } from './bench.ts';

const asOther = process.getuid?.() === 0 ? { skip: 'root can read whatever there is' } : {};
const START = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;
const format = textFormatter({ numbered: false });
/** Of the minute `n`, of the task `even` or `odd`. */
const line = (n: number): string =>
  format(
    makeRecord(
      { level: 'info', time: START + n * MINUTE, event: 'log', session: 'S' },
      { task: n % 2 === 0 ? 'even' : 'odd', msg: `n${n}` },
    ),
  );
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, n) => line(from + n)).join('');

/** A record a minute: 0 to 99 compressed, to 199 and 299 rotated (the second by logrotate), to 399 in the file. */
function logs(t: TestContext): string {
  const folder = scratch(t);
  const put = (name: string, content: string | Buffer, last: number): void => {
    writeFileSync(join(folder, name), content);
    const at = (START + last * MINUTE) / 1000;
    utimesSync(join(folder, name), at, at);
  };
  put('fate.20261122T134000.log.gz', gzipSync(lines(0, 100)), 99);
  put('fate.20261122T152000.log', lines(100, 200), 199);
  // Compressed, and not deleted yet.
  put('fate.20261122T152000.log.gz', gzipSync(lines(100, 200)), 199);
  put('fate.log.1', lines(200, 300), 299);
  put('fate.logger', lines(900, 910), 299);
  put('other.20261122T152000.log', lines(910, 920), 299);
  put('fate.log', `${lines(300, 400)}${line(400).slice(0, 30)}`, 399);
  return join(folder, 'fate.log');
}

const never: Unread = (path, error) => assert.fail(`${path}: ${error}`);

async function read(file: string, choice: Partial<Choice>, unread: Unread = never): Promise<string[]> {
  const present = await openPresent(file);
  const all = { wants: () => true, since: null, number: Number.POSITIVE_INFINITY, ...choice };
  const found: string[] = [];
  for await (const record of pastRecords(file, present, all, unread))
    found.push(/msg="(\w+)"/.exec(record)?.[1] ?? record);
  await present?.handle.close();
  return found;
}
const names = (from: number, to: number, step = 1): string[] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => `n${from + n * step}`);

test('all records are read through every rotated file, oldest first, none twice', async (t) => {
  assert.deepEqual(await read(logs(t), {}), names(0, 400));
});

test('the latest so many come from as many files as it takes', async (t) => {
  const file = logs(t);
  for (const number of [0, 1, 100, 101, 250, 399]) {
    assert.deepEqual(await read(file, { number }), names(400 - number, 400), `${number}`);
  }
  assert.deepEqual(await read(file, { number: 1000 }), names(0, 400));
});

test('the records of one task are counted, not those between them', async (t) => {
  const wants = (record: string): boolean => headOf(record)?.task === 'odd';
  assert.deepEqual(await read(logs(t), { number: 170, wants }), names(61, 400, 2));
});

test('since a time, with and without a number', async (t) => {
  const file = logs(t);
  assert.deepEqual(await read(file, { since: START + 150 * MINUTE }), names(150, 400));
  assert.deepEqual(await read(file, { since: START + 150 * MINUTE, number: 300 }), names(150, 400));
  assert.deepEqual(await read(file, { since: START + 150 * MINUTE, number: 7 }), names(393, 400));
  assert.deepEqual(await read(file, { since: START + 500 * MINUTE }), []);
});

test('where the file is not there, what was rotated is; where nothing is, nothing is read', async (t) => {
  const folder = scratch(t);
  writeFileSync(join(folder, 'fate.20261122T152000.log'), lines(0, 3));
  assert.deepEqual(await read(join(folder, 'fate.log'), { number: 2 }), names(1, 3));
  assert.deepEqual(await read(join(folder, 'other.log'), {}), []);
  assert.deepEqual(await read(join(folder, 'nowhere', 'other.log'), {}), []);
});

test('a rotated file that is none, or not whole, is told, and keeps nobody from the others nor from its front', async (t) => {
  const file = logs(t);
  const folder = dirname(file);
  const bad = join(folder, 'fate.20261122T134000.log.gz');
  const { atime, mtime } = statSync(bad);
  const told: string[] = [];
  const unread: Unread = (path) => told.push(basename(path));
  const put = (content: string | Buffer): void => {
    writeFileSync(bad, content);
    utimesSync(bad, atime, mtime);
  };
  put('no gzip at all\n');
  assert.deepEqual(await read(file, {}, unread), names(100, 400));
  assert.deepEqual(await read(file, { number: 350 }, unread), names(100, 400));
  assert.deepEqual(told, ['fate.20261122T134000.log.gz', 'fate.20261122T134000.log.gz']);
  const whole = gzipSync(lines(0, 100));
  put(whole.subarray(0, -8));
  assert.deepEqual(await read(file, {}, unread), names(0, 400));
  assert.deepEqual(await read(file, { number: 310 }, unread), names(90, 400));
  assert.equal(told.length, 4);
  // More than a stream holds at a time.
  const large = Array.from({ length: 20_000 }, (_, n) => `${randomUUID()} msg="n${n}"\n`).join('');
  const half = gzipSync(large);
  put(half.subarray(0, half.length / 2));
  const found = await read(file, {}, unread);
  const front = found.length - 300;
  assert.ok(front > 5_000, `${front} lines of 20000`);
  assert.deepEqual(found, [...names(0, front), ...names(100, 400)]);
  assert.equal(told.length, 5);
});

test('a rotated file that cannot be read at all is told', asOther, async (t) => {
  const file = logs(t);
  const bad = join(dirname(file), 'fate.log.1');
  rmSync(bad);
  mkdirSync(bad);
  // A folder of that name is no log; a link that leads nowhere is none either.
  assert.deepEqual(await read(file, {}), [...names(0, 200), ...names(300, 400)]);
  rmSync(bad, { recursive: true });
  writeFileSync(bad, lines(200, 300), { mode: 0 });
  utimesSync(bad, (START + 299 * MINUTE) / 1000, (START + 299 * MINUTE) / 1000);
  const told: string[] = [];
  assert.deepEqual(await read(file, {}, (path) => told.push(path)), [...names(0, 200), ...names(300, 400)]);
  assert.deepEqual(told, [bad]);
});
