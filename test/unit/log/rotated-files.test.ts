import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { bench, fileTarget, messages, others, say, scratch, until } from './bench.ts';

test('only the newest rotated files are kept, and nothing of any other name is touched', async (t) => {
  const folder = scratch(t);
  const file = join(folder, 'fate.log');
  const mine = ['fate.log.1', 'fate.20200101T000000.txt', 'other.20200101T000000.log', 'fate.20200101T000000.log.bak'];
  for (const name of mine) writeFileSync(join(folder, name), 'mine');
  for (const [n, name] of ['fate.20250101T000000.log', 'fate.20250102T000000.log.gz'].entries()) {
    writeFileSync(join(folder, name), 'old\n');
    utimesSync(join(folder, name), n, n);
  }
  const rotation = { size: 300, interval: null, at: null };
  const { clock, open } = bench(t);
  const logger = await open(fileTarget(file, { rotation, retention: { count: 3, age: null } }));
  for (let i = 0; i < 20; i += 1) {
    say(logger, `${i}`);
    await until(() => existsSync(file) && messages(file).at(-1) === `${i}`);
    clock.pass(1000);
  }
  await until(() => others(folder).length === 3 + mine.length);
  assert.deepEqual(
    others(folder).filter((name) => !name.startsWith('fate.20261122')),
    mine.sort(),
  );
  await logger.close();
});

test('rotated files over the age are deleted', async (t) => {
  const folder = scratch(t);
  const file = join(folder, 'fate.log');
  const { clock, open } = bench(t);
  for (const [name, days] of [
    ['fate.20260101T000000.log', 8],
    ['fate.20260102T000000.log', 6],
  ] as const) {
    writeFileSync(join(folder, name), 'old\n');
    const written = clock.now() / 1000 - days * 86_400;
    utimesSync(join(folder, name), written, written);
  }
  const logger = await open(fileTarget(file, { retention: { count: null, age: 7 * 86_400_000 } }));
  say(logger, 'x');
  await until(() => others(folder).length === 1);
  assert.deepEqual(others(folder), ['fate.20260102T000000.log']);
});

test('rotated files are compressed, whole, with mode and time of the original, also those a crash left', async (t) => {
  const folder = scratch(t);
  const file = join(folder, 'fate.log');
  const left = join(folder, 'fate.20260101T000000.log');
  writeFileSync(left, 'left\n'.repeat(10_000), { mode: 0o600 });
  utimesSync(left, 1_700_000_000, 1_700_000_000);
  writeFileSync(join(folder, 'fate.20250101T000000.log.gz.part'), 'half');
  const rotation = { size: 200, interval: null, at: null };
  const { open } = bench(t);
  const logger = await open(fileTarget(file, { rotation, compression: 'gz' }));
  for (const msg of ['a', 'b', 'c', 'd', 'e', 'f']) say(logger, msg);
  await until(() => others(folder).length === 3 && others(folder).every((name) => name.endsWith('.log.gz')));
  await logger.close();
  assert.equal(gunzipSync(readFileSync(`${left}.gz`)).toString(), 'left\n'.repeat(10_000));
  assert.equal(statSync(`${left}.gz`).mode & 0o777, 0o600);
  assert.equal(statSync(`${left}.gz`).mtimeMs, 1_700_000_000_000);
  const now = others(folder).filter((name) => name.startsWith('fate.2026112'));
  assert.deepEqual([...now.flatMap((name) => messages(join(folder, name))), ...messages(file)].sort(), [
    ...['a', 'b', 'c', 'd', 'e', 'f'],
  ]);
});

const withStrace =
  spawnSync('strace', ['-qq', 'true']).status === 0 ? {} : { skip: 'there is no strace, or it may not trace here' };

test('the original goes only when the compressed file and its name are on the disk', withStrace, (t) => {
  const folder = scratch(t);
  const original = join(folder, 'fate.20260101T000000.log');
  writeFileSync(original, 'left\n', { mode: 0o440 });
  const trace = join(scratch(t), 'trace');
  const what = JSON.stringify({ retention: null, compression: 'gz' });
  const script = `import { tidyRotated } from ${JSON.stringify(new URL('../../../src/log/rotated-files.js', import.meta.url))};
    await tidyRotated(${JSON.stringify(join(folder, 'fate.log'))}, ${what}, 0, new AbortController().signal);`;
  const calls = 'trace=fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir';
  const options = ['-f', '-y', '-s', '4096', '-e', calls, '-o', trace];
  const done = spawnSync('strace', [...options, process.execPath, '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  assert.equal(done.status, 0, done.stderr);
  const told = readFileSync(trace, 'utf8').split('\n');
  const ours = told.filter((line) => line.includes(folder)).map((line) => line.replaceAll(folder, ''));
  const kinds = ours.map(
    (line) =>
      `${/\w+(?=\()/.exec(line)?.[0]?.replace(/at2?$/, '')} ${/[</"](?:\/?(fate[^>"]*))?/.exec(line.slice(line.indexOf('(')))?.[1] ?? ''}`,
  );
  const name = 'fate.20260101T000000.log';
  assert.deepEqual(
    kinds,
    [`fsync ${name}.gz.part`, `rename ${name}.gz.part`, 'fsync ', `unlink ${name}`],
    told.join('\n'),
  );
});
