/** The ways in which tasks are nasty: none of them may harm, stop or fool the scheduler. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram } from '../../../src/execution/command.ts';
import { folder, GRACE, lives, pidsIn, program, putDown, sh, start, stateOf } from './harness.ts';

test('a task that closes stdin at once with 100 MB of parameters', async () => {
  const run = sh('exec <&-; echo done', { param: Buffer.alloc(100_000_000, 'x') });
  const { code } = await run.exit;
  assert.deepEqual([code, run.stdout()], [0, 'done\n']);
});

test('a task that reads all of its 100 MB of parameters, and of state', async () => {
  const run = sh('wc -c; wc -c <&3', { param: 'x'.repeat(100_000_000), state: Buffer.alloc(100_000_000) });
  await run.exit;
  assert.equal(run.stdout(), '100000000\n100000000\n');
});

test('a task that ends while much waits in its pipes: all that it wrote is read', async () => {
  const script = `head -c 60000 /dev/zero; head -c 60000 /dev/zero >&2; head -c 60000 /dev/zero >&4`;
  for (let i = 0; i < 10; i++) {
    const run = sh(script);
    const { stdoutBytes, state } = await run.exit;
    assert.deepEqual([stdoutBytes, run.stderr().length, state?.length], [60_000, 60_000, 60_000]);
  }
});

test('what a task writes with its last breath, after the loop looked at its pipes, is read too', async () => {
  const go = join(folder, 'go');
  const late = sh(`echo first >&2; while ! [ -e '${go}' ]; do :; done; echo last; echo last >&2; echo last >&4`, {
    onStderr(chunk) {
      log.push(chunk.toString());
      if (log.length > 1) return;
      // In one turn of the loop, between reading and reaping: the task writes, and ends.
      writeFileSync(go, '');
      while (stateOf(late.pid ?? 0) !== 'Z');
    },
  });
  const log: string[] = [];
  // Another child's end is in that same turn, which makes Node reap every one.
  const other = sh('exit 0');
  while (stateOf(other.pid ?? 0) !== 'Z');
  const { state } = await late.exit;
  assert.deepEqual([late.stdout(), log.join(''), state?.toString()], ['last\n', 'first\nlast\n', 'last\n']);
  await other.exit;
});

test('a child that holds every pipe and writes for ever delays nothing', async () => {
  const run = start([program('leaves-writer')]);
  const exit = await run.exit;
  const [writer = 0] = pidsIn(exit);
  try {
    assert.deepEqual([exit.code, exit.left], [0, 1]);
    assert.match(run.stdout(), /^mine$/m);
    assert.equal(readFileSync(run.file).length, exit.stdoutBytes);
    assert.equal(lives(writer), true);
  } finally {
    putDown(writer);
  }
});

test('a child that holds every pipe in silence delays nothing', async () => {
  const run = sh('sleep 1000 & echo $! >&4; echo mine');
  const exit = await run.exit;
  putDown(...pidsIn(exit));
  assert.deepEqual([exit.code, exit.left, run.stdout()], [0, 1, 'mine\n']);
});

test('a task that ignores SIGTERM', async () => {
  const run = start([program('ignores-term')]);
  await run.said('ready');
  run.end('stop');
  run.clock.fire(GRACE);
  assert.equal((await run.exit).signal, 'SIGKILL');
});

test('a double fork that stays in the group is counted, and one that leaves it is not', async () => {
  const stays = await sh('(sleep 1000 & echo $! >&4); exit 0').exit;
  putDown(...pidsIn(stays));
  assert.equal(stays.left, 1);
  const leaves = await sh("echo $(setsid sh -c 'echo $$; exec sleep 1000 >/dev/null' &) >&4").exit;
  const pids = pidsIn(leaves);
  try {
    assert.equal(leaves.left, 0);
    assert.equal(lives(pids[0] ?? 0), true);
  } finally {
    putDown(...pids);
  }
});

test('a task that closes all its descriptors and goes on is waited for', async () => {
  const fifo = join(folder, 'fifo');
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
  const run = start([program('closes-everything'), fifo]);
  // Opening a fifo waits for the other side, which comes after everything was closed.
  const line = await open(fifo, 'w');
  assert.equal(lives(run.pid ?? 0), true);
  await line.write('23\n');
  await line.close();
  assert.equal((await run.exit).code, 23);
  await rm(fifo);
});

test('a text file without a shebang is run by sh', async () => {
  const run = start([program('no-shebang'), 'an argument']);
  assert.equal((await run.exit).code, 0);
  assert.equal(run.stdout(), 'run by sh: an argument\n');
});

const files: [string, () => string, RegExp][] = [
  [
    'has a bad interpreter',
    () => program('bad-interpreter'),
    /the interpreter .* \/no\/such\/interpreter does not exist/,
  ],
  ['is not executable', () => script('plain', '#!/bin/sh\n', 0o644), /plain is not executable$/],
  ['is a folder', () => folder, /is a folder, not a program$/],
  ['is not there', () => join(folder, 'nowhere'), /nowhere does not exist$/],
  ['lies in what is no folder', () => join(program('no-shebang'), 'x'), /no-shebang\/x does not exist$/],
  ['has lines that end as in Windows', () => script('crlf', '#!/bin/sh\r\necho x\r\n', 0o755), /Windows \(CR LF\)$/],
  ['has a folder as interpreter', () => script('dir', '#!/usr/bin\n', 0o755), /\/usr\/bin is a folder/],
  ['has too long a name', () => `/${'x'.repeat(300)}`, /name too long \(ENAMETOOLONG\)$/],
];

function script(name: string, text: string, mode: number): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

for (const [name, make, message] of files) {
  test(`a program that ${name} is told so`, async () => {
    const { status, failure } = await start([make()]).result;
    assert.equal(status, 'Failed');
    assert.match(failure ?? '', message);
    assert.doesNotMatch(failure ?? '', /\n|\.$|spawn/);
  });
}

test('a program that vanishes between the check and the start is told so', async () => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const file = script('bin/fate-fleeting', '#!/bin/sh\n', 0o755);
  const found = findProgram('fate-fleeting', bin);
  assert.equal(found, file);
  rmSync(file);
  const { status, failure } = await start([file]).result;
  assert.deepEqual([status, failure], ['Failed', `${file} does not exist`]);
});

test('a program that is being written is told so', async () => {
  const file = join(folder, 'busy');
  writeFileSync(file, readFileSync('/bin/true'), { mode: 0o755 });
  const handle = await open(file, 'r+');
  const { failure } = await start([file]).exit;
  await handle.close();
  assert.match(failure ?? '', /while it is being written \(ETXTBSY\)$/);
});

const WORDS: [string, string[], Record<string, string>, RegExp][] = [
  ['a NUL in an argument', ['/bin/echo', 'a', 'b\0c'], {}, /^argument 2 holds a NUL byte/],
  ['a NUL in the environment', ['/bin/echo'], { X: 'a\0b' }, /^the environment variable "X" holds a NUL byte/],
  [
    'one argument over 128 KiB',
    ['/bin/echo', 'x'.repeat(131_072)],
    {},
    /^argument 1 is too long, over 128 KiB \(E2BIG\)/,
  ],
  [
    'one variable over 128 KiB',
    ['/bin/echo'],
    { BIG: 'x'.repeat(131_072) },
    /^the environment variable BIG is too long/,
  ],
  ['100,000 arguments', ['/bin/echo', ...Array(100_000).fill('y'.repeat(100))], {}, /too long together \(E2BIG\)/],
  ['no program at all', [], {}, /^no program is named$/],
  ['an empty name', [''], {}, /^no program is named$/],
];

for (const [name, argv, env, message] of WORDS) {
  test(`${name} fails that run with a sentence`, async () => {
    const { status, failure } = await start(argv, { env }).result;
    assert.equal(status, 'Failed');
    assert.match(failure ?? '', message);
  });
}

test('an argument of 131,071 bytes is passed', async () => {
  const run = start(['/bin/sh', '-c', 'printf %s "$1" | wc -c', 'sh', 'x'.repeat(131_071)]);
  assert.equal((await run.exit).code, 0);
  assert.equal(run.stdout(), '131071\n');
});
