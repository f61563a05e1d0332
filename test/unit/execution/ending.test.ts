/** How Fate ends a run: SIGTERM, grace, SIGKILL, always to the whole group. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GRACE, lives, pidsIn, program, putDown, reaped, sh, start, stateOf, TIMEOUT } from './harness.ts';

test('a run that Fate ends is ended with all of its group', async () => {
  const run = sh('sleep 1000 & echo $! >&4; (sleep 1000 & echo $! >&4; wait) & echo $! >&4; echo ready >&2; wait');
  await run.said('ready');
  run.end('stop');
  const exit = await run.exit;
  const pids = pidsIn(exit);
  assert.ok(pids.length >= 2);
  for (const pid of pids) assert.equal(lives(pid), false);
  assert.equal(exit.left, 0);
  assert.equal(run.clock.armed, 0);
});

test('who outlives the leader of its group in spite of SIGTERM is waited for, and killed after the grace', async () => {
  const run = start([program('leaves-deaf-child')]);
  await run.said('ready');
  let over = false;
  void run.exit.then(() => {
    over = true;
  });
  const leader = run.pid ?? 0;
  run.clock.fire(TIMEOUT);
  await reaped(leader);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(over, false, 'the run waits for its group');
  run.clock.fire(GRACE);
  const exit = await run.exit;
  const [child = 0] = pidsIn(exit);
  assert.equal(exit.signal, 'SIGTERM');
  assert.equal(exit.endedBy, 'timeout');
  assert.equal(exit.left, 0);
  assert.equal(run.clock.armed, 0);
  // SIGKILL was sent; the kernel may take a moment to obey.
  while (lives(child)) await new Promise((resolve) => setTimeout(resolve, 1));
});

test('kill() ends the waiting for a group that lingers', async () => {
  const run = start([program('leaves-deaf-child')]);
  await run.said('ready');
  const leader = run.pid ?? 0;
  run.end('replace');
  await reaped(leader);
  await new Promise((resolve) => setImmediate(resolve));
  run.kill();
  const exit = await run.exit;
  assert.deepEqual([exit.signal, exit.endedBy], ['SIGTERM', 'replace']);
  const [child = 0] = pidsIn(exit);
  while (lives(child)) await new Promise((resolve) => setTimeout(resolve, 1));
});

test('a zombie that nobody reaps is no member to wait for', { timeout: 10_000 }, async () => {
  const run = start([program('leaves-zombie')]);
  await run.said('ready');
  run.end('stop');
  const exit = await run.exit;
  const [zombie = 0, sleeper = 0] = pidsIn(exit);
  try {
    assert.equal(stateOf(zombie), 'Z');
    assert.equal(lives(sleeper), true, 'another session is none of the group');
    process.kill(-(run.pid ?? 0), 0);
  } finally {
    putDown(sleeper);
  }
});

test('a stopped task dies of SIGTERM too', async () => {
  const run = sh('echo ready >&2; kill -STOP $$; sleep 1000');
  await run.said('ready');
  while (stateOf(run.pid ?? 0) !== 'T') await new Promise((resolve) => setTimeout(resolve, 1));
  run.end('stop');
  const { signal, endedBy } = await run.exit;
  assert.deepEqual([signal, endedBy], ['SIGTERM', 'stop']);
});

test('the first that ends a run is what ended it; more of them change nothing', async () => {
  const run = start([program('ignores-term')]);
  await run.said('ready');
  run.end('replace');
  run.end('stop');
  run.clock.fire(TIMEOUT);
  run.end('kill');
  run.clock.fire(GRACE);
  const { status, endedBy } = await run.result;
  assert.deepEqual([status, endedBy], ['Killed', 'replace']);
});

test('kill() does not wait for the grace that is going', async () => {
  const run = start([program('ignores-term')]);
  await run.said('ready');
  run.end('stop');
  run.kill();
  run.kill();
  const { status, endedBy } = await run.result;
  assert.deepEqual([status, endedBy], ['Killed', 'stop']);
  assert.equal(run.clock.armed, 0);
});

test('ending a run that is over is nothing', async () => {
  const run = sh('exit 7');
  const exit = await run.exit;
  run.end('stop');
  run.kill();
  assert.deepEqual([exit.code, exit.endedBy, (await run.exit).endedBy], [7, 'itself', 'itself']);
  assert.equal(run.clock.armed, 0);
});

test('without a timeout no timer is armed, and one of no length ends the run at once', async () => {
  const free = sh('exit 0', { timeout: null });
  assert.equal(free.clock.armed, 0);
  await free.exit;
  const none = await sh('exec sleep 1000', { timeout: 0, grace: 0 }).exit;
  assert.equal(none.endedBy, 'timeout');
});

test('a stop at the very moment of the exit is told as the one or the other, and always told', async () => {
  for (let turns = 0; turns < 40; turns++) {
    const run = sh('exit 0');
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    run.end('stop');
    const { endedBy, code, signal, left } = await run.exit;
    assert.ok(endedBy === 'itself' ? code === 0 : endedBy === 'stop' && (code === 0 || signal === 'SIGTERM'));
    assert.equal(left, 0);
    assert.equal(run.clock.armed, 0);
  }
});

test('what a task left by itself is left, and counted', async () => {
  const run = sh('sleep 1000 & echo $! >&4; sleep 1000 & echo $! >&4; exit 0');
  const exit = await run.exit;
  const pids = pidsIn(exit);
  try {
    assert.deepEqual([exit.code, exit.endedBy, exit.left, pids.length], [0, 'itself', 2, 2]);
    for (const pid of pids) assert.equal(lives(pid), true);
  } finally {
    putDown(...pids);
  }
});

test('the duration is of the task’s own process, by the monotonic clock', async () => {
  const run = start([program('exits-zero-on-term')]);
  await run.said('ready');
  run.end('stop');
  const { startedAt, endedAt, duration } = await run.exit;
  assert.ok(duration >= 0 && Number.isInteger(duration));
  assert.ok(Math.abs(endedAt - startedAt - duration) <= 50);
});
