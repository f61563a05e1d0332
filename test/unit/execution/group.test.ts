import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { countLeft, signalGroup, whenGroupGone } from '../../../src/execution/group.ts';
import { HandClock, lives, putDown } from './harness.ts';

/** A session leader that is no child of ours: what a stranger who got a used pid again looks like. */
function stranger(): number {
  const script = 'setsid sleep 1000 >/dev/null 2>&1 & echo $!';
  return Number(spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout);
}

test('a stranger of the same number is neither signalled, counted nor waited for', () => {
  const pid = stranger();
  try {
    for (const reaped of [false, true]) signalGroup(pid, 'SIGKILL', reaped);
    assert.equal(countLeft(pid), 0);
    let gone = 0;
    whenGroupGone(pid, new HandClock(), () => {
      gone += 1;
    });
    assert.equal(gone, 1);
    assert.equal(lives(pid), true);
  } finally {
    putDown(pid);
  }
});

test('a number that nobody has is no group', () => {
  const { pid } = spawnSync('true');
  signalGroup(pid, 'SIGKILL', false);
  signalGroup(pid, 'SIGKILL', true);
  assert.equal(countLeft(pid), 0);
});

test('members are found and signalled after their leader is gone, whatever they are called', async () => {
  const name = 'exec -a "a) S 1 2 3 (b" sleep 1000';
  const leader = spawn('bash', ['-c', `(${name}) >/dev/null & (${name}) >/dev/null & exit 0`], {
    detached: true,
    stdio: 'ignore',
  });
  const pid = leader.pid ?? 0;
  await once(leader, 'exit');
  assert.equal(countLeft(pid), 2);
  const gone = new Promise<void>((resolve) => whenGroupGone(pid, new HandClock(), resolve));
  signalGroup(pid, 'SIGTERM', true);
  await gone;
  assert.equal(countLeft(pid), 0);
});

test('looking for the end of a group can be given up', async () => {
  const leader = spawn('sh', ['-c', 'sleep 1000 >/dev/null & exit 0'], { detached: true, stdio: 'ignore' });
  const pid = leader.pid ?? 0;
  await once(leader, 'exit');
  const clock = new HandClock();
  const cancel = whenGroupGone(pid, clock, () => assert.fail('nobody waits any more'));
  assert.equal(clock.armed, 1);
  cancel();
  assert.equal(clock.armed, 0);
  signalGroup(pid, 'SIGKILL', true);
});
