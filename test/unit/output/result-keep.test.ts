import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pruneResults } from '../../../src/output/result.ts';
import type { Keep } from '../../../src/types.ts';
import { filesIn, makeFolder } from './support.ts';

const NOW = 1_000_000;
const keep = (limits: Partial<Keep>): Keep => ({ count: null, age: null, size: null, ...limits });

/** Results `a`, `b` …, of 10 bytes each, a second apart, the last one now. */
function make(folder: string, n: number) {
  return Array.from({ length: n }, (_, i) => {
    const path = join(folder, String.fromCharCode(97 + i));
    writeFileSync(path, 'x'.repeat(10));
    return { path, size: 10, at: NOW - (n - 1 - i) * 1000 };
  });
}

test('without limits all are kept', async (t) => {
  const known = make(makeFolder(t), 3);
  assert.deepEqual(await pruneResults(known, keep({}), NOW), { left: known, problems: [] });
});

test('the oldest beyond count, age or size are deleted', async (t) => {
  const table: readonly [Partial<Keep>, string[]][] = [
    [{ count: 2 }, ['d', 'e']],
    [{ count: 9 }, ['a', 'b', 'c', 'd', 'e']],
    [{ age: 2000 }, ['c', 'd', 'e']],
    [{ age: 0 }, ['e']],
    [{ size: 30 }, ['c', 'd', 'e']],
    [{ size: 29 }, ['d', 'e']],
    [{ count: 4, age: 3000, size: 20 }, ['d', 'e']],
    [{ count: 1, age: 3000, size: 20 }, ['e']],
  ];
  for (const [limits, files] of table) {
    const folder = makeFolder(t);
    const { left, problems } = await pruneResults(make(folder, 5), keep(limits), NOW);
    assert.deepEqual(filesIn(folder), files, JSON.stringify(limits));
    assert.deepEqual(
      left.map(({ path }) => path),
      files.map((name) => join(folder, name)),
    );
    assert.deepEqual(problems, []);
  }
});

test('the youngest is not deleted for its size', async (t) => {
  const folder = makeFolder(t);
  const { left } = await pruneResults(make(folder, 2), keep({ size: 1 }), NOW);
  assert.deepEqual([filesIn(folder), left.length], [['b'], 1]);
});

test('only what Fate recorded is deleted', async (t) => {
  const folder = makeFolder(t);
  const known = make(folder, 5);
  writeFileSync(join(folder, 'stranger'), '');
  const [a, b, c] = known.map(({ path }) => path) as [string, string, string, string, string];
  writeFileSync(a, 'written by another');
  unlinkSync(b);
  mkdirSync(b);
  unlinkSync(c);
  symlinkSync(join(folder, 'stranger'), c);
  const { left, problems } = await pruneResults(known, keep({ count: 1 }), NOW);
  assert.deepEqual(filesIn(folder), ['a', 'c', 'e', 'stranger']);
  assert.deepEqual([left.map(({ path }) => path), problems], [[join(folder, 'e')], []]);
});

test('what is gone already is forgotten', async (t) => {
  const folder = makeFolder(t);
  const known = make(folder, 3);
  unlinkSync(join(folder, 'a'));
  assert.deepEqual(await pruneResults(known, keep({ count: 2 }), NOW), { left: known.slice(1), problems: [] });
});

test('a path that was recorded again belongs to the younger result', async (t) => {
  const folder = makeFolder(t);
  const [old] = make(folder, 1);
  assert.ok(old);
  const known = [
    { ...old, at: 1 },
    { ...old, at: 2 },
    { ...old, at: NOW },
  ];
  assert.deepEqual(await pruneResults(known, keep({ count: 1 }), NOW), { left: [known[2]], problems: [] });
  assert.deepEqual(filesIn(folder), ['a']);
});

test('what cannot be deleted is a problem, and still known', async () => {
  // Nobody can delete this one.
  const known = [
    { path: '/proc/version', size: 0, at: 1 },
    { path: '/proc/uptime', size: 0, at: NOW },
  ];
  const { left, problems } = await pruneResults(known, keep({ count: 1 }), NOW);
  assert.deepEqual(left, known);
  assert.match(problems.join(), /^the old result \/proc\/version could not be deleted: /);
});
