/** Groups for runs: made, limited, found again after a crash, and removed at last; with real groups and processes. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isPopulated } from '../../../src/platform/control-group-files.ts';
import type { ControlGroups } from '../../../src/types.ts';
import { empty, NO_LIMITS, newGroup, openAt, removal, skip, startIn } from './control-group-world.ts';

const SLEEPER = 'echo $$; exec sleep 300';

/** With groups that must be there. */
function opened(t: TestContext, own = newGroup(t)) {
  const { groups, told } = openAt(t, own);
  assert.ok(groups !== null, told[0]?.message);
  const make = (run: string, limits = NO_LIMITS) => {
    const group = groups.make(run, limits);
    assert.ok(group !== null);
    return group;
  };
  return { own, groups, told, make };
}

const runsOf = ({ path }: ControlGroups): string[] =>
  readdirSync(join(path, 'runs'), { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    .sort();

/** Resolves when all that the kernel had to tell before was read: it comes in one queue, in order. */
async function queueRead(t: TestContext): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fate-queue-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      watcher.close();
      resolve();
    });
    writeFileSync(join(folder, 'file'), '');
  });
}

test('a run has a folder of its own until it is closed', { skip }, async (t) => {
  const { groups, make, own } = opened(t);
  const group = make('0abc');
  assert.equal(group.path, join(own, 'runs/0abc'));
  const { ended } = await startIn(group.path, 'echo $$', 1);
  await ended;
  group.close();
  assert.deepEqual(runsOf(groups), []);
});

test('a group is removed with those that the run made below it', { skip }, (t) => {
  const { groups, make } = opened(t);
  const group = make('0abc');
  mkdirSync(join(group.path, 'a/b'), { recursive: true });
  mkdirSync(join(group.path, 'c'));
  group.close();
  assert.deepEqual(runsOf(groups), []);
});

test('one in which somebody lives on is removed when it is empty', { skip }, async (t) => {
  const { groups, make } = opened(t);
  const group = make('0abc');
  const { child } = await startIn(group.path, SLEEPER, 1);
  group.close();
  assert.deepEqual(runsOf(groups), ['0abc']);
  assert.equal(group.pids().length, 1);
  const gone = removal(t, group.path);
  child.kill('SIGKILL');
  await gone;
});

test('a later attempt has a group of its own beside that of an earlier one', { skip }, async (t) => {
  const { groups, make } = opened(t);
  const first = make('0abc');
  await startIn(first.path, SLEEPER, 1);
  first.close();
  const second = make('0abc');
  assert.deepEqual(runsOf(groups), ['0abc', '0abc.2']);
  assert.equal(second.pids().length, 0);
  second.close();
  assert.deepEqual(runsOf(groups), ['0abc']);
});

test('a group that is swept away and made anew is not taken for the old one', { skip }, async (t) => {
  const { groups, make } = opened(t);
  const group = make('0abc');
  const { child } = await startIn(group.path, SLEEPER, 1);
  group.close();
  groups.sweep();
  assert.deepEqual(runsOf(groups), ['0abc']);
  child.kill('SIGKILL');
  // No turn of the loop: what the watch has to tell is in the queue, and not read before the new group is there.
  const patience = performance.now() + 10_000;
  while (isPopulated(group.path) !== false && performance.now() < patience);
  const queued = performance.now() + 50;
  while (performance.now() < queued);
  groups.sweep();
  assert.deepEqual(runsOf(groups), []);
  const again = make('0abc');
  await queueRead(t);
  assert.equal(existsSync(again.path), true);
});

test('a limit that cannot be held is told once, and runs go without', { skip }, (t) => {
  const { groups, told, make } = opened(t);
  const keys = { memory: 'memory', cpu: 'cpu', processes: 'pids' } as const;
  const limits = { ...NO_LIMITS, memory: 1 << 30, cpu: 50, processes: 100 };
  for (const run of ['a', 'b', 'c']) make(run, limits).close();
  const missing = Object.entries(keys).flatMap(([key, controller]) =>
    groups.controllers.has(controller) ? [] : [key],
  );
  assert.deepEqual(
    told.map(({ level, message }) => [level, message.split(':')[0]]),
    missing.map((key) => ['warning', `limits.${key} cannot be held, and runs go without it`]),
  );
});

test('where no more groups may be made, runs go without, and that is said once', { skip }, (t) => {
  const { own, groups, told, make } = opened(t);
  writeFileSync(join(own, 'runs/cgroup.max.descendants'), '1');
  const only = make('a');
  assert.equal(groups.make('b', NO_LIMITS), null);
  assert.equal(groups.make('c', NO_LIMITS), null);
  assert.deepEqual(told, [
    {
      level: 'warning',
      message: 'runs go without a control group of their own: cgroup.max.descendants or cgroup.max.depth is reached',
    },
  ]);
  only.close();
  assert.notEqual(groups.make('d', NO_LIMITS), null);
});

test('the next scheduler finds what an earlier one left, and removes what is empty', { skip }, async (t) => {
  const { own, make } = opened(t);
  for (const run of ['0empty', '0left', '0left', '0other']) {
    const group = make(run);
    if (run !== '0empty') await startIn(group.path, SLEEPER, 1);
  }
  const next = opened(t, own);
  assert.deepEqual(runsOf(next.groups), ['0left', '0left.2', '0other']);
  assert.equal(next.groups.find('0empty'), null);
  assert.equal(next.groups.find('0le'), null);
  const found = next.groups.find('0left');
  assert.ok(found !== null);
  assert.equal(found.pids().length, 2);
  const over = empty(found);
  found.kill();
  await over;
  assert.equal(found.pids().length, 0);
  found.close();
  assert.deepEqual(runsOf(next.groups), ['0other']);
  const other = next.groups.find('0other');
  const gone = removal(t, join(own, 'runs/0other'));
  for (const pid of other?.pids() ?? []) process.kill(pid, 'SIGTERM');
  await gone;
});

test('what several groups of one run used is told together', { skip }, async (t) => {
  const { own, make } = opened(t);
  for (let i = 0; i < 2; i += 1) {
    const script = 'i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; echo $$; exec sleep 300';
    await startIn(make('0left').path, script, 1);
  }
  const found = opened(t, own).groups.find('0left');
  const cpu = found?.usage().cpu ?? 0;
  assert.ok(cpu > 5 && cpu < 20_000, `${cpu} ms`);
  assert.equal(found?.usage().outOfMemory, 0);
  assert.equal(found?.path, join(own, 'runs/0left'));
});
