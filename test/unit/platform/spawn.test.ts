import assert from 'node:assert/strict';
import { spawn as nodeSpawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { native } from '../../../src/platform/native.ts';
import { signalName, signalNumber } from '../../../src/platform/signal-names.ts';
import type { WaitStatus } from '../../../src/types.ts';
import { repo } from '../../helpers/repo.ts';

const built = (path: string): string => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);
const descriptors = (): number => readdirSync('/proc/self/fd').length;

function end(...script: readonly string[]): Promise<WaitStatus> {
  return native.spawn({ file: '/bin/sh', argv: ['sh', '-c', ...script], env: {}, fds: [] }).ended;
}

/** Runs a program with pipes for its first descriptors; what it wrote on fd 1. */
async function output(file: string, argv: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const input = openSync('/dev/null', 'r');
  const { read, write } = native.pipe();
  const child = native.spawn({ file, argv, env, fds: [input, write] });
  for (const fd of [input, write]) closeSync(fd);
  assert.equal((await child.ended).code, 0);
  const text = readFileSync(read, 'utf8');
  closeSync(read);
  return text;
}

test('exit statuses and signals are told as they are, real-time signals too', async () => {
  const told = async (script: string): Promise<unknown[]> => {
    const { code, signal } = await end(script);
    return [code, signal];
  };
  assert.deepEqual(await told('exit 0'), [0, null]);
  assert.deepEqual(await told('exit 255'), [255, null]);
  assert.deepEqual(await told('kill -TERM $$'), [null, 'SIGTERM']);
  assert.deepEqual(await told('kill -ABRT $$'), [null, 'SIGABRT']);
  const first = Number(spawnSync('bash', ['-c', 'kill -l SIGRTMIN'], { encoding: 'utf8' }).stdout);
  assert.deepEqual(await told(`kill -${first} $$`), [null, 'SIGRTMIN+0']);
  assert.deepEqual(await told(`kill -${first + 7} $$`), [null, 'SIGRTMIN+7']);
  assert.deepEqual(await told('kill -64 $$'), [null, `SIGRTMIN+${64 - first}`]);
});

test('each signal has one name, and its name gives its number back', () => {
  for (let number = 1; number <= 64; number++) assert.equal(signalNumber(signalName(number)), number, `${number}`);
  assert.deepEqual([signalName(6), signalName(29), signalNumber('SIGNAL')], ['SIGABRT', 'SIGIO', null]);
});

test('memory and processor time are those of the child', async () => {
  const { cpu } = await end('i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done');
  assert.ok(cpu > 20 && Number.isInteger(cpu), `${cpu} ms`);
  const size = 400_000_000;
  const { memory } = await end('exec "$0" -e "$1"', process.execPath, `Buffer.alloc(${size}, 1)`);
  assert.ok(memory > size && memory < 2 * size, `${memory}`);
});

test('argv, its first word and the environment arrive as they are, and nothing else does', async () => {
  const argv = ['another name', '', 'a b', 'größe\n', '$HOME *'];
  assert.equal(await output('/bin/sh', ['x', '-c', 'printf "%s|" "$0" "$@"', ...argv]), `${argv.join('|')}|`);
  assert.equal(await output('/usr/bin/env', ['env', '-0'], { B: '', A: 'ü\n"' }), 'B=\0A=ü\n"\0');
  const name = await output('/bin/cat', ['another name', '/proc/self/cmdline']);
  assert.equal(name, 'another name\0/proc/self/cmdline\0');
});

test('a file that cannot be run is a system error of that file', () => {
  const attempt = (file: string) => () => native.spawn({ file, argv: [file], env: {}, fds: [] });
  assert.throws(attempt('/no/such/file'), { code: 'ENOENT', syscall: 'posix_spawn', errno: -2 });
  assert.throws(attempt('/etc/passwd'), { code: 'EACCES' });
  const text = join(repo, 'test/fixtures/programs/no-shebang');
  assert.throws(attempt(text), { code: 'ENOEXEC', message: 'ENOEXEC: Exec format error, posix_spawn' });
  assert.throws(attempt('/'), { code: 'EACCES' });
  assert.throws(attempt(`/${'x'.repeat(300)}`), { code: 'ENAMETOOLONG' });
  assert.equal(process.listenerCount('SIGCHLD'), 0);
});

test('a NUL byte is refused, not taken for an end', () => {
  const request = { file: '/bin/true', argv: ['true'], env: {}, fds: [] };
  for (const change of [{ file: '/bin/true\0x' }, { argv: ['a\0b'] }, { env: { A: 'a\0b' } }]) {
    assert.throws(() => native.spawn({ ...request, ...change }), { code: 'EINVAL', syscall: 'posix_spawn' });
  }
});

test('a descriptor that is not open is told, and nothing stays open', () => {
  const before = descriptors();
  const attempt = (fds: readonly number[]) => () => native.spawn({ file: '/bin/true', argv: ['true'], env: {}, fds });
  assert.throws(attempt([0, 1, 2, 9999]), { code: 'EBADF' });
  assert.equal(descriptors(), before);
});

test('descriptors come in the order given, also where they stand in each other’s place', async () => {
  const [a, b] = [native.pipe(), native.pipe()];
  writeSync(a.write, 'from a');
  writeSync(b.write, 'from b');
  closeSync(a.write);
  closeSync(b.write);
  const result = native.pipe();
  const script = 'cat <&3; cat <&0';
  const fds = [a.read, result.write, 2, b.read];
  const child = native.spawn({ file: '/bin/sh', argv: ['sh', '-c', script], env: { PATH: '/bin:/usr/bin' }, fds });
  for (const fd of [a.read, b.read, result.write]) closeSync(fd);
  assert.equal((await child.ended).code, 0);
  assert.equal(readFileSync(result.read, 'utf8'), 'from bfrom a');
  closeSync(result.read);
});

test('a scheduler without descriptors 0 to 2 starts programs as any other', () => {
  // Its pipes then have the very numbers that the child's are to get, in another order.
  const program = `
    const fs = await import('node:fs');
    const { native } = await import(${built('platform/native.js')});
    await native.spawn({ file: '/bin/true', argv: ['true'], env: {}, fds: [] }).ended;
    for (const fd of [0, 1, 2]) fs.closeSync(fd);
    const input = native.memoryFile('x', 'param');
    const out = native.pipe();
    fs.writeSync(3, JSON.stringify([out.read, out.write, input].map((fd) => fd < 3)) + '\\n');
    const child = native.spawn({ file: '/bin/sh', argv: ['sh', '-c', 'cat; echo; ls /proc/$$/fd'],
      env: { PATH: '/bin:/usr/bin' }, fds: [input, out.write, out.write] });
    fs.closeSync(out.write);
    const { code } = await child.ended;
    fs.writeSync(3, code + ' ' + fs.readFileSync(out.read, 'utf8'));
    // Node itself looks at 0 to 2 once more when it ends, and aborts where one is not there.
    for (const fd of [out.read, input]) fs.closeSync(fd);
    for (const fd of [0, 1, 2]) fs.openSync('/dev/null');
  `;
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', '"$0" --input-type=module -e "$1" 3>&1', process.execPath, program],
    {
      encoding: 'utf8',
      timeout: 20_000,
    },
  );
  assert.equal(stdout, '[true,true,true]\n0 param\n0\n1\n2\n', stderr);
});

test('500 quick children at once are all told, each with its own status', async () => {
  const before = descriptors();
  const statuses = await Promise.all(Array.from({ length: 500 }, (_, i) => end(`exit ${i % 256}`)));
  assert.deepEqual(
    statuses.map(({ code }) => code),
    Array.from({ length: 500 }, (_, i) => i % 256),
  );
  assert.equal(descriptors(), before);
  assert.equal(process.listenerCount('SIGCHLD'), 0);
});

test('the children of child_process stay Node’s, and ours stay ours', async () => {
  const theirs = Array.from({ length: 40 }, async (_, i) => {
    const [code] = await once(nodeSpawn('/bin/sh', ['-c', `exit ${i}`]), 'exit');
    return code;
  });
  const ours = Array.from({ length: 40 }, async (_, i) => (await end(`exit ${100 + i}`)).code);
  assert.equal(spawnSync('/bin/sh', ['-c', 'exit 7']).status, 7);
  assert.deepEqual(
    await Promise.all(theirs),
    Array.from({ length: 40 }, (_, i) => i),
  );
  assert.deepEqual(
    await Promise.all(ours),
    Array.from({ length: 40 }, (_, i) => 100 + i),
  );
});

test('a child keeps this process alive until it has ended, and no longer', () => {
  const program = `
    const { native } = await import(${built('platform/native.js')});
    const child = native.spawn({ file: '/bin/sleep', argv: ['sleep', '0.3'], env: {}, fds: [0, 1, 2] });
    child.ended.then(({ code }) => console.log('ended', code));
  `;
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  assert.deepEqual([stdout, status], ['ended 0\n', 0], stderr);
});

test('a scheduler that was started with SIGCHLD ignored sees its children end, and hands them usual signals', () => {
  const program = `
    const { native } = await import(${built('platform/native.js')});
    const child = native.spawn({ file: '/bin/grep', argv: ['grep', '-E', 'Sig(Ign|Blk)', '/proc/self/status'], env: {}, fds: [0, 1, 2] });
    child.ended.then(({ code }) => console.log('ended', code));
  `;
  const script = 'trap \'\' CHLD HUP USR1 PIPE; exec "$0" --input-type=module -e "$1"';
  const { stdout } = spawnSync('sh', ['-c', script, process.execPath, program], { encoding: 'utf8', timeout: 20_000 });
  assert.equal(stdout, 'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nended 0\n');
});

test('giveTo hands a pipe to a user, and names the error', {
  skip: process.getuid?.() !== 0 && 'only root may',
}, () => {
  const { read, write } = native.pipe();
  native.giveTo(write, 65_534, 65_534);
  const owner = spawnSync('stat', ['-L', '-c', '%u:%g', '/dev/stdin'], { stdio: [read, 'pipe', 'inherit'] });
  assert.equal(owner.stdout.toString(), '65534:65534\n');
  closeSync(read);
  closeSync(write);
  assert.throws(() => native.giveTo(write, 0, 0), { code: 'EBADF', syscall: 'fchown' });
});

test('a child that asks to be traced is let go on, and its end is its end', async (t) => {
  if (spawnSync('python3', ['-c', '']).status !== 0) return t.skip('no python3 here');
  const script =
    'import ctypes, os, sys; ctypes.CDLL(None).ptrace(0, 0, 0, 0); os.kill(os.getpid(), 28); os.execvp("sh", ["sh", "-c", "exit 7"])';
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin' };
  const child = native.spawn({ file: '/usr/bin/env', argv: ['env', 'python3', '-c', script], env, fds: [0, 1, 2] });
  assert.equal((await child.ended).code, 7);
});
