/** Much output: it goes to the disk as it comes, and memory does not grow with it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, openDescriptors, sh, start } from './harness.ts';

const MIB = 1 << 20;

/** The most memory this process ever had, in bytes. */
const peak = (): number => process.resourceUsage().maxRSS * 1024;

test('1 GB of output is written to the file, and memory stays where it was', async () => {
  await sh('head -c 1000000 /dev/zero').exit;
  const before = peak();
  const descriptors = openDescriptors();
  const run = start(['/usr/bin/head', '-c', '1G', '/dev/zero']);
  const { code, stdoutBytes, stdoutError } = await run.exit;
  assert.deepEqual([code, stdoutBytes, stdoutError], [0, 1024 * MIB, null]);
  assert.equal(statSync(run.file).size, 1024 * MIB);
  rmSync(run.file);
  const grown = peak() - before;
  assert.ok(grown < 32 * MIB, `memory grew by ${Math.round(grown / MIB)} MiB`);
  assert.equal(openDescriptors(), descriptors);
});

test('50 MB on stderr without a separator come through, chunk by chunk', async () => {
  const before = peak();
  let bytes = 0;
  let largest = 0;
  const run = sh('head -c 50000000 /dev/zero | tr "\\0" x >&2', {
    onStderr(chunk) {
      bytes += chunk.length;
      largest = Math.max(largest, chunk.length);
    },
  });
  assert.equal((await run.exit).code, 0);
  assert.equal(bytes, 50_000_000);
  assert.ok(largest <= 64 << 10, `a chunk of ${largest}`);
  assert.ok(peak() - before < 96 * MIB);
});

test('what a large output holds is what was written, in its order', async () => {
  const run = sh('seq 1 3000000');
  const { stdoutBytes } = await run.exit;
  const expected = spawnSync('sh', ['-c', 'seq 1 3000000 | sha256sum'], { encoding: 'utf8' }).stdout.split(' ')[0];
  const found = spawnSync('sha256sum', [run.file], { encoding: 'utf8' }).stdout.split(' ')[0];
  assert.equal(found, expected);
  assert.equal(stdoutBytes, statSync(run.file).size);
  rmSync(run.file);
});

test('a disk that fills up does not end the run, and the run says what is missing', async (t) => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', disk]);
  if (mounted.status !== 0) {
    t.skip('a small disk cannot be mounted here');
    return;
  }
  try {
    const run = sh('head -c 5000000 /dev/zero; echo on >&2; echo new >&4', { stdout: join(disk, 'stdout') });
    const { code, stdoutBytes, stdoutError, state } = await run.exit;
    assert.deepEqual([code, run.stderr(), state?.toString()], [0, 'on\n', 'new\n']);
    assert.equal(stdoutError, `no space left on device (ENOSPC), after ${stdoutBytes} bytes`);
    assert.equal(stdoutBytes, readFileSync(run.file).length);
    assert.ok(stdoutBytes > 0 && stdoutBytes <= MIB);

    const full = await sh('echo x', { stdout: join(disk, 'second') }).exit;
    assert.deepEqual([full.code, full.stdoutBytes], [0, 0]);
    assert.match(full.stdoutError ?? '', /ENOSPC/);
  } finally {
    spawnSync('umount', [disk]);
  }
});
