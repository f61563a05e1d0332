import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger } from '../../../src/log/logger.ts';
import { bench, fileTarget, Hand, messages, PROGRAM, say, scratch } from './bench.ts';

test('a log file is made with its folders, 0640, and gets every record once it is closed', async (t) => {
  const old = process.umask(0o022);
  t.after(() => process.umask(old));
  const file = join(scratch(t), 'var/log/fate.log');
  const logger = await bench(t).open(fileTarget(file));
  for (let i = 0; i < 3000; i += 1) say(logger, `${i}`);
  await logger.close();
  assert.deepEqual(
    messages(file),
    Array.from({ length: 3000 }, (_, i) => `${i}`),
  );
  assert.equal(statSync(file).mode & 0o777, 0o640);
  say(logger, 'too late');
  await logger.close();
  assert.equal(messages(file).length, 3000);
});

test('what a file holds already stays', async (t) => {
  const file = join(scratch(t), 'fate.log');
  writeFileSync(file, 'before\n', { mode: 0o604 });
  const logger = await bench(t).open(fileTarget(file));
  say(logger, 'after');
  await logger.close();
  assert.match(readFileSync(file, 'utf8'), /^before\n.*msg="after"\n$/);
});

test('each target keeps the records of its level, in its format', async (t) => {
  const folder = scratch(t);
  const [all, few, json] = ['all', 'few', 'json'].map((name) => join(folder, name)) as [string, string, string];
  const logger = await bench(t).open(
    fileTarget(all, { level: 'debug' }),
    fileTarget(few, { level: 'error' }),
    fileTarget(json, { format: 'json', level: 'warning' }),
  );
  for (const level of ['debug', 'info', 'warning', 'error', 'critical'] as const) {
    assert.equal(logger.enabled(level), true);
    logger.log(level, 'log', { msg: level });
  }
  await logger.close();
  assert.deepEqual(messages(all), ['debug', 'info', 'warning', 'error', 'critical']);
  assert.deepEqual(messages(few), ['error', 'critical']);
  const lines = readFileSync(json, 'utf8').trim().split('\n');
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).msg),
    ['warning', 'error', 'critical'],
  );
});

test('a level that is given overrides that of every target', async (t) => {
  const folder = scratch(t);
  const targets = ['a', 'b'].map((name, n) =>
    fileTarget(join(folder, name), { level: n === 0 ? 'debug' : 'critical' }),
  );
  const common = { ...PROGRAM, targets, session: 'S', clock: new Hand(), env: {} };
  const logger = await createLogger({ ...common, level: 'warning' });
  assert.deepEqual([logger.enabled('info'), logger.enabled('warning')], [false, true]);
  logger.log('info', 'log', { msg: 'no' });
  logger.log('warning', 'log', { msg: 'yes' });
  await logger.close();
  for (const name of ['a', 'b']) assert.deepEqual(messages(join(folder, name)), ['yes']);
});

test('a log without targets keeps nothing and says nothing', async (t) => {
  const { open, complaints } = bench(t);
  const logger = await open();
  assert.equal(logger.enabled('critical'), false);
  say(logger, 'x');
  await logger.close();
  assert.equal(complaints(), '');
});
