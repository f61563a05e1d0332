/** Runs with a control group: everybody of them, wherever they went, is ended, waited for and counted. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeGroup, removeGroup, type TestGroup, withoutControlGroups } from './control-group.ts';
import { folder, GRACE, lives, pidsIn, program, putDown, sh, start } from './harness.ts';
import { withoutHelper } from './helper.ts';

const skip = withoutControlGroups || withoutHelper;

function groupFor(t: TestContext): TestGroup {
  const group = makeGroup();
  t.after(() => removeGroup(group));
  return group;
}

/** In a session of its own, and no child of the task: no process group finds it. */
const ESCAPE = 'setsid sh -c "echo \\$\\$ >&4; exec sleep 1000" & sleep 0.05 & wait $!;';

for (const [name, helper] of [
  ['by the exec helper', undefined],
  ['by sh', null],
] as const) {
  test(`a run is put into its control group ${name}, with all it starts`, { skip }, async (t) => {
    const group = groupFor(t);
    const by = helper === undefined ? {} : { helper };
    const run = sh(`cat /proc/self/cgroup; grep -c . ${join(group.path, 'cgroup.procs')}`, { group, ...by });
    const { code, left, usage } = await run.exit;
    assert.equal(code, 0);
    const [line = '', count] = run.stdout().trim().split('\n').reverse().slice(0, 2).reverse();
    assert.ok(group.path.endsWith(line.split('::')[1] ?? 'none'), line);
    assert.equal(Number(count), 2);
    assert.equal(left, 0);
    assert.ok(usage.cpu !== null && usage.cpu >= 1, 'of the group');
    assert.equal(group.closed, 1);
  });
}

test('a stop ends who left the process group and the session, and each hears SIGTERM once', { skip }, async (t) => {
  const group = groupFor(t);
  const run = sh(
    `${ESCAPE} trap 'echo heard >&2; end=1' TERM; echo ready >&2; while [ -z "$end" ]; do sleep 0.01; done; sleep 0.02`,
    {
      group,
    },
  );
  await run.said('ready');
  run.end('stop');
  const exit = await run.exit;
  const [escaped = 0] = pidsIn(exit);
  assert.equal(lives(escaped), false);
  assert.equal(run.stderr().match(/heard/g)?.length, 1, run.stderr());
  assert.deepEqual([exit.endedBy, exit.left, group.kills], ['stop', 0, 0]);
  assert.equal(group.closed, 1);
  assert.equal(run.clock.armed, 0);
});

test('who outlives SIGTERM in a session of its own is waited for, and killed after the grace', { skip }, async (t) => {
  const group = groupFor(t);
  const deaf = 'setsid sh -c "trap \'\' TERM; echo \\$\\$ >&4; echo ready >&2; while :; do sleep 0.01; done" &';
  const run = sh(`${deaf} wait; sleep 1000`, { group });
  await run.said('ready');
  run.end('stop');
  // The leader's own end is no end of the run: the deaf one is waited for.
  const first = await Promise.race([run.exit.then(() => 'over'), new Promise((r) => setTimeout(r, 100, 'waits'))]);
  assert.equal(first, 'waits');
  run.clock.fire(GRACE);
  const exit = await run.exit;
  const [escaped = 0] = pidsIn(exit);
  assert.equal(group.kills, 1);
  while (lives(escaped)) await new Promise((resolve) => setTimeout(resolve, 1));
});

test('kill() ends everybody at once', { skip }, async (t) => {
  const group = groupFor(t);
  const run = sh(`${ESCAPE} echo ready >&2; sleep 1000`, { group });
  await run.said('ready');
  run.kill();
  const exit = await run.exit;
  assert.deepEqual([exit.signal, exit.endedBy], ['SIGKILL', 'kill']);
  const [escaped = 0] = pidsIn(exit);
  while (lives(escaped)) await new Promise((resolve) => setTimeout(resolve, 1));
});

test('what a run left in its control group is left, and counted', { skip }, async (t) => {
  const group = groupFor(t);
  const exit = await sh(`${ESCAPE} exit 0`, { group }).exit;
  const pids = pidsIn(exit);
  assert.deepEqual([exit.code, exit.left, pids.length], [0, 1, 1]);
  assert.equal(lives(pids[0] ?? 0), true);
  assert.deepEqual([group.kills, group.closed], [0, 1]);
});

test('a stop at the very moment of the start ends the run, wherever its process is', { skip }, async (t) => {
  for (let i = 0; i < 20; i++) {
    const group = groupFor(t);
    const run = sh('sleep 1000', { group });
    for (let turn = 0; turn < i; turn++) await new Promise((resolve) => setImmediate(resolve));
    run.end('stop');
    const { endedBy, signal } = await run.exit;
    assert.deepEqual([endedBy, signal], ['stop', 'SIGTERM']);
  }
});

test('out of memory is told where the run was not good, and leaves its status as it was', { skip }, async (t) => {
  const told = { outOfMemory: 2, memory: 5 << 20 };
  const ends = async (script: string, more = {}): Promise<unknown[]> => {
    const group = groupFor(t);
    group.told = told;
    const { status, endedBy, limit, usage } = await sh(script, { group, ...more }).result;
    assert.equal(usage.memory, 5 << 20);
    return [status, endedBy, limit];
  };
  const sentence = 'out of memory: the kernel ended 2 processes of the run, by limits.memory';
  assert.deepEqual(await ends('kill -KILL $$'), ['Killed', 'limit', sentence]);
  assert.deepEqual(await ends('exit 3', { memoryLimit: 64 << 20 }), ['Error', 'limit', `${sentence} (64 MiB)`]);
  assert.deepEqual(await ends('exit 3', { memoryLimit: null }), [
    'Error',
    'limit',
    'out of memory: the kernel ended 2 processes of the run, which has no limits.memory of its own',
  ]);
  assert.deepEqual(await ends('exit 0'), ['OK', 'itself', null]);
});

for (const [name, helper] of [
  ['the exec helper', undefined],
  ['sh', null],
] as const) {
  test(`a control group that ${name} cannot join is a note, and the process group does`, {
    skip: withoutHelper,
  }, async () => {
    const group: TestGroup = {
      path: join(folder, 'no-control-group'),
      pids: () => [],
      kills: 0,
      told: {},
      closed: 0,
      kill() {},
      whenEmpty(empty) {
        empty();
        return () => {};
      },
      usage: () => ({ memory: null, cpu: null, outOfMemory: 0 }),
      close() {
        group.closed += 1;
      },
    };
    const notes: string[] = [];
    const onNote = (note: string): void => void notes.push(note);
    const by = helper === undefined ? {} : { helper };
    const left = await sh('sleep 1000 & echo $! >&4; echo ran', { group, onNote, ...by }).exit;
    putDown(...pidsIn(left));
    assert.deepEqual([left.code, left.failure, left.left, left.endedBy], [0, null, 1, 'itself']);
    const errno = helper === null ? '' : ' (cgroup.procs: no such file or directory (ENOENT))';
    assert.deepEqual(notes, [`its control group could not be joined${errno}; it runs outside`]);
    const ended = start([program('leaves-deaf-child')], { group, ...by });
    await ended.said('ready');
    ended.end('stop');
    ended.clock.fire(GRACE);
    const [child = 0] = pidsIn(await ended.exit);
    while (lives(child)) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(group.closed, 2);
  });
}

test('the group of a run that could not be started is closed, too', { skip }, async (t) => {
  const ways: readonly Parameters<typeof start>[] = [
    [['']],
    [['/bin/true'], { stdout: '/no/such/folder/x' }],
    [['/no/such/program']],
    [['/bin/true', 'a\0b']],
  ];
  for (const [argv, changes] of ways) {
    const group = groupFor(t);
    assert.equal((await start(argv, { ...changes, group }).result).status, 'Failed');
    assert.equal(group.closed, 1);
  }
});
