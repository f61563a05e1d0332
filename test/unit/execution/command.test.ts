import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram, resolveCommand } from '../../../src/execution/command.ts';
import type { Command, Scope, Template } from '../../../src/types.ts';
import { makeTask } from '../../helpers/tasks.ts';
import { folder } from './harness.ts';

const one = join(folder, 'one');
const two = join(folder, 'two');
for (const bin of [one, two, join(one, 'a-folder')]) mkdirSync(bin);
function put(file: string, mode: number): string {
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, mode);
  return file;
}
put(join(one, 'plain'), 0o644);
put(join(two, 'plain'), 0o755);
put(join(two, 'fate-disk'), 0o755);
put(join(two, 'sh'), 0o755);
put(join(one, 'locked'), 0o600);
const PATH = `${one}:${two}`;

const scope: Scope = {
  env: {},
  taskName: 'disk',
  zone: null,
  now: 0,
  due: 0,
  attempt: 1,
  runId: 'r1',
  host: { name: 'h', id: '', cpus: 2, memory: 1 << 30, uid: 0, boot: { kernel: '', id: '', at: 0 } },
};
const text = (source: string): Template => ({ source, render: (s) => source.replaceAll('<task>', s.taskName) });
const broken: Template = {
  source: '<%= env.X.y %>',
  render() {
    throw new Error('env.X is undefined');
  },
};
const resolved = (command: Command, env: Record<string, string> = { PATH }, cwd: string | null = null) =>
  resolveCommand(makeTask('disk', { command }), scope, env, cwd);

test('a program is looked for folder by folder, and what is not executable or no file is passed over', () => {
  assert.equal(findProgram('plain', PATH), join(two, 'plain'));
  assert.equal(findProgram('a-folder', PATH), null);
  assert.equal(findProgram('locked', PATH), null);
  assert.equal(findProgram('nowhere', PATH), null);
  assert.equal(findProgram('', PATH), null);
  assert.equal(findProgram('..', PATH), null);
});

test('a name with a / is that file or nothing', () => {
  assert.equal(findProgram(join(two, 'plain'), ''), join(two, 'plain'));
  assert.equal(findProgram(join(one, 'plain'), PATH), null);
  assert.equal(findProgram('./plain', PATH), null);
});

test('empty items of PATH are not the current folder, and no PATH at all is the usual one', () => {
  assert.equal(findProgram('plain', `::${two}:`), join(two, 'plain'));
  assert.match(findProgram('true', undefined) ?? '', /^\/(usr\/)?bin\/true$/);
  assert.match(findProgram('true', '') ?? '', /^\/(usr\/)?bin\/true$/);
});

test('what is relative is below the folder of the task, not of the scheduler', () => {
  assert.equal(findProgram('./plain', PATH, two), join(two, 'plain'));
  assert.equal(findProgram('two/plain', PATH, folder), join(two, 'plain'));
  assert.equal(findProgram('plain', 'one:two', folder), join(two, 'plain'));
  assert.deepEqual(resolved(exec(text('./plain'), text('x')), { PATH }, two), {
    ok: true,
    program: join(two, 'plain'),
    argv: ['./plain', 'x'],
  });
  assert.deepEqual(resolved(exec(text('./plain')), { PATH }, one), {
    ok: false,
    message: `${join(one, 'plain')} is not executable`,
  });
});

test('exec renders each item and resolves the first', () => {
  const argv = [text('plain'), text('--name=<task>'), text('a b'), text('')];
  assert.deepEqual(resolved({ kind: 'exec', argv }), {
    ok: true,
    program: join(two, 'plain'),
    argv: ['plain', '--name=disk', 'a b', ''],
  });
});

test('shell runs its interpreter with -c, and python is python3, else python', () => {
  const script = text('echo <task>');
  assert.deepEqual(resolved({ kind: 'shell', executable: 'sh', script }), {
    ok: true,
    program: join(two, 'sh'),
    argv: ['sh', '-c', 'echo disk'],
  });
  const python = put(join(two, 'python'), 0o755);
  assert.deepEqual(resolved({ kind: 'shell', executable: 'python', script }), {
    ok: true,
    program: python,
    argv: ['python', '-c', 'echo disk'],
  });
  const python3 = put(join(two, 'python3'), 0o755);
  assert.deepEqual(resolved({ kind: 'shell', executable: 'python', script }), {
    ok: true,
    program: python3,
    argv: ['python3', '-c', 'echo disk'],
  });
});

test('command is a program on PATH', () => {
  assert.deepEqual(resolved({ kind: 'command', program: 'fate-disk' }), {
    ok: true,
    program: join(two, 'fate-disk'),
    argv: ['fate-disk'],
  });
});

const exec = (...argv: Template[]): Command => ({ kind: 'exec', argv });
const WRONG: [string, Command, Record<string, string>, string][] = [
  ['no such program', { kind: 'command', program: 'fate-x' }, { PATH }, `no program fate-x in ${PATH} (PATH)`],
  [
    'no bash, and no PATH',
    { kind: 'command', program: 'fate-x' },
    {},
    'no program fate-x in /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin (there is no PATH)',
  ],
  [
    'no python',
    { kind: 'shell', executable: 'python', script: text('1') },
    { PATH: one },
    `no program python3 or python in ${one} (PATH)`,
  ],
  [
    'found, but not executable',
    exec(text('locked')),
    { PATH },
    `no program locked in ${PATH} (PATH); ${join(one, 'locked')} is not executable`,
  ],
  ['a path that is not there', exec(text('/no/such')), { PATH }, '/no/such does not exist'],
  ['a path that is a folder', exec(text(one)), { PATH }, `${one} is a folder, not a program`],
  ['a path that is no program', exec(text('/dev/null')), { PATH }, '/dev/null is not a regular file'],
  [
    'a file that is not executable',
    exec(text(join(one, 'plain'))),
    { PATH },
    `${join(one, 'plain')} is not executable`,
  ],
  ['an empty name', exec(text('')), { PATH }, 'item 1 of exec names no program: it is empty'],
  [
    'a template that throws',
    exec(text('plain'), broken),
    { PATH },
    'item 2 of exec cannot be rendered: env.X is undefined',
  ],
  [
    'a script that throws',
    { kind: 'shell', executable: 'sh', script: broken },
    { PATH },
    'the script of shell cannot be rendered: env.X is undefined',
  ],
];

for (const [name, command, env, message] of WRONG) {
  test(`${name} is told with what was looked for and where`, () => {
    assert.deepEqual(resolved(command, env), { ok: false, message });
  });
}
