/** limits.output and limits.log, and their words. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { openGate } from '../../../src/execution/limits.ts';
import { GRACE, program, sh, start } from './harness.ts';

test('a run is ended once stdout is over its limit, and what came up to it is kept', async () => {
  const run = sh('while :; do echo 0123456789; done', { outputLimit: 1 << 20 });
  const { status, endedBy, limit, signal, stdoutBytes, stdoutError } = await run.result;
  assert.deepEqual([status, endedBy, signal], ['Error', 'limit', 'SIGTERM']);
  assert.equal(limit, 'stdout is over limits.output (1 MiB)');
  assert.deepEqual([stdoutBytes, statSync(run.file).size, stdoutError], [1 << 20, 1 << 20, null]);
  assert.ok(readFileSync(run.file, 'utf8').startsWith('0123456789\n0123456789\n'));
  assert.equal(run.clock.armed, 0);
});

test('a task over its limit that ignores SIGTERM, and goes on writing, is killed after the grace', async () => {
  const run = sh("trap '' TERM; echo ready >&2; while :; do echo 0123456789; done", { outputLimit: 5 });
  await run.said('ready');
  while (run.clock.armed < 2) await new Promise((resolve) => setImmediate(resolve));
  run.clock.fire(GRACE);
  const { status, endedBy, signal, stdoutBytes } = await run.result;
  assert.deepEqual([status, endedBy, signal, stdoutBytes], ['Error', 'limit', 'SIGKILL', 5]);
});

test('a task that is over its limit only with its last breath is over it all the same', async () => {
  const { status, endedBy, limit, code, stdoutBytes } = await sh('printf 123456', { outputLimit: 5 }).result;
  assert.deepEqual([status, endedBy, stdoutBytes], ['Error', 'limit', 5]);
  assert.equal(limit, 'stdout is over limits.output (5 bytes)');
  assert.ok(code === 0 || code === null);
});

test('as many bytes as the limit are none too many, and no limit is none', async () => {
  const exact = await sh('printf 12345', { outputLimit: 5 }).result;
  assert.deepEqual([exact.status, exact.endedBy, exact.limit, exact.stdoutBytes], ['OK', 'itself', null, 5]);
  const none = await sh('printf x', { outputLimit: 0 }).result;
  assert.deepEqual([none.status, none.limit, none.stdoutBytes], ['Error', 'stdout is over limits.output (0 bytes)', 0]);
});

test('what ended a run before its limit did is what ended it', async () => {
  const run = start([program('ignores-term')], { outputLimit: 1 });
  await run.said('ready');
  run.end('stop');
  run.kill();
  const { endedBy, limit } = await run.exit;
  assert.deepEqual([endedBy, limit], ['stop', null]);
});

test('stderr past its limit is dropped and counted, and the run goes on', async () => {
  const run = sh('head -c 300000 /dev/zero | tr "\\0" x >&2; echo went on; echo more >&2', { logLimit: 100_001 });
  const { status, stderrDropped, endedBy } = await run.result;
  assert.deepEqual([status, endedBy, stderrDropped], ['OK', 'itself', 300_005 - 100_001]);
  assert.equal(run.stderr(), 'x'.repeat(100_001));
  assert.equal(run.stdout(), 'went on\n');
  const within = await sh('printf 12345 >&2', { logLimit: 5 }).exit;
  assert.equal(within.stderrDropped, 0);
});

test('a gate lets through the first bytes, however they come, and says once that there were more', () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 });
  fc.assert(
    fc.property(chunks, fc.option(fc.nat(200)), (all, limit) => {
      const passed: Buffer[] = [];
      let over = 0;
      const gate = openGate(
        limit,
        (chunk) => passed.push(Buffer.from(chunk)),
        () => {
          over += 1;
        },
      );
      for (const chunk of all) gate.take(Buffer.from(chunk));
      const whole = Buffer.concat(all);
      const kept = limit ?? whole.length;
      assert.deepEqual(Buffer.concat(passed), whole.subarray(0, kept));
      assert.equal(gate.dropped, Math.max(0, whole.length - kept));
      assert.equal(over, gate.dropped > 0 ? 1 : 0);
      assert.ok(passed.every((chunk) => chunk.length > 0));
    }),
  );
});
