/** Nothing of a run stays in the daemon, however it ended or failed to start. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { native } from '../../../src/platform/native.ts';
import { folder, openDescriptors, pidsIn, program, putDown, sh, start } from './harness.ts';
import { helper } from './helper.ts';

const built = (path: string): string => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);

/** What keeps this process from ending besides what it was born with. */
async function resources(): Promise<string[]> {
  // Handles close in a later phase of the loop's turn.
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  return process.getActiveResourcesInfo().filter((name) => /Process|Pipe|Timeout|FSReq/.test(name));
}

test('200 runs of every kind leave no descriptor, timer, process or handle', async () => {
  await sh('exit 0').exit;
  const descriptors = openDescriptors();
  const handles = await resources();
  const plain = join(folder, 'plain-text');
  writeFileSync(plain, 'x', { mode: 0o644 });
  const kinds = [
    () => sh('echo x; echo y >&2; echo z >&4', { param: 'p', state: 's' }),
    () => sh('exec <&- >&- 2>&- 3<&- 4>&-; exit 3'),
    () => sh('kill -KILL 0'),
    () => start([join(folder, 'nowhere')]),
    () => start([plain], { param: 'p', state: 's' }),
    () => start([program('bad-interpreter')]),
    () => start(['/bin/echo', 'a\0b'], { param: 'p' }),
    () => start(['/bin/echo', 'x'.repeat(200_000)], { param: 'p' }),
    () => sh('echo x', { stdout: plain, param: 'p' }),
    () => sh('sleep 1000', { timeout: 10 }),
  ];
  for (let round = 0; round < 20; round++) {
    const runs = kinds.map((kind) => kind());
    for (const run of runs) await run.exit;
    for (const run of runs) assert.equal(run.clock.armed, 0);
  }
  assert.equal(openDescriptors(), descriptors);
  assert.deepEqual(await resources(), handles);
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
  assert.equal(children, '');
});

test('200 runs at once each get their own, and leave nothing', async () => {
  const descriptors = openDescriptors();
  const runs = Array.from({ length: 200 }, (_, i) =>
    sh('read -r n; echo "out $n"; echo "log $n" >&2; echo "state $n" >&4', { param: `${i}\n` }),
  );
  const exits = await Promise.all(runs.map((run) => run.exit));
  for (const [i, run] of runs.entries()) {
    const state = exits[i]?.state?.toString();
    assert.deepEqual([run.stdout(), run.stderr(), state], [`out ${i}\n`, `log ${i}\n`, `state ${i}\n`]);
    rmSync(run.file);
  }
  assert.equal(openDescriptors(), descriptors);
});

test('a grandchild that holds the pipes holds no descriptor of ours', async () => {
  const descriptors = openDescriptors();
  const exit = await sh('sleep 1000 & echo $! >&4; exit 0').exit;
  assert.equal(openDescriptors(), descriptors);
  putDown(...pidsIn(exit));
});

test('a descriptor that the task closed early, and that is another’s by now, is left alone at its end', async () => {
  const before = openDescriptors();
  const run = sh('exec 4>&-; echo ready >&2; read -r go </dev/fd/0; while ! [ -e "$go" ]; do :; done', {
    param: `${join(folder, 'go')}\n`,
  });
  await run.said('ready');
  const during = before + 5;
  while (openDescriptors() === during) await new Promise((resolve) => setImmediate(resolve));
  const pipes = Array.from({ length: 4 }, () => native.pipe());
  for (const { write } of pipes) writeSync(write, 'mine');
  writeFileSync(join(folder, 'go'), '');
  await run.exit;
  for (const { read, write } of pipes) {
    assert.equal(native.bytesWaiting(read), 4);
    closeSync(read);
    closeSync(write);
  }
  assert.equal(openDescriptors(), before);
});

test('when descriptors run out at any point of a start, that run fails and nothing leaks', () => {
  const script = `
    const { launch } = await import(${built('execution/launch.js')});
    const { native } = await import(${built('platform/native.js')});
    const { systemClock } = await import(${built('platform/clock.js')});
    const fs = await import('node:fs');
    let count = 0;
    const run = () => launch({ argv: ['/bin/true'], env: {}, param: 'p', state: 's', context: { identity: null, cwd: null, umask: null, nice: null }, group: null,
      outputLimit: null, logLimit: null, helper: ${JSON.stringify(helper)}, timeout: null, grace: 0,
      stdout: ${JSON.stringify(join(folder, 'emfile-'))} + count++, clock: systemClock, native, onStderr() {} }).exit;
    await run();
    const before = fs.readdirSync('/proc/self/fd').length;
    const held = [];
    try { for (;;) held.push(fs.openSync('/dev/null')); } catch {}
    const failures = [];
    let exit;
    do {
      exit = await run();
      failures.push(exit.failure === null ? 'started' : /too many open files \\(EMFILE\\)$/.test(exit.failure) ? 'EMFILE' : exit.failure);
      const fd = held.pop();
      if (fd !== undefined) fs.closeSync(fd);
    } while (exit.failure !== null && held.length > 0);
    for (const fd of held) fs.closeSync(fd);
    console.log(JSON.stringify({ failures, more: fs.readdirSync('/proc/self/fd').length - before }));
  `;
  const { stdout, stderr, status } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 100; exec "$0" --input-type=module -e "$1"', process.execPath, script],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  const { failures, more } = JSON.parse(stdout) as { failures: string[]; more: number };
  assert.equal(failures.at(-1), 'started');
  assert.ok(failures.length > 8, `${failures.length} steps`);
  assert.deepEqual([...new Set(failures)], ['EMFILE', 'started']);
  assert.equal(more, 0);
});

test('a file size limit of the scheduler’s own is a failed write, not its death', () => {
  const file = join(folder, 'limited');
  const script = `
    const { launch } = await import(${built('execution/launch.js')});
    const { native } = await import(${built('platform/native.js')});
    const { systemClock } = await import(${built('platform/clock.js')});
    const exit = await launch({ argv: ['/bin/sh', '-c', 'head -c 5000000 /dev/zero; exit 4'], env: process.env,
      context: { identity: null, cwd: null, umask: null, nice: null }, group: null, outputLimit: null, logLimit: null,
      param: '', state: '', timeout: null, grace: 0, stdout: ${JSON.stringify(file)}, clock: systemClock, native,
      onStderr() {} }).exit;
    console.log(JSON.stringify([exit.code, exit.stdoutBytes, exit.stdoutError]));
  `;
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'ulimit -f 2000; exec "$0" --input-type=module -e "$1"', process.execPath, script],
    { encoding: 'utf8' },
  );
  assert.deepEqual(JSON.parse(stdout || 'null'), [4, 1_024_000, 'file too large (EFBIG), after 1024000 bytes'], stderr);
});
