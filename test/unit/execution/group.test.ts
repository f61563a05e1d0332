import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { countLeft, signalGroup, whenGroupGone } from '../../../src/execution/group.ts';
import { folder, HandClock, lives, program } from './harness.ts';

/**
 * A session leader that is no child of ours: what a stranger who got a used pid again looks like. It notes a SIGUSR1
 * in `file`, and ends on SIGTERM.
 */
function stranger(file: string): number {
  const { stdout } = spawnSync('sh', ['-c', 'setsid "$0" "$1" &', program('notes-signal'), file], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  return Number(stdout);
}

test('a stranger of the same number is neither signalled, counted nor waited for', async () => {
  const file = join(folder, 'signalled');
  const pid = stranger(file);
  for (const reaped of [false, true]) signalGroup(pid, 'SIGUSR1', reaped);
  assert.equal(countLeft(pid), 0);
  let gone = 0;
  whenGroupGone(pid, new HandClock(), () => {
    gone += 1;
  });
  assert.equal(gone, 1);
  assert.equal(lives(pid), true);
  // A signal of a lower number is heard first, so that SIGUSR1 would have been noted by the time it has ended.
  process.kill(pid, 'SIGTERM');
  while (lives(pid)) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(existsSync(file), false);
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
