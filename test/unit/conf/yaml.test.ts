/** YAML as a configuration may use it: merge keys, aliases, sane cost, and positions through all of them (SPEC 3). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYamlFile } from '../../../src/conf/yaml-file.ts';
import { makeFolder } from '../../fixtures/conf/folder.ts';

function value(text: string): unknown {
  const parsed = parseYamlFile('f', text);
  if (!parsed.ok) throw new Error(parsed.faults.map(({ message }) => message).join('; '));
  return JSON.parse(JSON.stringify(parsed.document.value));
}

const fault = (text: string): string => {
  const parsed = parseYamlFile('f', text);
  return parsed.ok
    ? 'none'
    : parsed.faults.map((f) => `${f.position?.line}:${f.position?.column} ${f.message}`).join('; ');
};

test('merge keys: own keys win, then the earlier mapping', () => {
  assert.deepEqual(value('a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 0}\n'), {
    a: { x: 1, y: 1 },
    b: { y: 2, z: 2 },
    c: { x: 0, y: 1, z: 2 },
  });
  assert.deepEqual(value('a: {z: 1, <<: {x: 1, z: 2}, <<: {x: 3, w: 4}}\n'), { a: { z: 1, x: 1, w: 4 } });
  assert.deepEqual(value('a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n'), {
    a: { x: 1 },
    b: { x: 1, y: 2 },
    c: { x: 1, y: 2 },
  });
  assert.deepEqual(value('a: {"<<": 5}\n'), { a: { '<<': 5 } }, 'in quotes it is a key like any other');
});

test('an alias stands for the latest anchor of its name before it', () => {
  assert.deepEqual(value('a: &n 1\nb: *n\nc: &n [2]\nd: *n\n'), { a: 1, b: 1, c: [2], d: [2] });
  assert.equal(
    fault('a: *n\nb: &n 1\n'),
    '1:4 expected an anchor &n before this alias, found none; a value that starts with * must be in quotes',
  );
});

test('every error of aliases and keys is told at once', () => {
  assert.equal(
    fault('a: *x\nb: 1\nb: 2\nc: {<<: 5}\n').replaceAll(/; a value[^;]*/g, ''),
    [
      '1:4 expected an anchor &x before this alias, found none',
      '3:1 expected every key once in a mapping, found "b" again',
      '4:9 expected a mapping to merge, found something else',
    ].join('; '),
  );
});

test('keys are names as they are written', () => {
  assert.deepEqual(value('1: a\n0x10: b\ntrue: c\n~: d\n1.50: e\n"q": f\nno: g\n'), {
    '1': 'a',
    '0x10': 'b',
    true: 'c',
    '~': 'd',
    '1.50': 'e',
    q: 'f',
    no: 'g',
  });
  assert.equal(fault('1: a\n"1": b\n'), '2:1 expected every key once in a mapping, found "1" again');
});

test('YAML 1.2: no, on and off are texts, and so are times', () => {
  assert.deepEqual(value('a: [no, on, off, yes, 2026-01-02, 12:30:00, 0o17, .5, ~]\n'), {
    a: ['no', 'on', 'off', 'yes', '2026-01-02', '12:30:00', 15, 0.5, null],
  });
});

test('a whole task may be an alias, and problems are placed where it is written', async (t) => {
  const folder = makeFolder(t, {
    'tasks.yaml': 'a: &a\n  schedule: "@daily"\n  timeout: 5\nb: *a\nc:\n  <<: *a\n  timeout: 6\n',
  });
  const { tasks } = await folder.load();
  assert.deepEqual(
    tasks.map((task) => [task.name, task.timeout]),
    [
      ['a', 5000],
      ['b', 5000],
      ['c', 6000],
    ],
  );
});

test('tasks whose names look like numbers keep their place', async (t) => {
  const folder = makeFolder(t, {
    'tasks.yaml': ['b', '2', 'a', '1'].map((n) => `${n}: {schedule: "@daily"}\n`).join(''),
  });
  const { tasks } = await folder.load();
  assert.deepEqual(
    tasks.map((task) => task.name),
    ['b', '2', 'a', '1'],
  );
});

const laughs = (levels: number, width: number): string =>
  Array.from(
    { length: levels },
    (_, i) =>
      `x-${i}: &n${i} [${Array(width)
        .fill(i === 0 ? 'lol' : `*n${i - 1}`)
        .join(', ')}]\n`,
  ).join('');

test('a billion laughs that nothing uses costs nothing', async (t) => {
  const folder = makeFolder(t, { 'tasks.yaml': `${laughs(30, 10)}a: {schedule: "@daily"}\n` });
  const started = process.hrtime.bigint();
  assert.equal((await folder.load()).tasks.length, 1);
  assert.ok(Number(process.hrtime.bigint() - started) < 5e9);
});

test('a billion laughs as parameters, items or a mapping ends in an error', async (t) => {
  for (const use of [
    'param: *n29',
    'exec: *n29',
    'success_exit: *n29',
    'format: {result: *n29}',
    'description: *n29',
  ]) {
    const folder = makeFolder(t, {
      'tasks.yaml': `${laughs(30, 10)}a: {schedule: "@daily", ${use}}\nb: {schedule: "@daily"}\n`,
    });
    const { tasks, invalid } = await folder.load();
    assert.deepEqual([tasks.length, invalid.length], [1, 1], use);
  }
});

test('parameters that many tasks share are written once', async (t) => {
  const big = `x-p: &p [${Array(20_000).fill('lol').join(', ')}]\n`;
  const tasks = Array.from({ length: 2000 }, (_, i) => `t${i}: {schedule: "@daily", param: *p}\n`).join('');
  const configuration = await makeFolder(t, { 'tasks.yaml': big + tasks }).load();
  assert.equal(configuration.tasks.length, 2000);
  assert.equal(configuration.tasks[1999]?.param.length, 120_001);
});

test('merges of merges cannot grow without bound', () => {
  const wide = `m0: &m0 {${Array.from({ length: 1000 }, (_, i) => `k${i}: 1`).join(', ')}}\n`;
  const merges = Array.from(
    { length: 100 },
    (_, i) => `m${i + 1}: &m${i + 1} {<<: [${Array(100).fill(`*m${i}`).join(', ')}]}\n`,
  );
  assert.match(fault(wide + merges.join('')), /^\d+:\d+ expected fewer merged keys, found more than 1000000$/);
});

test('a mapping of ten thousand keys is read in no time', () => {
  const text = Array.from({ length: 20_000 }, (_, i) => `k${i}: v\n`).join('');
  const started = process.cpuUsage();
  assert.equal(Object.keys(value(text) as object).length, 20_000);
  assert.ok(process.cpuUsage(started).user < 5e6);
});

test('nesting that would end the process is refused', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{a: ', '}'],
    ['- ', ''],
    ['? ', ''],
  ] as const) {
    const text = open.repeat(50_000) + close.repeat(50_000);
    assert.match(
      fault(`a: ${text}`.replace('a: - ', '- ').replace('a: ? ', '? ')),
      /expected at most 500 levels, found more/,
    );
  }
});

test('a tag that nobody knows is a warning with its line', async (t) => {
  const folder = makeFolder(t, {
    'tasks.yaml': 'a:\n  schedule: "@daily"\n  param: {x: !vault y, t: !!timestamp 2026-01-02}\n',
  });
  const { tasks, problems } = await folder.load();
  assert.equal(tasks[0]?.param, '{"x":"y","t":"2026-01-02"}');
  assert.deepEqual(folder.texts(problems), [
    'tasks.yaml:3:14: the tag !vault is not known and changes nothing',
    'tasks.yaml:3:27: the tag !!timestamp is not known and changes nothing',
  ]);
  assert.ok(problems.every(({ severity }) => severity === 'warning'));
});

test('a file that says it is YAML 1.1 is read as that', () => {
  assert.deepEqual(value('%YAML 1.1\n---\na: no\n'), { a: false });
});
