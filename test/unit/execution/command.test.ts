import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram, resolveCommand, taskEnvironment } from '../../../src/execution/command.ts';
import type { Command, Run, Scope, Template } from '../../../src/types.ts';
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
  host: { name: 'h', id: '', cpus: 2, uid: 0, boot: { kernel: '', id: '', at: 0 } },
};
const text = (source: string): Template => ({ source, render: (s) => source.replaceAll('<task>', s.taskName) });
const broken: Template = {
  source: '<%= env.X.y %>',
  render() {
    throw new Error('env.X is undefined');
  },
};
const resolved = (command: Command, env: Record<string, string> = { PATH }) =>
  resolveCommand(makeTask('disk', { command }), scope, env);

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

// ---------------------------------------------------------------------------------------------- environment

const run = (changes: Partial<Run> = {}): Run => ({
  id: '01ABC',
  task: makeTask('disk'),
  due: Date.UTC(2026, 10, 5, 12, 0, 0),
  attempt: 1,
  collapsed: 0,
  ...changes,
});
const FULL = { PATH: '/bin', HOME: '/h', USER: 'u', LOGNAME: 'u', SHELL: '/bin/dash' };

test('a task gets the environment of the scheduler and what it is', () => {
  assert.deepEqual(taskEnvironment({ ...FULL, X: '', LANG: 'C', GONE: undefined }, run()), {
    ...FULL,
    X: '',
    LANG: 'C',
    FATE_TASK: 'disk',
    FATE_RUN_ID: '01ABC',
    FATE_DUE: '2026-11-05T12:00:00Z',
    FATE_ATTEMPT: '1',
  });
});

test('the due time has milliseconds only where it needs them', () => {
  assert.equal(taskEnvironment({}, run({ due: 1_793_880_000_250 })).FATE_DUE, '2026-11-05T12:00:00.250Z');
  assert.equal(taskEnvironment({}, run({ due: 0, attempt: 3 })).FATE_DUE, '1970-01-01T00:00:00Z');
  assert.equal(taskEnvironment({}, run({ attempt: 3 })).FATE_ATTEMPT, '3');
});

test('what systemd sets for the service itself is taken out', () => {
  const names = `NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID LISTEN_FDS LISTEN_PID LISTEN_FDNAMES JOURNAL_STREAM
    INVOCATION_ID SYSTEMD_EXEC_PID MAINPID MANAGERPID PIDFILE MEMORY_PRESSURE_WATCH MEMORY_PRESSURE_WRITE
    CREDENTIALS_DIRECTORY RUNTIME_DIRECTORY STATE_DIRECTORY CACHE_DIRECTORY LOGS_DIRECTORY CONFIGURATION_DIRECTORY`;
  const env = Object.fromEntries(names.split(/\s+/).map((name) => [name, 'x']));
  const kept = { ...FULL, MY_INVOCATION_ID: '1', XDG_RUNTIME_DIR: '/run/user/0', MAINPIDS: '2' };
  const found = Object.keys(taskEnvironment({ ...env, ...kept }, run())).filter((name) => !name.startsWith('FATE_'));
  assert.deepEqual(found.sort(), Object.keys(kept).sort());
});

test('a scheduler without them gives its user’s HOME, USER, LOGNAME, SHELL and a PATH', () => {
  const { username, homedir, shell } = userInfo();
  const env = taskEnvironment({ LANG: 'C' }, run());
  assert.equal(env.PATH, '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  assert.deepEqual([env.HOME, env.USER, env.LOGNAME], [homedir, username, username]);
  assert.equal(env.SHELL, shell || '/bin/sh');
  assert.equal(taskEnvironment({ HOME: '/elsewhere' }, run()).HOME, '/elsewhere');
});

test('what the task is cannot be faked by the scheduler’s own environment', () => {
  assert.equal(taskEnvironment({ FATE_TASK: 'other', FATE_ATTEMPT: '9' }, run()).FATE_TASK, 'disk');
});
