/** What a task finds on its five descriptors (SPEC 7). */
import assert from 'node:assert/strict';
import { chmodSync, closeSync, openSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import koffi from 'koffi';
import { folder, sh, start } from './harness.ts';

test('parameters, result, log, state and new state go by fd 0 to 4', async () => {
  const run = sh('echo "got $(cat) and $(cat <&3)"; echo log >&2; echo new >&4', { param: 'a param', state: 'old' });
  const { code, state, stdoutBytes } = await run.exit;
  assert.equal(code, 0);
  assert.equal(run.stdout(), 'got a param and old\n');
  assert.equal(stdoutBytes, 20);
  assert.equal(run.stderr(), 'log\n');
  assert.equal(state?.toString(), 'new\n');
});

test('nothing at all is an end of file on fd 0 and 3, and no bytes from 1, 2 and 4', async () => {
  const run = sh('test -z "$(cat)" && test -z "$(cat <&3)"');
  const { code, state, stdoutBytes, stdoutError } = await run.exit;
  assert.equal(code, 0);
  assert.deepEqual([stdoutBytes, stdoutError, state, run.stderr()], [0, null, Buffer.alloc(0), '']);
  assert.equal(run.stdout(), '');
});

const BY_NAME: [string, string, string, string, string][] = [
  ['/dev/stdin is read', 'cat </dev/stdin', 'param', '', ''],
  ['/dev/fd/0 is read', 'cat /dev/fd/0', 'param', '', ''],
  ['/dev/fd/3 is read', 'cat /dev/fd/3', 'state', '', ''],
  ['/proc/self/fd/3 is read', 'cat /proc/self/fd/3', 'state', '', ''],
  ['an empty one too', 'cat /dev/fd/0 </dev/null', '', '', ''],
  ['/dev/stderr is written', 'echo x >/dev/stderr', '', 'x\n', ''],
  ['/dev/stderr is not truncated', 'echo a >&2; echo b >/dev/stderr; echo c >/dev/stderr', '', 'a\nb\nc\n', ''],
  ['/dev/stdout is not truncated', 'echo a; echo b >/dev/stdout; echo c >/dev/stdout', 'a\nb\nc\n', '', ''],
  ['/dev/fd/4 is written', 'echo s >/dev/fd/4; echo t >/dev/fd/4', '', '', 's\nt\n'],
];

for (const [name, script, stdout, stderr, state] of BY_NAME) {
  test(`by its name ${name}`, async () => {
    const run = sh(script, { param: 'param', state: 'state' });
    const exit = await run.exit;
    assert.deepEqual([exit.code, run.stdout(), run.stderr(), exit.state?.toString()], [0, stdout, stderr, state]);
  });
}

test('opened anew, the parameters are there again from the start', async () => {
  const run = sh('cat; cat </dev/stdin; cat', { param: 'twice ' });
  await run.exit;
  assert.equal(run.stdout(), 'twice twice ');
});

for (const [name, changes] of Object.entries({ 'with the exec helper': {}, 'without it': { helper: null } })) {
  test(`a task has no descriptor but the five, and a session and group of its own, ${name}`, async () => {
    // What this process was itself started with and is not closed on exec.
    const inherited = openInheritable();
    const run = sh('ls /proc/$$/fd; cut -d" " -f1,5,6 /proc/$$/stat', changes);
    const { pid } = await run.exit;
    closeSync(inherited);
    const [ids, ...fds] = run.stdout().trimEnd().split('\n').reverse();
    assert.equal(ids, `${pid} ${pid} ${pid}`);
    assert.deepEqual(fds.sort(), ['0', '1', '2', '3', '4']);
  });
}

/** A descriptor that execve(2) would leave open. */
function openInheritable(): number {
  const fd = openSync('/dev/null', 'r');
  const fcntl = koffi.load(null).func('int fcntl(int fd, int command, ...)');
  assert.equal(fcntl(fd, 2, 'int', 0), 0);
  return fd;
}

test('fd 1, 2 and 4 are pipes that block, and no signal is ignored or held back', async () => {
  const run = sh(`for fd in 1 2 4; do stat -L -c %F /proc/$$/fd/$fd; grep flags: /proc/$$/fdinfo/$fd; done
    grep -E 'Sig(Ign|Blk):' /proc/self/status`);
  await run.exit;
  const fd = 'fifo\nflags:\t01\n';
  const [pipes, signals = ''] = run
    .stdout()
    .replaceAll(/\t0+1\n/g, '\t01\n')
    .split(/(?=SigBlk)/);
  assert.equal(pipes, `${fd}${fd}${fd}`);
  const masks = [...signals.matchAll(/Sig(?:Blk|Ign):\t(\w{16})/g)].map(([, mask]) => BigInt(`0x${mask}`));
  // The signals of signal(7). Signal 32 is glibc's own, which some versions of Node leave ignored.
  assert.deepEqual(
    masks.map((mask) => mask & 0x7fff_ffffn),
    [0n, 0n],
  );
});

test('the environment is what was given and nothing else, and argv arrives as it is', async () => {
  const run = start(['/usr/bin/env', '-0'], { env: { B: '2', A: 'größe\n"', EMPTY: '' } });
  await run.exit;
  assert.equal(run.stdout(), 'B=2\0A=größe\n"\0EMPTY=\0');
  const args = start(['/bin/sh', '-c', 'printf "%s|" "$0" "$@"', 'zero', '', 'a b', '$HOME *', '\n']);
  await args.exit;
  assert.equal(args.stdout(), 'zero||a b|$HOME *|\n|');
});

test('NUL and bad UTF-8 come through as they are, in both directions', async () => {
  const bytes = Buffer.from([0, 0xff, 0xfe, 0, 0x80, 0xc3, 0x0a, 0xed, 0xa0, 0x80]);
  let log = Buffer.alloc(0);
  const run = sh('cat; cat <&3 >&2; cat /dev/stdin >&4', {
    param: bytes,
    state: bytes,
    onStderr: (chunk) => {
      log = Buffer.concat([log, chunk]);
    },
  });
  const { state } = await run.exit;
  assert.deepEqual([readFileSync(run.file), log, state], [bytes, bytes, bytes]);
});

test('what is handed to onStderr is the caller’s to keep', async () => {
  const chunks: Buffer[] = [];
  const run = sh('for i in 1 2 3 4 5 6 7 8 9; do head -c 60000 /dev/zero | tr "\\0" $i >&2; done', {
    onStderr: (chunk) => chunks.push(chunk),
  });
  await run.exit;
  const expected = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => `${i}`.repeat(60_000)).join('');
  assert.ok(chunks.length > 1);
  assert.ok(Buffer.concat(chunks).toString() === expected);
});

test('the file for fd 1 is private, new, and never a link that was put in its way', async () => {
  const run = sh('echo secret');
  await run.exit;
  assert.equal(statSync(run.file).mode & 0o7777, 0o600);

  const taken = join(folder, 'taken');
  writeFileSync(taken, 'precious');
  const refused = await sh('echo x', { stdout: taken }).result;
  assert.equal(refused.status, 'Failed');
  assert.match(refused.failure ?? '', /cannot be made: file already exists \(EEXIST\)/);
  assert.equal(readFileSync(taken, 'utf8'), 'precious');

  const link = join(folder, 'link');
  symlinkSync(join(folder, 'elsewhere'), link);
  assert.match((await sh('echo x', { stdout: link }).exit).failure ?? '', /EEXIST/);
});

test('a file for fd 1 that cannot be made fails the run alone', async () => {
  const missing = await sh('echo x', { stdout: join(folder, 'no-such-folder/stdout') }).result;
  assert.equal(missing.status, 'Failed');
  assert.match(missing.failure ?? '', /no such file or directory \(ENOENT\)/);
});

test('16 MiB of new state are taken, and not a byte more; the rest is read all the same', async () => {
  const full = await sh('head -c 16777216 /dev/zero >&4').exit;
  assert.equal(full.state?.length, 16 << 20);
  const over = sh('head -c 16777217 /dev/zero >&4; echo went on');
  assert.equal((await over.exit).state, null);
  assert.equal(over.stdout(), 'went on\n');
  assert.equal((await sh('head -c 50000000 /dev/zero >&4').result).state, null);
});

test('state that is written in tiny pieces comes whole', async () => {
  const run = sh('i=0; while [ $i -lt 3000 ]; do printf "%s," $i >&4; i=$((i+1)); done');
  const { state } = await run.exit;
  assert.equal(state?.toString(), Array.from({ length: 3000 }, (_, i) => `${i},`).join(''));
});

test('a program on a path with a colon, blanks and umlauts is run', async () => {
  const file = join(folder, 'a b:ü');
  writeFileSync(file, '#!/bin/sh\necho here\n');
  chmodSync(file, 0o755);
  const run = start([file]);
  await run.exit;
  assert.equal(run.stdout(), 'here\n');
});
