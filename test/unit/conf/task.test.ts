/** What a task becomes: every default and unit applied, frozen (SPEC 3.1). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Scope, Task } from '../../../src/types.ts';
import { HOST, makeFolder, taskOf } from '../../fixtures/conf/folder.ts';
import { NO_CONTEXT, NO_LIMITS } from '../../helpers/tasks.ts';

const SCOPE: Scope = {
  env: { HOME: '/root' },
  taskName: 'a',
  zone: null,
  now: 0,
  due: 0,
  attempt: 1,
  runId: 'r',
  host: HOST,
};

const keys = (text: string): string => `a:\n  schedule: "@daily"\n${text.replace(/^/gm, '  ')}\n`;

/** Functions and text aside, what a task is made of. */
function plain(task: Task): Record<string, unknown> {
  const { schedule, command, resultPath, ...rest } = task;
  return { ...rest, schedule: schedule.expression };
}

test('a task with a schedule alone has every default', async (t) => {
  const task = await taskOf(t, 'disk: {schedule: "5 4 * * *"}\n');
  assert.deepEqual(plain(task), {
    name: 'disk',
    order: 0,
    file: task.file,
    enabled: true,
    description: null,
    schedule: '5 4 * * *',
    missed: 'once',
    missedWithin: null,
    condition: null,
    timeout: null,
    grace: 10_000,
    successExit: [0],
    param: '{}',
    formatLog: 'auto',
    separator: 'auto',
    formatResult: { kind: 'auto' },
    formatState: { in: 'json', out: 'auto' },
    onConflict: 'rename',
    keep: { count: null, age: null, size: null },
    tenancy: 3,
    overlap: 'skip',
    mutex: null,
    maxWait: null,
    retry: null,
    context: NO_CONTEXT,
    limits: { ...NO_LIMITS, log: 10 * 1024 ** 2 },
  });
  assert.deepEqual(task.command, { kind: 'command', program: 'fate-disk' });
  assert.deepEqual(task.resultPath, { kind: 'default' });
});

const FULL = {
  toml: `
[a]
enabled = false
description = "words"
exec = ["echo", "x"]
if = true
timeout = "1h30m"
grace = 0
success_exit = [3, 0, 42, 3]
param = {x = 1}

[a.schedule]
expression = "@hourly"
hash = "b"
timezone = "Europe/Berlin"
missed = "all"
missed_within = "2d"

[a.format]
param = "yaml"
log = "text"
result = ["yaml", "json", "yaml"]
state = "toml"
separator = "line"

[a.path]
result = "x.json"
on_conflict = "replace"
keep = {count = 5, age = "1w", size = "1GiB"}

[a.scheduling]
tenancy = 1
overlap = "queue"
mutex = " disk "
max_wait = "2h"

[a.retry]
limit = 5
delay = "1m"
backoff = 1.5
max_delay = "1h"
on = ["lost", "error", "lost"]
`,
  yaml: `
a:
  enabled: false
  description: words
  exec: [echo, x]
  if: true
  timeout: 1h30m
  grace: 0
  success_exit: [3, 0, 42, 3]
  param: {x: 1}
  schedule: {expression: "@hourly", hash: b, timezone: Europe/Berlin, missed: all, missed_within: 2d}
  format: {param: yaml, log: text, result: [yaml, json, yaml], state: toml, separator: line}
  path: {result: x.json, on_conflict: replace, keep: {count: 5, age: 1w, size: 1GiB}}
  scheduling: {tenancy: 1, overlap: queue, mutex: ' disk ', max_wait: 2h}
  retry: {limit: 5, delay: 1m, backoff: 1.5, max_delay: 1h, on: [lost, error, lost]}
`,
};

test('every key is applied, the same from both formats', async (t) => {
  for (const [format, text] of Object.entries(FULL)) {
    const task = await taskOf(t, { [`tasks.${format}`]: text });
    const { condition, ...rest } = plain(task);
    assert.deepEqual(rest, {
      name: 'a',
      order: 0,
      file: task.file,
      enabled: false,
      description: 'words',
      schedule: '@hourly',
      missed: 'all',
      missedWithin: 2 * 86_400_000,
      timeout: 90 * 60_000,
      grace: 0,
      successExit: [0, 3, 42],
      param: 'x: 1\n',
      formatLog: 'text',
      separator: 'line',
      formatResult: { kind: 'named', names: ['yaml', 'json'] },
      formatState: { in: 'toml', out: 'toml' },
      onConflict: 'replace',
      keep: { count: 5, age: 7 * 86_400_000, size: 1024 ** 3 },
      tenancy: 1,
      overlap: 'queue',
      mutex: 'disk',
      maxWait: 7_200_000,
      retry: { limit: 5, delay: 60_000, backoff: 1.5, maxDelay: 3_600_000, on: ['lost', 'error'] },
      context: NO_CONTEXT,
      limits: { ...NO_LIMITS, log: 10 * 1024 ** 2 },
    });
    assert.equal(task.condition?.kind, 'if');
    assert.equal(task.schedule.timezone, 'Europe/Berlin');
    assert.ok(task.command.kind === 'exec');
    assert.deepEqual(
      task.command.argv.map((item) => item.render(SCOPE)),
      ['echo', 'x'],
    );
    assert.ok(task.resultPath.kind === 'template');
    assert.equal(task.resultPath.template.source, 'x.json');
  }
});

test('a task is frozen through and through', async (t) => {
  const folder = makeFolder(t, { 'tasks.toml': FULL.toml, 'defaults.yaml': 'path: {log: [/dev/stdout, /x/y.log]}\n' });
  const configuration = await folder.load();
  const soft: string[] = [];
  const look = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if (!Object.isFrozen(value)) soft.push(path);
    for (const [key, inner] of Object.entries(value)) look(inner, `${path}.${key}`);
  };
  look(configuration, 'configuration');
  assert.deepEqual(soft, []);
});

test('the hash of a schedule is the name of the task, or what the task says', async (t) => {
  const normalized = async (text: string): Promise<string> => (await taskOf(t, text)).schedule.normalized;
  assert.equal(
    await normalized('backup: {schedule: "H H * * H"}\n'),
    await normalized('x: {schedule: {expression: "H H * * H", hash: backup}}\n'),
  );
  assert.notEqual(
    await normalized('backup: {schedule: "H H * * H"}\n'),
    await normalized('x: {schedule: "H H * * H"}\n'),
  );
});

test('the device id is that of the environment, else of the defaults, else of the machine', async (t) => {
  const tasks = { 'tasks.yaml': 'a: {schedule: "U U * * *"}\n' };
  const withId = { ...tasks, 'defaults.yaml': 'device_id: machine\n' };
  const times = async (
    files: Record<string, string>,
    id: string,
    env: Record<string, string>,
  ): Promise<string | undefined> => {
    const { tasks: loaded } = await makeFolder(t, files).load({ env, host: { ...HOST, id } });
    return loaded[0]?.schedule.normalized;
  };
  const expected = await times(tasks, 'machine', {});
  assert.equal(await times(withId, 'other', {}), expected);
  assert.equal(await times(withId, 'other', { FATE_DEVICE_ID: 'machine' }), expected);
  assert.equal(await times(tasks, 'other', { FATE_DEVICE_ID: 'machine' }), expected);
  assert.notEqual(await times(tasks, 'other', {}), expected);
  assert.notEqual(await times(withId, 'machine', { FATE_DEVICE_ID: 'other' }), expected);
});

const DEFAULTS = `
timeout: 60
grace: 5
success_exit: [7]
schedule: {timezone: Asia/Tokyo, missed: skip, missed_within: 1h}
format: {param: toml, log: json, result: csv, state: yaml, separator: nul}
path: {result: d.txt, on_conflict: replace, keep: {count: 3, age: 1d}}
scheduling: {tenancy: 2, overlap: replace, mutex: m, max_wait: 5m, patience: 1h}
retry: {limit: 7, delay: 2m, on: [failed]}
ext: {anything: [1]}
x-mine: 5
`;

test('defaults hold for tasks that say nothing, mappings key by key', async (t) => {
  const text = 'a: {schedule: "@daily", format: {log: text}, path: {keep: {size: 1M}}, param: {x: 1}}\n';
  const task = await taskOf(t, { 'tasks.yaml': text, 'defaults.yaml': DEFAULTS });
  const { condition, file, ...rest } = plain(task);
  assert.deepEqual(rest, {
    name: 'a',
    order: 0,
    enabled: true,
    description: null,
    schedule: '@daily',
    missed: 'skip',
    missedWithin: 3_600_000,
    timeout: 60_000,
    grace: 5000,
    successExit: [0, 7],
    param: 'x = 1\n',
    formatLog: 'text',
    separator: 'nul',
    formatResult: { kind: 'named', names: ['csv'] },
    formatState: { in: 'yaml', out: 'yaml' },
    onConflict: 'replace',
    keep: { count: 3, age: 86_400_000, size: 1024 ** 2 },
    tenancy: 2,
    overlap: 'replace',
    mutex: 'm',
    maxWait: 300_000,
    retry: { limit: 7, delay: 120_000, backoff: 2, maxDelay: 600_000, on: ['failed'] },
    context: NO_CONTEXT,
    limits: { ...NO_LIMITS, log: 10 * 1024 ** 2 },
  });
  assert.equal(task.schedule.timezone, 'Asia/Tokyo');
  assert.equal(task.resultPath.kind, 'template');
});

test("a task's own null switches a default off", async (t) => {
  const text = keys(
    [
      'timeout:',
      'grace:',
      'success_exit:',
      'format: {param: , log: , state: , separator: }',
      'path: {result: , on_conflict: , keep: }',
      'scheduling: {tenancy: , overlap: , mutex: , max_wait: }',
      'retry:',
    ].join('\n'),
  ).replace('"@daily"', '{expression: "@daily", timezone: , missed: , missed_within: }');
  const task = await taskOf(t, { 'tasks.yaml': text, 'defaults.yaml': DEFAULTS });
  assert.deepEqual(
    [task.timeout, task.grace, task.successExit, task.missed, task.missedWithin, task.schedule.timezone],
    [null, 10_000, [0], 'once', null, null],
  );
  assert.deepEqual(
    [task.param, task.formatLog, task.formatState, task.separator, task.tenancy],
    ['{}', 'auto', { in: 'json', out: 'auto' }, 'auto', 3],
  );
  assert.deepEqual(
    [task.resultPath, task.onConflict, task.keep],
    [{ kind: 'none' }, 'rename', { count: null, age: null, size: null }],
  );
  assert.deepEqual([task.overlap, task.mutex, task.maxWait, task.retry], ['skip', null, null, null]);
  // `format.result: null` says something of its own.
  assert.deepEqual(task.formatResult, { kind: 'named', names: ['csv'] });
});

test('a whole mapping that is null switches all of its defaults off', async (t) => {
  const text = keys('format:\npath:\nscheduling:');
  const task = await taskOf(t, { 'tasks.yaml': text, 'defaults.yaml': DEFAULTS });
  assert.deepEqual(
    [task.formatLog, task.formatResult, task.resultPath, task.keep.count, task.tenancy],
    ['auto', { kind: 'auto' }, { kind: 'default' }, null, 3],
  );
});

test('retry of the task lies over that of the defaults, key by key', async (t) => {
  const FULL_RETRY = { limit: 3, delay: 30_000, backoff: 2, maxDelay: 600_000, on: ['retry', 'error', 'timeout'] };
  const BELOW = '{limit: 7, delay: 2m, on: [failed]}';
  const cases: [own: string | null, defaults: string | null, expected: Partial<typeof FULL_RETRY> | null][] = [
    [null, null, null],
    ['0', null, null],
    ['{limit: 0, delay: 5}', null, null],
    ['1', null, { limit: 1 }],
    ['{}', null, {}],
    ['{delay: 0}', null, { delay: 0 }],
    [null, '{}', {}],
    [null, '0', null],
    ['null', BELOW, null],
    ['0', BELOW, null],
    ['2', BELOW, { limit: 2, delay: 120_000, on: ['failed'] }],
    ['{limit: null, on: null}', BELOW, { delay: 120_000 }],
    ['{on: [lost]}', '4', { limit: 4, on: ['lost'] }],
    ['{delay: 5}', '0', null],
    // A longer delay than the built-in max_delay is meant.
    ['{delay: 1h}', null, { delay: 3_600_000, maxDelay: 3_600_000 }],
    ['{delay: 1h}', '{max_delay: 1m}', { delay: 3_600_000, maxDelay: 60_000 }],
  ];
  for (const [own, defaults, expected] of cases) {
    const task = await taskOf(t, {
      'tasks.yaml': keys(own === null ? 'enabled: true' : `retry: ${own}`),
      'defaults.yaml': defaults === null ? '{}' : `retry: ${defaults}\n`,
    });
    assert.deepEqual(task.retry, expected && { ...FULL_RETRY, ...expected }, `${own} over ${defaults}`);
  }
});

test('a delay of a task that its max_delay cuts is warned of', async (t) => {
  const folder = makeFolder(t, { 'tasks.yaml': keys('retry: {delay: 1h, max_delay: 5m}') });
  const { tasks, problems } = await folder.load({ warnings: true });
  assert.equal(tasks.length, 1);
  assert.deepEqual(folder.texts(problems), [
    'tasks.yaml:3:3: a.retry: the delay of 1h is cut to max_delay, which is 5m',
  ]);
});

test('patience and history are of the defaults file alone', async (t) => {
  const tasks = { 'tasks.yaml': 'a: {schedule: "@daily"}\n' };
  const settings = async (text: string): Promise<unknown[]> => {
    const { patience, history } = await makeFolder(t, { ...tasks, 'defaults.yaml': text }).load();
    return [patience, history];
  };
  const kept = { maxRuns: 1000, maxFailures: 1000, maxAge: 90 * 86_400_000 };
  for (const nothing of ['', '{}', 'history:\nscheduling:\n', 'history: {max_runs: }\nscheduling: {patience: }\n']) {
    assert.deepEqual(await settings(nothing), [600_000, kept], nothing);
  }
  const text = 'history: {max_runs: 0, max_failures: 5, max_age: 1d}\nscheduling: {patience: 0}\n';
  assert.deepEqual(await settings(text), [0, { maxRuns: 0, maxFailures: 5, maxAge: 86_400_000 }]);
  for (const age of ['null', 'false']) {
    assert.deepEqual(await settings(`history: {max_age: ${age}}\n`), [600_000, { ...kept, maxAge: null }], age);
  }
});

test('a timeout of null, false, 0 or nothing is none', async (t) => {
  for (const none of ['', 'null', 'false', '0', '""', '0s', '0h0s']) {
    const text = keys(`timeout: ${none}`);
    assert.equal((await taskOf(t, { 'tasks.yaml': text, 'defaults.yaml': 'timeout: 5\n' })).timeout, null, none);
  }
});

test('formats of results are read as SPEC 8 says', async (t) => {
  const cases: [string, unknown][] = [
    ['', { kind: 'raw' }],
    ['null', { kind: 'raw' }],
    ['""', { kind: 'raw' }],
    ['auto', { kind: 'auto' }],
    ['mixed', { kind: 'mixed' }],
    ['archive', { kind: 'archive' }],
    ['tar', { kind: 'named', names: ['tar'] }],
    ['[toml, csv]', { kind: 'named', names: ['toml', 'csv'] }],
  ];
  for (const [text, expected] of cases) {
    assert.deepEqual((await taskOf(t, keys(`format: {result: ${text}}`))).formatResult, expected, text);
  }
});

test('format.state auto writes as format.param does', async (t) => {
  assert.deepEqual((await taskOf(t, keys('format: {param: yaml}'))).formatState, { in: 'yaml', out: 'auto' });
  assert.deepEqual((await taskOf(t, keys('format: {param: yaml, state: json}'))).formatState, {
    in: 'json',
    out: 'json',
  });
});

test('an empty log format is text as it is, like that of results', async (t) => {
  assert.equal((await taskOf(t, keys('format: {log: ""}'))).formatLog, 'text');
});

test('a path.result of nothing records nothing', async (t) => {
  for (const none of ['', 'null', '""', '"  "']) {
    assert.deepEqual((await taskOf(t, keys(`path: {result: ${none}}`))).resultPath, { kind: 'none' }, none);
  }
});

test('the ways to say what runs', async (t) => {
  const shown = async (text: string): Promise<unknown> => {
    const { command } = await taskOf(t, keys(text));
    if (command.kind === 'exec') return command.argv.map((item) => item.render(SCOPE));
    return command.kind === 'shell' ? [command.executable, command.script.render(SCOPE)] : command.program;
  };
  assert.deepEqual(await shown('exec: ls'), ['ls']);
  assert.deepEqual(await shown('exec: <%= env.HOME %>/x'), ['/root/x']);
  assert.deepEqual(await shown('exec: "<%= env.HOME + \' x\' %>"'), ['/root x'], 'white space inside of a tag');
  assert.deepEqual(await shown('exec: [ls, "", "a b", "<%= task_name %>"]'), ['ls', '', 'a b', 'a']);
  assert.deepEqual(await shown('shell: ls | wc'), ['sh', 'ls | wc']);
  assert.deepEqual(await shown('shell: {script: print(1), executable: python}'), ['python', 'print(1)']);
  assert.equal(await shown('command: disk'), 'fate-disk');
  assert.equal(await shown('enabled: true'), 'fate-a');
});

test('white space in exec is allowed where it names a file', async (t) => {
  const folder = makeFolder(t, { 'my program': '' });
  folder.write({ 'tasks.yaml': keys(`exec: ${folder.path}/my program`) });
  assert.equal((await folder.load()).tasks.length, 1);
  folder.write({ 'tasks.yaml': keys('exec: my program') });
  assert.equal((await folder.load({ env: { PATH: `/bin:${folder.path}` } })).tasks.length, 1);
  assert.equal((await folder.load({ env: {} })).invalid.length, 1);
});

test('names may have letters and digits of any script', async (t) => {
  const names = [
    'a',
    'A.b_c-d@e:f+g',
    'größe',
    'δοκιμή',
    '備份',
    'नाम',
    'งาน',
    '٣',
    '_x',
    '+',
    '__proto__',
    'constructor',
    'é'.repeat(64),
  ];
  const yaml = names.map((name) => `${JSON.stringify(name)}: {schedule: "@daily"}\n`).join('');
  const toml = names.map((name) => `[${JSON.stringify(name)}]\nschedule = "@daily"\n`).join('');
  for (const files of [{ 'tasks.yaml': yaml }, { 'tasks.toml': toml }]) {
    const folder = makeFolder(t, files);
    const { tasks, problems } = await folder.load();
    assert.deepEqual(folder.texts(problems), []);
    assert.deepEqual(
      tasks.map((task) => task.name),
      names,
    );
  }
  assert.equal(({} as Record<string, unknown>).schedule, undefined, 'no prototype was changed');
});

test('keys that begin with x-, and ext, are the user’s own everywhere', async (t) => {
  const folder = makeFolder(t, {
    'tasks.yaml': [
      'x-base: &b {timeout: 5}',
      'ext: [1, 2]',
      'a: {<<: *b, schedule: {expression: "@daily", x-why: 1}, x-note: 1, ext: {o: 1}, format: {x-y: 1}}',
    ].join('\n'),
    'defaults.toml': 'x-a = 1\next.b = 2\n[path]\nx-c = 3\n[[path.log]]\nfile = "/dev/stderr"\nx-d = 4\n',
  });
  const { tasks, problems } = await folder.load();
  assert.deepEqual(folder.texts(problems), []);
  assert.deepEqual(
    tasks.map((task) => [task.name, task.timeout]),
    [['a', 5000]],
  );
});

test('what a schedule warns of is a warning, and the task runs', async (t) => {
  const folder = makeFolder(t, { 'tasks.yaml': 'a: {schedule: "*/70 * * * *"}\n' });
  const { tasks, invalid, problems } = await folder.load({ warnings: true });
  assert.deepEqual([tasks.length, invalid.length], [1, 0]);
  assert.deepEqual(
    problems.map(({ severity, kind, task, line, path }) => ({ severity, kind, task, line, path })),
    [{ severity: 'warning', kind: 'value', task: 'a', line: 1, path: ['a', 'schedule'] }],
  );
  assert.deepEqual((await folder.load()).problems, [], 'a start is not told');
});
