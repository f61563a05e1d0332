import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { followLines, openPresent, watchFolder } from '../../../src/log/tail.ts';
import { bench, fileTarget, say, scratch, until } from './bench.ts';

interface Followed {
  readonly lines: string[];
  stop(): Promise<void>;
}

async function follow(t: TestContext, file: string): Promise<Followed> {
  const watching = watchFolder(file);
  const present = await openPresent(file);
  const lines: string[] = [];
  const ended = (async () => {
    for await (const line of followLines(file, present, watching, (path) => lines.push(`unread ${path}`))) {
      lines.push(/msg="([^"]*)"/.exec(line)?.[1] ?? line);
    }
  })();
  const stop = (): Promise<void> => {
    watching.close();
    return ended;
  };
  t.after(stop);
  return { lines, stop };
}

test('what is written from now on is told, line by line, without what was there', { timeout: 20_000 }, async (t) => {
  const file = join(scratch(t), 'fate.log');
  writeFileSync(file, 'old\nbe');
  const { lines, stop } = await follow(t, file);
  appendFileSync(file, 'gun\nnext\n');
  await until(() => lines.length === 2);
  appendFileSync(file, 'last\n');
  await until(() => lines.length === 3);
  assert.deepEqual(lines, ['begun', 'next', 'last']);
  await stop();
});

test('a file that is not there yet is told from its beginning', { timeout: 20_000 }, async (t) => {
  const file = join(scratch(t), 'fate.log');
  const { lines } = await follow(t, file);
  writeFileSync(file, 'first\n');
  await until(() => lines.length === 1);
  assert.deepEqual(lines, ['first']);
});

test('a folder that is not there yet is waited for, through all that are above it', { timeout: 20_000 }, async (t) => {
  const above = scratch(t);
  const file = join(above, 'a', 'b', 'c', 'fate.log');
  const { lines, stop } = await follow(t, file);
  writeFileSync(join(above, 'fate.log'), 'other\n');
  mkdirSync(join(above, 'a'));
  mkdirSync(join(above, 'a', 'b', 'c'), { recursive: true });
  writeFileSync(file, 'first\n');
  await until(() => lines.length === 1);
  appendFileSync(file, 'second\n');
  await until(() => lines.length === 2);
  assert.deepEqual(lines, ['first', 'second']);
  await stop();
});

for (const compression of [null, 'gz'] as const) {
  const how = compression === null ? '' : ', also where the rotated ones are compressed';
  test(`no line is lost or told twice through many rotations${how}`, { timeout: 60_000 }, async (t) => {
    const file = join(scratch(t), 'fate.log');
    const rotation = { size: 2000, interval: null, at: null };
    const { clock, open } = bench(t);
    const logger = await open(fileTarget(file, { rotation, compression }));
    const { lines } = await follow(t, file);
    const wanted = Array.from({ length: 300 }, (_, n) => `${n}`);
    for (const n of wanted) {
      say(logger, n);
      clock.pass(100);
      if (Number(n) % 10 === 0) await until(() => lines.length > Number(n) - 40);
    }
    await until(() => lines.length >= wanted.length);
    await logger.close();
    assert.deepEqual(lines, wanted);
  });
}

test('a file that logrotate moved away, or emptied, is followed on', { timeout: 20_000 }, async (t) => {
  const file = join(scratch(t), 'fate.log');
  writeFileSync(file, '');
  const { lines } = await follow(t, file);
  appendFileSync(file, 'one\n');
  renameSync(file, `${file}.1`);
  appendFileSync(`${file}.1`, 'two\n');
  await until(() => lines.length === 2);
  writeFileSync(file, 'three\n');
  await until(() => lines.length === 3);
  truncateSync(file);
  appendFileSync(file, '4\n');
  await until(() => lines.length === 4);
  assert.deepEqual(lines, ['one', 'two', 'three', '4']);
});
