/** TOML as a configuration may use it, and the places of its keys. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTomlFile } from '../../../src/conf/toml-file.ts';
import { makeFolder } from '../../fixtures/conf/folder.ts';

test('numbers, times and keys of TOML', async () => {
  const parsed = await parseTomlFile(
    'f',
    'a = 0x10\nb = 1_000\nc = 9223372036854775807\nd = 1e3\ne = 2026-01-02\nf = 2026-01-02T03:04:05Z\n',
  );
  assert.ok(parsed.ok);
  assert.deepEqual(
    { ...(parsed.document.value as object) },
    {
      a: 16,
      b: 1000,
      c: 9223372036854775807n,
      d: 1000,
      e: '2026-01-02',
      f: new Date('2026-01-02T03:04:05Z'),
    },
  );
});

test('one number that is too large spoils its task alone', async (t) => {
  const folder = makeFolder(t, {
    'tasks.toml':
      '[a]\nschedule = "@daily"\nparam.id = 9223372036854775807\n[b]\nschedule = "@daily"\ntimeout = 9223372036854775807\n[c]\nschedule = "@daily"\n',
  });
  const { tasks, invalid } = await folder.load();
  assert.deepEqual([tasks.length, invalid.length], [1, 2]);
});

test('every way to write a key has its place', async () => {
  const text = [
    'top.dotted = 1', // 1
    '[a]', // 2
    'b.c = [1,', // 3
    '  {x = 2}]', // 4
    '[a."d e"]', // 5
    'f = { g = { h = 3 } }', // 6
    '[[list]]', // 7
    'x = 1', // 8
    '[[list]]', // 9
    'y = 1', // 10
    '[list.z]', // 11
    'w = 2', // 12
  ].join('\n');
  const parsed = await parseTomlFile('f', text);
  assert.ok(parsed.ok);
  const locate = await parsed.document.locator();
  const at = (path: (string | number)[], what: 'key' | 'value' = 'value'): string => {
    const position = locate(path, what);
    return `${position?.line}:${position?.column}`;
  };
  assert.deepEqual(
    [at(['top']), at(['top', 'dotted'], 'key'), at(['top', 'dotted']), at(['a'], 'key'), at(['a', 'b', 'c'])],
    ['1:1', '1:5', '1:14', '2:2', '3:7'],
  );
  assert.deepEqual([at(['a', 'b', 'c', 1, 'x']), at(['a', 'd e'], 'key')], ['4:8', '5:4']);
  assert.deepEqual([at(['a', 'd e', 'f', 'g', 'h']), at(['list', 1, 'y'], 'key')], ['6:17', '10:1']);
  assert.deepEqual([at(['list', 0, 'x']), at(['list', 1, 'z', 'w'])], ['8:5', '12:5']);
  // What is missing is placed at the nearest thing around it.
  assert.deepEqual(
    [at(['a', 'schedule']), at(['a', 'b', 'q']), at(['nothing'])],
    ['2:2', '3:1', 'undefined:undefined'],
  );
});

test('tasks whose names look like numbers keep their place', async (t) => {
  const folder = makeFolder(t, {
    'tasks.toml': `b.schedule = "@daily"\n${['2', 'a', '1', '"3"'].map((n) => `[${n}]\nschedule = "@daily"\n`).join('')}`,
  });
  const { tasks } = await folder.load();
  assert.deepEqual(
    tasks.map((task) => task.name),
    ['b', '2', 'a', '1', '3'],
  );
});

test('TOML 1.1 is understood, with its places', async (t) => {
  const folder = makeFolder(t, {
    'tasks.toml': '[a]\nschedule = {\n  expression = "@daily", # why\n  misssed = "skip",\n}\ndescription = "\\e"\n',
  });
  const { problems } = await folder.load();
  assert.deepEqual(folder.texts(problems), [
    'tasks.toml:4:3: a.schedule.misssed: expected expression, hash, timezone, missed or missed_within, found the key "misssed"; did you mean missed?',
  ]);
});

test('nesting that would overflow the stack is refused', async () => {
  const parsed = await parseTomlFile('f', `a = ${'['.repeat(20_000)}${']'.repeat(20_000)}`);
  assert.ok(!parsed.ok);
});
