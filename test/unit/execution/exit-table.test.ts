/** Every line of the exit table of SPEC 7, each with a real program. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, GRACE, program, type Started, sh, start, TIMEOUT } from './harness.ts';

async function expectEnd(run: Started, expected: string): Promise<void> {
  const { status, level, endedBy, code, signal } = await run.result;
  assert.equal(`${status} ${level} ${endedBy} ${code ?? signal}`, expected);
  assert.equal(run.clock.armed, 0, 'no timer is left');
}

const BY_ITSELF: [string, string, number[], string][] = [
  ['ends with 0', 'exit 0', [0], 'OK info itself 0'],
  ['ends with a status that is good besides 0', 'exit 24', [0, 24], 'OK info itself 24'],
  ['ends with 42', 'exit 42', [0], 'Retry warning itself 42'],
  ['ends with 42 where that is good', 'exit 42', [0, 42], 'OK info itself 42'],
  ['ends with another status', 'exit 24', [0], 'Error error itself 24'],
  ['ends with 127, as sh does without a program', 'no-such-program', [0], 'Error error itself 127'],
  ['gets SIGKILL', 'kill -KILL $$', [0], 'Killed error itself SIGKILL'],
  ['gets SIGTERM', 'kill -TERM $$', [0], 'Terminated error itself SIGTERM'],
  ['gets another signal', 'kill -USR1 $$', [0], 'Signaled error itself SIGUSR1'],
  ['gets a real-time signal', 'kill -37 $$', [0], 'Signaled error itself SIGRTMIN+3'],
  ['kills its own group', 'sleep 1000 & kill -KILL 0; sleep 1000', [0], 'Killed error itself SIGKILL'],
  ['terminates its own group', 'sleep 1000 & kill -TERM 0; sleep 1000', [0], 'Terminated error itself SIGTERM'],
  ['uses up its CPU time', 'ulimit -S -t 1; while :; do :; done', [0], 'Signaled error itself SIGXCPU'],
];

for (const [name, script, success, expected] of BY_ITSELF) {
  test(`a task that ${name}: ${expected}`, async () => {
    await expectEnd(sh(script, { success }), expected);
  });
}

test('a task that writes a file past its limit is Signaled by SIGXFSZ', async () => {
  const file = join(folder, 'too-large');
  await expectEnd(sh(`ulimit -f 1; exec head -c 1000000 /dev/zero >'${file}'`), 'Signaled error itself SIGXFSZ');
});

test('a task out of time is a Timeout, also where it exits with 0 then', async () => {
  const run = start([program('exits-zero-on-term')]);
  await run.said('ready');
  run.clock.fire(TIMEOUT);
  await expectEnd(run, 'Timeout error timeout 0');
});

test('a task out of time that dies of SIGTERM is a Timeout', async () => {
  const run = sh('echo ready >&2; exec sleep 1000');
  await run.said('ready');
  run.clock.fire(TIMEOUT);
  await expectEnd(run, 'Timeout error timeout SIGTERM');
});

test('a task out of time that ignores SIGTERM is killed after its grace, and a Timeout', async () => {
  const run = start([program('ignores-term')]);
  await run.said('ready');
  run.clock.fire(TIMEOUT);
  run.clock.fire(GRACE);
  await expectEnd(run, 'Timeout error timeout SIGKILL');
});

for (const by of ['stop', 'kill', 'replace'] as const) {
  test(`a task ended by ${by} is Terminated, also where it exits with 0 then`, async () => {
    const run = start([program('exits-zero-on-term')]);
    await run.said('ready');
    run.end(by);
    await expectEnd(run, `Terminated warning ${by} 0`);
  });

  test(`a task ended by ${by} that took SIGKILL is Killed`, async () => {
    const run = start([program('ignores-term')]);
    await run.said('ready');
    run.end(by);
    run.clock.fire(GRACE);
    await expectEnd(run, `Killed warning ${by} SIGKILL`);
  });
}

test('a task that is killed at once is Killed', async () => {
  const run = start([program('ignores-term')]);
  await run.said('ready');
  run.kill();
  await expectEnd(run, 'Killed warning kill SIGKILL');
});

test('a task that no process can be made for is Failed', async () => {
  const run = start(['/bin/true', 'a\0b']);
  assert.equal(run.pid, null);
  run.end('stop');
  run.kill();
  await expectEnd(run, 'Failed error itself null');
});

test('a task that cannot be started is Failed', async () => {
  const file = join(folder, 'not-executable');
  writeFileSync(file, '#!/bin/sh\n', { mode: 0o644 });
  const run = start([file]);
  await run.exit;
  run.end('stop');
  run.kill();
  await expectEnd(run, 'Failed error itself null');
});
