/** Which files a configuration is made of, and what stops a start (SPEC 3). */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { configurationStems } from '../../../src/conf/load.ts';
import { makeFolder } from '../../fixtures/conf/folder.ts';

const TASK = '{schedule: "@daily"}';

test('tasks and defaults may each be in either format', async (t) => {
  const tasks = { toml: '[a]\nschedule = "@daily"\n', yaml: `a: ${TASK}\n`, yml: `a: ${TASK}\n` };
  const defaults = { toml: 'timeout = 7\n', yaml: 'timeout: 7\n', yml: 'timeout: 7\n' };
  for (const [one, tasksText] of Object.entries(tasks)) {
    for (const [two, defaultsText] of Object.entries(defaults)) {
      const folder = makeFolder(t, { [`tasks.${one}`]: tasksText, [`defaults.${two}`]: defaultsText });
      const { tasks: loaded, files, problems } = await folder.load();
      assert.deepEqual(
        loaded.map((task) => [task.name, task.timeout]),
        [['a', 7000]],
      );
      assert.deepEqual(files, [join(folder.path, `tasks.${one}`), join(folder.path, `defaults.${two}`)]);
      assert.deepEqual(problems, []);
    }
  }
});

test('a configuration may have names of its own', async (t) => {
  const folder = makeFolder(t, { 'measurements.yaml': `a: ${TASK}\n`, 'measurements.d/b.yaml': `b: ${TASK}\n` });
  const names = { task: 'measurements', defaults: 'settings' };
  folder.write({ 'settings.toml': 'grace = 1\n' });
  const { tasks } = await folder.load({ names });
  assert.deepEqual(
    tasks.map((task) => [task.name, task.grace]),
    [
      ['a', 1000],
      ['b', 1000],
    ],
  );
  assert.deepEqual(configurationStems({ conf: '/etc/fate/', names }), ['/etc/fate/measurements', '/etc/fate/settings']);
});

test('two formats of one file stop a start with status 64', async (t) => {
  const folder = makeFolder(t, { 'tasks.toml': '', 'tasks.yml': '', 'defaults.yaml': '', 'defaults.yml': '' });
  const error = await folder.refusal();
  assert.equal(error.code, 'CONF_AMBIGUOUS');
  assert.equal(error.exitStatus, 64);
  assert.deepEqual(folder.texts(error.problems), [
    'tasks.toml: expected one file, found tasks.toml and tasks.yml',
    'defaults.yaml: expected one file, found defaults.yaml and defaults.yml',
  ]);
});

test('no tasks and no drop-ins stop a start with status 72', async (t) => {
  const folder = makeFolder(t, { 'defaults.toml': '' });
  const error = await folder.refusal();
  assert.equal(error.code, 'CONF_MISSING');
  assert.equal(error.exitStatus, 72);
  assert.deepEqual(folder.texts(error.problems), [
    `tasks: expected tasks.toml, .yaml, .yml or a drop-in in ${folder.path}/tasks.d, found none`.replace(
      `${folder.path}/`,
      '',
    ),
  ]);
  assert.equal((await folder.refusal({ conf: join(folder.path, 'nowhere') })).code, 'CONF_MISSING');
});

test('with drop-ins there need be no tasks file', async (t) => {
  const folder = makeFolder(t, { 'tasks.d/a.yml': `a: ${TASK}\n` });
  assert.equal((await folder.load()).tasks.length, 1);
});

test('an empty file, and one of comments alone, has no tasks', async (t) => {
  for (const text of ['', '\n\n', '# nothing yet\n', '\ufeff']) {
    for (const file of ['tasks.toml', 'tasks.yaml']) {
      const { tasks, problems } = await makeFolder(t, { [file]: text, 'defaults.yaml': text }).load();
      assert.deepEqual([tasks, problems], [[], []], `${file} ${JSON.stringify(text)}`);
    }
  }
});

test('a byte order mark is accepted, and line ends of Windows', async (t) => {
  for (const [file, text] of [
    ['tasks.toml', '\ufeff["é"]\r\nschedule = "@daily"\r\n'],
    ['tasks.yaml', `\ufeffé:\r\n  schedule: "@daily"\r\n`],
  ] as const) {
    const { tasks } = await makeFolder(t, { [file]: text }).load();
    assert.deepEqual(
      tasks.map((task) => task.name),
      ['é'],
    );
  }
});

test('drop-ins are read in the order of their names, from both folders', async (t) => {
  const folder = makeFolder(t, {
    'tasks.yaml': `first: ${TASK}\n`,
    'tasks.d/20.toml': '[twenty]\nschedule = "@daily"\n',
    'tasks.d/05.yaml': `five: ${TASK}\n`,
    'tasks.d/.hidden.yaml': `hidden: ${TASK}\n`,
    'tasks.d/backup.yaml~': 'x',
    'tasks.d/README': 'x',
    'lib/10.yml': `ten: ${TASK}\n`,
    'lib/30.yaml': `thirty: ${TASK}\n`,
  });
  const { tasks, files } = await folder.load({ packaged: join(folder.path, 'lib') });
  assert.deepEqual(
    tasks.map((task) => [task.name, task.order]),
    [
      ['first', 0],
      ['five', 1],
      ['ten', 2],
      ['twenty', 3],
      ['thirty', 4],
    ],
  );
  assert.deepEqual(
    files.map((file) => file.slice(folder.path.length + 1)),
    ['tasks.yaml', 'tasks.d/05.yaml', 'lib/10.yml', 'tasks.d/20.toml', 'lib/30.yaml'],
  );
});

test("a drop-in takes the place of the packages' one of the same name", async (t) => {
  const folder = makeFolder(t, {
    'tasks.d/a.yaml': `own: ${TASK}\n`,
    'lib/a.yaml': `packaged: ${TASK}\n`,
    'lib/b.yaml': `b: ${TASK}\n`,
  });
  const { tasks } = await folder.load({ packaged: join(folder.path, 'lib') });
  assert.deepEqual(
    tasks.map((task) => task.name),
    ['own', 'b'],
  );
});

test('a link to /dev/null masks a packaged drop-in', async (t) => {
  const folder = makeFolder(t, {
    'tasks.yaml': `a: ${TASK}\n`,
    'lib/b.yaml': `b: ${TASK}\n`,
    'lib/c.yaml': `c: ${TASK}\n`,
  });
  mkdirSync(join(folder.path, 'tasks.d'));
  symlinkSync('/dev/null', join(folder.path, 'tasks.d', 'b.yaml'));
  symlinkSync('/dev/null', join(folder.path, 'tasks.d', 'nothing.toml'));
  const { tasks, files } = await folder.load({ packaged: join(folder.path, 'lib') });
  assert.deepEqual(
    tasks.map((task) => task.name),
    ['a', 'c'],
  );
  assert.equal(files.length, 2);
});

test('masks alone are no drop-ins', async (t) => {
  const folder = makeFolder(t, {});
  mkdirSync(join(folder.path, 'tasks.d'));
  symlinkSync('/dev/null', join(folder.path, 'tasks.d', 'b.yaml'));
  assert.equal((await folder.refusal()).code, 'CONF_MISSING');
});

test('a drop-in that cannot be read or parsed is set aside alone', async (t) => {
  const folder = makeFolder(t, {
    'tasks.yaml': `a: ${TASK}\n`,
    'tasks.d/1.yaml': 'b: [',
    'tasks.d/2.toml': Buffer.from([0x61, 0xff]),
    'tasks.d/5.yaml': `e: ${TASK}\n`,
  });
  mkdirSync(join(folder.path, 'tasks.d', '3.yaml'));
  symlinkSync('nowhere', join(folder.path, 'tasks.d', '4.yaml'));
  const { tasks, problems, files } = await folder.load();
  assert.deepEqual(
    tasks.map((task) => task.name),
    ['a', 'e'],
  );
  assert.deepEqual(folder.texts(problems), [
    'tasks.d/1.yaml:1:5: expected ] before this, found none',
    'tasks.d/2.toml:1:2: expected UTF-8, found the byte 0xFF',
    'tasks.d/3.yaml: expected a file, found a folder',
    'tasks.d/4.yaml: expected a file that can be read, found a link to a file that is not there',
  ]);
  assert.ok(problems.every((problem) => problem.kind === 'syntax' && problem.severity === 'error'));
  assert.equal(files.length, 4, 'what was read');
});

test('an invalid task is set aside alone', async (t) => {
  const folder = makeFolder(t, { 'tasks.yaml': `a: ${TASK}\nb: {schedule: x, tmeout: 1}\nc: ${TASK}\n` });
  const { tasks, invalid, problems } = await folder.load();
  assert.deepEqual(
    tasks.map((task) => [task.name, task.order]),
    [
      ['a', 0],
      ['c', 2],
    ],
  );
  assert.deepEqual(
    invalid.map(({ name, file, problems: own }) => [name, file, own.length]),
    [['b', join(folder.path, 'tasks.yaml'), 2]],
  );
  assert.deepEqual(invalid[0]?.problems, problems);
});

test('a task of two files is invalid in both, and the others are not', async (t) => {
  const folder = makeFolder(t, {
    'tasks.yaml': `a: ${TASK}\nb: ${TASK}\n`,
    'tasks.d/x.yaml': `a: ${TASK}\nc: ${TASK}\n`,
  });
  const { tasks, invalid } = await folder.load();
  assert.deepEqual(
    tasks.map((task) => task.name),
    ['b', 'c'],
  );
  assert.deepEqual(
    invalid.map(({ name, file }) => [name, file.slice(folder.path.length + 1)]),
    [
      ['a', 'tasks.yaml'],
      ['a', 'tasks.d/x.yaml'],
    ],
  );
});

test('with strict an invalid task or a broken drop-in stops a start, with its own status', async (t) => {
  const folder = makeFolder(t, { 'tasks.yaml': `a: ${TASK}\n` });
  await folder.load({ strict: true });
  folder.write({ 'tasks.yaml': 'a: {schedule: x}\n' });
  const invalid = await folder.refusal({ strict: true });
  assert.deepEqual([invalid.code, invalid.exitStatus, invalid.problems.length], ['CONF_INVALID', 78, 1]);
  folder.write({ 'tasks.yaml': `a: ${TASK}\n`, 'tasks.d/x.yaml': '[' });
  const syntax = await folder.refusal({ strict: true });
  assert.deepEqual([syntax.code, syntax.exitStatus, syntax.problems.length], ['CONF_SYNTAX', 65, 1]);
});

test('all files are judged before a start is refused', async (t) => {
  const folder = makeFolder(t, {
    'tasks.yaml': 'a: {schedule: x}\n',
    'defaults.toml': 'timeout = \n',
    'tasks.d/x.toml': 'b = 5\n',
  });
  const error = await folder.refusal();
  assert.equal(error.code, 'CONF_SYNTAX');
  assert.match(error.message, /defaults\.toml cannot be parsed$/);
  assert.deepEqual(
    error.problems.map(({ file, line }) => [file.slice(folder.path.length + 1), line]),
    [
      ['defaults.toml', 1],
      ['tasks.yaml', 1],
      ['tasks.d/x.toml', 1],
    ],
  );
});

test('a syntax error shows its line with a caret', async (t) => {
  const folder = makeFolder(t, { 'tasks.toml': '[a]\n\tschedule = "@daily\n' });
  const [problem] = (await folder.refusal()).problems;
  assert.deepEqual([problem?.line, problem?.column, problem?.excerpt], [2, 20, '\tschedule = "@daily']);
});

test('a tasks file that is a link to nothing, or a folder, is told as that', async (t) => {
  const folder = makeFolder(t, {});
  symlinkSync('nowhere.yaml', join(folder.path, 'tasks.yaml'));
  assert.equal((await folder.refusal()).code, 'CONF_MISSING');
  const other = makeFolder(t, {});
  mkdirSync(join(other.path, 'tasks.toml'));
  const error = await other.refusal();
  assert.deepEqual(
    [error.code, other.texts(error.problems)],
    ['CONF_SYNTAX', ['tasks.toml: expected a file, found a folder']],
  );
});

test('a file that must not be read stops a start with status 77', async (t) => {
  if (process.getuid?.() === 0) {
    t.skip('root may read everything');
    return;
  }
  const folder = makeFolder(t, { 'tasks.yaml': `a: ${TASK}\n` });
  chmodSync(join(folder.path, 'tasks.yaml'), 0);
  assert.equal((await folder.refusal()).code, 'NOT_PERMITTED');
});

test('ten thousand tasks load in seconds, in both formats', async (t) => {
  const numbers = Array.from({ length: 10_000 }, (_, i) => i);
  const yaml = numbers.map((i) => `t${i}:\n  schedule: "${i % 60} ${i % 24} * * *"\n  exec: [sh, -c, "echo ${i}"]\n`);
  const toml = numbers.map(
    (i) => `[t${i}]\nschedule = "${i % 60} ${i % 24} * * *"\nexec = ["sh", "-c", "echo ${i}"]\n`,
  );
  for (const [file, parts] of [
    ['tasks.yaml', yaml],
    ['tasks.toml', toml],
  ] as const) {
    const folder = makeFolder(t, { [file]: parts.join('') });
    const before = process.cpuUsage();
    const { tasks } = await folder.load();
    const { user } = process.cpuUsage(before);
    assert.equal(tasks.length, 10_000);
    // 1 to 2 s where it was written; what is quadratic takes a minute.
    assert.ok(user < 15_000_000, `${file}: ${user / 1e6} s of CPU`);
  }
});
