/** The control group of one run, with real groups and processes; older kernels and controllers by files that look like one. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runGroup } from '../../../src/platform/control-group.ts';
import { isPopulated } from '../../../src/platform/control-group-files.ts';
import { empty, newGroup, skip, startIn } from './control-group-world.ts';

const keep = (): void => {};

/** A plain folder with files as a group has them: what this machine's kernel does not offer cannot be had otherwise. */
function pretended(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-group-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

test('a process that forked twice and left its session is counted and killed', { skip }, async (t) => {
  const group = runGroup(newGroup(t, 'run'), keep);
  const script = `setsid sh -c 'sleep 300 & echo $!' & wait; echo $$; exec sleep 300`;
  const { pids, ended } = await startIn(group.path, script, 2);
  assert.deepEqual([...group.pids()].sort(), [...pids].sort());
  assert.equal(group.pids().length, 2);
  group.kill();
  await empty(group);
  assert.equal(group.pids().length, 0);
  assert.equal(await ended, 'SIGKILL');
});

test('a signal reaches all, also those in groups that the run made for itself', { skip }, async (t) => {
  const group = runGroup(newGroup(t, 'run'), keep);
  const below = join(group.path, 'own/deeper');
  mkdirSync(below, { recursive: true });
  const outer = await startIn(group.path, 'echo $$; exec sleep 300', 1);
  const inner = await startIn(below, `trap 'echo 7; exit' USR1; echo $$; while :; do sleep 0.05; done`, 1);
  assert.equal(group.pids().length >= 2, true);
  for (const pid of group.pids()) process.kill(pid, 'SIGUSR1');
  assert.equal(await outer.ended, 'SIGUSR1');
  assert.equal(await inner.ended, null);
  await empty(group);
});

test('its end is told at once where it is empty, and once', { skip }, async (t) => {
  const group = runGroup(newGroup(t, 'run'), keep);
  let calls = 0;
  group.whenEmpty(() => {
    calls += 1;
  });
  assert.equal(calls, 1);
  const { ended } = await startIn(group.path, 'echo $$', 1);
  await ended;
  await empty(group);
  assert.equal(calls, 1);
});

test('no end is missed, however soon it comes', { skip }, async (t) => {
  const group = runGroup(newGroup(t, 'run'), keep);
  for (let i = 0; i < 30; i += 1) {
    const { child } = await startIn(group.path, 'echo $$; exec sleep 300', 1);
    const over = empty(group);
    if (i % 2 === 0) child.kill('SIGKILL');
    else group.kill();
    await over;
  }
});

test('a group that somebody else removed is empty as well', { skip }, async (t) => {
  const group = runGroup(newGroup(t, 'run'), keep);
  const { child } = await startIn(group.path, 'echo $$; exec sleep 300', 1);
  const over = empty(group);
  child.kill('SIGKILL');
  const patience = performance.now() + 10_000;
  while (isPopulated(group.path) !== false && performance.now() < patience);
  rmdirSync(group.path);
  await over;
});

test('who no longer waits is not told', { skip }, async (t) => {
  const group = runGroup(newGroup(t, 'run'), keep);
  const { child } = await startIn(group.path, 'echo $$; exec sleep 300', 1);
  let told = false;
  const stop = group.whenEmpty(() => {
    told = true;
  });
  stop();
  const over = empty(group);
  child.kill('SIGKILL');
  await over;
  assert.equal(told, false);
});

test('processor time is known without any controller', { skip }, async (t) => {
  const group = runGroup(newGroup(t, 'run'), keep);
  const { ended } = await startIn(group.path, 'echo $$; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done', 1);
  await ended;
  const { cpu, outOfMemory } = group.usage();
  assert.ok(cpu !== null && cpu > 5 && cpu < 20_000, `${cpu} ms`);
  assert.equal(outOfMemory, 0);
});

test('what it used is read from memory.peak, cpu.stat and oom_kill of memory.events', (t) => {
  const path = pretended(t, {
    'memory.peak': '1048576\n',
    'cpu.stat': 'usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\n',
    'memory.events': 'low 0\nhigh 0\nmax 40\noom 7\noom_kill 3\noom_group_kill 1\n',
  });
  assert.deepEqual(runGroup(path, keep).usage(), { memory: 1_048_576, cpu: 1235, outOfMemory: 3 });
});

test('what the kernel does not tell is null', (t) => {
  const usage = { memory: null, cpu: null, outOfMemory: 0 };
  assert.deepEqual(runGroup(pretended(t, {}), keep).usage(), usage);
  assert.deepEqual(runGroup('/nonexistent/group', keep).usage(), usage);
});

test('without cgroup.kill each process is killed, and never this one, PID 1 or a whole process group', async (t) => {
  const { child, pids, ended } = await startIn(null, 'echo $$; exec sleep 300', 1);
  t.after(() => child.kill('SIGKILL'));
  const path = pretended(t, {
    'cgroup.events': 'populated 1\n',
    'cgroup.procs': `0\n1\n${process.pid}\n${pids[0]}\n${pids[0]}\n`,
  });
  const group = runGroup(path, keep);
  assert.deepEqual(group.pids(), pids);
  group.kill();
  assert.equal(await ended, 'SIGKILL');
});

test('with cgroup.kill that is all', (t) => {
  const path = pretended(t, { 'cgroup.kill': '', 'cgroup.procs': '' });
  runGroup(path, keep).kill();
  assert.equal(readFileSync(join(path, 'cgroup.kill'), 'utf8'), '1');
});

test('a group that is gone is empty, and nothing done to it throws', async () => {
  const group = runGroup('/nonexistent/group', keep);
  await empty(group);
  assert.equal(group.pids().length, 0);
  for (const pid of group.pids()) process.kill(pid, 'SIGTERM');
  group.kill();
});

test('it is removed once, whoever asks again', () => {
  const removed: string[] = [];
  const group = runGroup('/some/group', (path) => removed.push(path));
  group.close();
  group.close();
  assert.deepEqual(removed, ['/some/group']);
});
