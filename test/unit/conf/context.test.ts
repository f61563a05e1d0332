/** What a task asks for its process and what it may use (SPEC 3.1): defaults, merging, units. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ExecutionContext, Limits, Scope, Task } from '../../../src/types.ts';
import { HOST, makeFolder, taskOf } from '../../fixtures/conf/folder.ts';

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

type Context = { after(work: () => void): void };
const withDefaults = (t: Context, defaults: string, task: string): Promise<Task> =>
  taskOf(t, { 'tasks.yaml': `a:\n  schedule: "@daily"\n${task.replace(/^/gm, '  ')}\n`, 'defaults.yaml': defaults });
const rendered = ({ env }: ExecutionContext) => env.map(({ name, value }) => [name, value?.render(SCOPE) ?? null]);

const FULL = {
  toml: `[a]
schedule = "@daily"
env = {A = "<%= env.HOME %>/x", N = 0, B = true, EMPTY = ""}
env_file = ["/etc/a.env", "-b.env"]
cwd = "/srv/<%= task_name %>"
user = "www-data"
group = 33
umask = "027"
nice = -5
credentials = {key = "/etc/key", x-api = "token"}
limits = {output = "1M", log = "infinity", memory = "25%", cpu = "150%", processes = 10}
`,
  yaml: `a:
  schedule: "@daily"
  env: {A: "<%= env.HOME %>/x", N: 0, B: true, EMPTY: ""}
  env_file: [/etc/a.env, -b.env]
  cwd: /srv/<%= task_name %>
  user: www-data
  group: 33
  umask: "027"
  nice: -5
  credentials: {key: /etc/key, x-api: token}
  limits: {output: 1M, log: infinity, memory: 25%, cpu: 150%, processes: 10}
`,
};

test('every key is applied, the same from both formats', async (t) => {
  for (const [format, text] of Object.entries(FULL)) {
    const folder = makeFolder(t, { [`tasks.${format}`]: text });
    const { tasks, problems } = await folder.load();
    assert.deepEqual(problems, []);
    const { context, limits } = tasks[0] as Task;
    assert.deepEqual(rendered(context), [
      ['A', '/root/x'],
      ['N', '0'],
      ['B', 'true'],
      ['EMPTY', ''],
    ]);
    assert.equal(context.cwd?.render(SCOPE), '/srv/a');
    const { env: _, cwd: __, ...rest } = context;
    assert.deepEqual(rest, {
      envFiles: [
        { path: '/etc/a.env', optional: false },
        { path: join(folder.path, 'b.env'), optional: true },
      ],
      user: 'www-data',
      group: '33',
      umask: 0o27,
      nice: -5,
      credentials: [
        { name: 'key', source: '/etc/key' },
        { name: 'x-api', source: 'token' },
      ],
    });
    assert.deepEqual(limits, { output: 1024 ** 2, log: null, memory: HOST.memory / 4, cpu: 150, processes: 10 });
  }
});

test('the environment of the defaults comes first, and a task changes or takes away its names', async (t) => {
  const defaults = 'env: {A: "1", B: "2", C: "3"}\n';
  const names = async (task: string) => rendered((await withDefaults(t, defaults, task)).context);
  assert.deepEqual(await names('description: x'), [
    ['A', '1'],
    ['B', '2'],
    ['C', '3'],
  ]);
  assert.deepEqual(await names('env: {D: "4", B: null, A: x}'), [
    ['A', 'x'],
    ['B', null],
    ['C', '3'],
    ['D', '4'],
  ]);
  assert.deepEqual(await names('env: null'), []);
});

test('a task has the other keys of the defaults as long as it says nothing else', async (t) => {
  const defaults = 'env_file: [/a, /b]\ncwd: /tmp\nuser: nobody\ngroup: 5\numask: "0077"\nnice: 10\n';
  const { context } = await withDefaults(t, defaults, 'cwd: /srv');
  const { env, cwd, ...rest } = context;
  assert.deepEqual(env, []);
  assert.equal(cwd?.source, '/srv');
  const both = [
    { path: '/a', optional: false },
    { path: '/b', optional: false },
  ];
  const inherited = { envFiles: both, user: 'nobody', group: '5', umask: 0o77, nice: 10, credentials: [] };
  assert.deepEqual(rest, inherited);
  const own = await withDefaults(t, defaults, 'env_file: /c\nuser: null\ngroup: null\numask: "22"\nnice: 0\ncwd: null');
  assert.deepEqual(own.context, {
    env: [],
    envFiles: [{ path: '/c', optional: false }],
    cwd: null,
    user: null,
    group: null,
    umask: 0o22,
    nice: 0,
    credentials: [],
  });
});

test('limits are merged key by key, and infinity is none', async (t) => {
  const defaults = 'limits: {output: 1G, log: 1M, memory: 2G, cpu: 50%, processes: 5}\n';
  const limits = async (task: string): Promise<Limits> => (await withDefaults(t, defaults, task)).limits;
  const M = 1024 ** 2;
  const all = { output: 1024 * M, log: M, memory: 2048 * M, cpu: 50, processes: 5 };
  assert.deepEqual(await limits('description: x'), all);
  assert.deepEqual(await limits('limits: {log: null, cpu: 12.5%, processes: infinity}'), {
    ...all,
    log: 10 * M,
    cpu: 12.5,
    processes: null,
  });
  const none = { output: null, log: null, memory: null, cpu: null, processes: null };
  assert.deepEqual(
    await limits('limits: {output: infinity, log: infinity, memory: infinity, cpu: infinity, processes: infinity}'),
    none,
  );
  assert.deepEqual(await limits('limits: null'), { ...none, log: 10 * M });
  assert.equal((await limits('limits: {memory: 100%}')).memory, HOST.memory);
});

test('a name that no shell can read is a warning, in a task and in the defaults', async (t) => {
  const folder = makeFolder(t, {
    'tasks.yaml': 'a:\n  schedule: "@daily"\n  env:\n    MY-NAME: x\n',
    'defaults.yaml': 'env: {"1": x}\n',
  });
  const { problems, tasks } = await folder.load({ warnings: true });
  assert.equal(tasks.length, 1);
  assert.deepEqual(folder.texts(problems), [
    'defaults.yaml:1:7: env."1": no shell can read a variable of the name "1", and some do not hand it on'.replace(
      '"1":',
      '1:',
    ),
    'tasks.yaml:4:5: a.env.MY-NAME: no shell can read a variable of the name "MY-NAME", and some do not hand it on',
  ]);
});

test('who may steer and whether runs have control groups stands in the defaults', async (t) => {
  const load = async (defaults: string) => {
    const files = { 'tasks.yaml': 'a: {schedule: "@daily"}\n', 'defaults.yaml': defaults };
    const { controlGroups, steerGroup } = await makeFolder(t, files).load();
    return { controlGroups, steerGroup };
  };
  assert.deepEqual(await load(''), { controlGroups: true, steerGroup: null });
  assert.deepEqual(await load('scheduling: {cgroup: false}\ncontrol: {steer_group: 27}\n'), {
    controlGroups: false,
    steerGroup: '27',
  });
  assert.deepEqual(await load('scheduling: {cgroup: null}\ncontrol: {steer_group: adm}\n'), {
    controlGroups: true,
    steerGroup: 'adm',
  });
  assert.deepEqual(await load('control: null\n'), { controlGroups: true, steerGroup: null });
});
