/** Whether a new start would get anywhere, tried with real programs. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { FateError } from '../../../src/errors.ts';
import { checkRestart, versionOf } from '../../../src/scheduler/restart-check.ts';

const { env } = process;

test('what a program says is its version', async () => {
  assert.equal(await versionOf(['echo', 'fated 2.0.1'], { env }), 'fated 2.0.1');
});

test('a program that fails, is not there or takes too long is told as such', async () => {
  const shell = (script: string, limit?: number) => versionOf(['/bin/sh', '-c', script], { env }, limit);
  await assert.rejects(shell('exit 3'), { code: 'FATAL', message: '/bin/sh -c exit 3 fails: exit status 3' });
  await assert.rejects(shell('kill -9 $$'), { message: /fails: SIGKILL$/ });
  await assert.rejects(shell("printf 'at x\\n\\nError: no module\\n  more\\n' >&2; exit 1"), {
    message: /exit status 1, Error: no module$/,
  });
  await assert.rejects(versionOf(['/nonexistent/x'], { env }), { code: 'FATAL', message: /spawn .* ENOENT$/ });
  await assert.rejects(shell('exec sleep 60', 100), { message: /fails: nothing came of it within 0\.1 s$/ });
  await assert.rejects(versionOf([process.execPath, '/nonexistent.js'], { env }), {
    message: /exit status 1, Error: Cannot find module '\/nonexistent\.js'$/,
  });
});

test('the configuration is read after that, and its errors are those of a start', async () => {
  const problems = [{ severity: 'error', kind: 'syntax', file: '/t.toml', path: [], message: 'x' }] as const;
  const load = async (): Promise<never> => {
    throw new FateError('CONF_SYNTAX', '/t.toml cannot be parsed', { problems });
  };
  await assert.rejects(checkRestart({ program: 'fated', command: ['/bin/echo', 'fated 2.0.1'], env, load }), {
    code: 'CONF_SYNTAX',
    message: 'a start would refuse the configuration: /t.toml cannot be parsed',
    problems,
  });
  const good = { program: 'fated', command: ['/bin/echo', 'fated 2.0.1'], env, load: async () => null } as const;
  assert.equal(await checkRestart(good), 'fated 2.0.1');
  let read = false;
  const reading = async (): Promise<void> => {
    read = true;
  };
  const bad = { program: 'fated', command: ['/bin/false'], env, load: reading } as const;
  await assert.rejects(checkRestart(bad), { code: 'FATAL' });
  assert.equal(read, false);
});

test('a program that does not say which Fate it is was cut short, or is another', async () => {
  const says = (text: string) =>
    checkRestart({ program: 'fated', command: ['/usr/bin/printf', text], env, load: async () => null });
  assert.equal(await says('fated 2.0.0-alpha.1\\n'), 'fated 2.0.0-alpha.1');
  await assert.rejects(says(''), { code: 'FATAL', message: '/usr/bin/printf  says "", and not which fated it is' });
  for (const other of ['fates 2.0.1', 'fated', 'v20.20.2', '\\033[31mfated 2.0.1', 'fated 2.0.1\\nfated 2.0.1']) {
    await assert.rejects(says(other), { message: /says "[^\n]*", and not which fated it is$/ }, other);
  }
});

test('a check that is given up ends at once, also where something holds its streams', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fate-check-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const ready = join(folder, 'ready');
  const ending = new AbortController();
  const script = 'sleep 60 & echo $! >"$1.new"; mv "$1.new" "$1"; wait';
  const command = ['/bin/sh', '-c', script, 'sh', ready] as const;
  const checking = checkRestart({ program: 'fated', command, env, load: async () => null, signal: ending.signal });
  while (!existsSync(ready)) await pause(10);
  const holder = Number(readFileSync(ready, 'utf8'));
  t.after(() => process.kill(holder, 'SIGKILL'));
  ending.abort();
  await assert.rejects(checking, { code: 'FATAL', message: /fails: The operation was aborted$/ });
});
