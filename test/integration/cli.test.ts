/** The command line as a person meets it: help, errors, check, next, debug. */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makePrefix } from '../helpers/prefix.ts';
import { repo } from '../helpers/repo.ts';

const EXAMPLE = `
[disk]
schedule = "0 3 * * *"
exec = ["echo", '{"used": 12}']

[late]
schedule = {expression = "30 2 * * *", timezone = "Europe/Berlin"}
exec = ["true"]
`;

test('every program and command has a help with an example, on stdout and with status 0', async (t) => {
  const prefix = makePrefix(t);
  const lines = [
    ['fate'],
    ['fated'],
    ['fates'],
    ['fate', 'control'],
    ['fate', 'check'],
    ['fate', 'next'],
    ['fate', 'debug', 'execute'],
    ['fate', 'debug', 'run'],
  ] as const;
  for (const [program, ...command] of lines) {
    const { status, stdout, stderr } = await prefix.run(program, ...command, '--help');
    assert.deepEqual([status, stderr], [0, ''], `${program} ${command.join(' ')}`);
    assert.match(stdout, /Examples:/, `${program} ${command.join(' ')}`);
    assert.ok(stdout.split('\n').every((line) => line.length <= 100));
  }
  const { stdout } = await prefix.run('fated', '--version');
  assert.match(stdout, /^fated \d+\.\d+\.\d+\S*\n$/);
});

test('a usage error exits 2, says what is wrong on stderr and shows no stack', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': EXAMPLE });
  const wrong: [string[], RegExp][] = [
    [[], /a command is needed/],
    [['no-such-command'], /no-such-command/],
    [['check', '--no-such-option'], /no-such-option/],
    [['control', '--background'], /--background goes with --continual/],
    [['control', '--log-level', 'loud'], /log-level/],
    [['next', '-n', '0'], /--number: expected a whole number/],
    [['next', '--at', 'yesterday'], /--at: expected a time/],
    [['next', '--at', '2026-01-01T10:00+99:00'], /--at: expected a time/],
    [['next', '-n'], /Not enough arguments following: n/],
    [['debug', 'execute', '--stdin'], /Not enough arguments/],
    [['debug', 'execute', '--format-result', 'nope', 'touch', 'ran'], /--format-result: expected/],
    [['debug', 'execute', '-o', '/no/such/folder', 'touch', 'ran'], /cannot write \/no\/such\/folder/],
    [['next', 'nobody'], /no task of the name nobody/],
    [['debug', 'run', 'nobody'], /no task of the name nobody/],
    [['debug', 'execute'], /needs a command/],
    [['check', '--system', '--user'], /system|user/],
  ];
  for (const [args, says] of wrong) {
    const { status, stdout, stderr } = await prefix.run('fate', ...args);
    assert.equal(status, 2, `fate ${args.join(' ')}: ${stderr}`);
    assert.match(stderr, says);
    assert.match(stderr, /^fate: /m);
    assert.equal(stdout, '');
    assert.doesNotMatch(stderr, /^\s+at /m);
  }
  assert.equal(existsSync(join(prefix.root, 'ran')), false, 'a mistake on the command line runs nothing');
});

test('the version is told wherever it is asked for', async (t) => {
  const prefix = makePrefix(t);
  for (const args of [['--version'], ['check', '--version'], ['debug', '--version'], ['--tb', '--version']]) {
    assert.match((await prefix.run('fate', ...args)).stdout, /^fate \d+\.\d+\.\d+\S*\n$/, args.join(' '));
  }
  const other = await prefix.run(
    'fate',
    '--tb',
    'debug',
    '--user',
    'execute',
    '--no-report',
    '-o',
    '-',
    'printf',
    '%s\\n',
    '--version',
  );
  assert.equal(other.stdout, '--version\n');
});

test('output that finds nobody, or no room, ends a command without a stack', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': '[a]\nschedule = "* * * * * *"\nexec = ["true"]\n' });
  const shell = async (line: string) => {
    const { stdout } = await prefix.run('fate', 'debug', 'execute', '--no-report', '-o', '-', 'sh', '-c', line);
    return stdout;
  };
  const fate = `${process.execPath} ${join(repo, 'dist', 'fate.js')}`;
  for (const command of [`next --json -n 50000 a`, 'debug execute -o - --no-report seq 500000']) {
    assert.equal(
      await shell(`{ ${fate} ${command}; } 2>&1 >/dev/null | head -c 0; ${fate} ${command} 2>&1 | head -n 0`),
      '',
    );
    assert.match(
      await shell(`${fate} ${command} 2>&1 >/dev/full; echo " $?"`),
      /^fate: fatal: cannot write [^\n]*no space left on device[^\n]*\n 1\n$/,
    );
  }
});

test('what is named for an output of debug is written as a shell would, never removed', async (t) => {
  const prefix = makePrefix(t);
  symlinkSync('target', join(prefix.root, 'link'));
  const { status } = await prefix.run(
    'fate',
    'debug',
    'execute',
    '--no-report',
    '-o',
    'link',
    '-e',
    '/dev/null',
    'echo',
    '1',
  );
  assert.equal(status, 0);
  assert.ok(lstatSync(join(prefix.root, 'link')).isSymbolicLink());
  assert.equal(readFileSync(join(prefix.root, 'target'), 'utf8'), '1\n');
  assert.equal(statSync(join(prefix.root, 'target')).mode & 0o777, 0o666 & ~process.umask());
  assert.ok(statSync('/dev/null').isCharacterDevice());
});

test('check and --strict agree on the status', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.yaml': 'a: {schedule: "* * * * *", exec: "true"}\n',
    'tasks.d/b.yaml': 'b: [\n',
  });
  for (const status of [65, 78]) {
    assert.equal((await prefix.run('fate', 'check')).status, status);
    assert.equal((await prefix.run('fates', '--strict')).status, status);
    prefix.write('tasks.d/c.yaml', 'c: {schedule: "x"}\n');
  }
});

test('check is quiet when all is well, and tells every problem otherwise', async (t) => {
  // Of whoever runs this: a task of root's that names no user is told.
  const user = `user = ${process.getuid?.() ?? 0}\n`;
  const good = makePrefix(t, { 'tasks.toml': `[disk]\nschedule = "0 3 * * *"\nexec = ["true"]\n${user}` });
  assert.deepEqual(await good.run('fate', 'check'), { status: 0, signal: null, stdout: '', stderr: '' });

  const bad = makePrefix(t, {
    'tasks.yaml': 'a:\n  schedule: "61 * * * *"\n  exec: [x]\nb:\n  shedule: "* * * * *"\n  exec: [x]\n',
  });
  const { status, stderr } = await bad.run('fate', 'check');
  assert.equal(status, 78);
  assert.match(stderr, /tasks\.yaml:2.*a\.schedule/);
  assert.match(stderr, /tasks\.yaml:5.*shedule.*schedule/);
  const json = JSON.parse((await bad.run('fate', 'check', '--json')).stdout);
  assert.equal(json.status, 78);
  assert.ok(json.problems.length >= 2);

  const elsewhere = await good.run('fate', 'check', bad.paths.conf);
  assert.equal(elsewhere.status, 78);
  assert.equal((await good.run('fate', 'check', join(bad.paths.conf, 'tasks.yaml'))).status, 78);
});

test('check warns of a program that is not there and of times that daylight saving moves', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': EXAMPLE.replace('"true"', '"fate-no-such-program"') });
  const { status, stderr } = await prefix.run('fate', 'check');
  assert.equal(status, 0);
  assert.match(stderr, /^warning: .*late.*fate-no-such-program/m);
  assert.match(stderr, /^warning: .*late/m);
});

test('next shows when tasks are due, in order, each on the wall clock of its zone', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': EXAMPLE });
  const { status, stdout } = await prefix.run('fate', 'next', '-n', '2', '--at', '2026-03-28T12:00:00Z');
  assert.equal(status, 0);
  assert.deepEqual(stdout.split('\n'), [
    `DUE${' '.repeat(43)}TASK`,
    'Sun 2026-03-29 03:00:00 +02:00 Europe/Berlin  late',
    'Sun 2026-03-29 03:00:00 +00:00                disk',
    'Mon 2026-03-30 02:30:00 +02:00 Europe/Berlin  late',
    'Mon 2026-03-30 03:00:00 +00:00                disk',
    '',
  ]);
  const json = JSON.parse((await prefix.run('fate', 'next', 'disk', '--at', '2026-03-28', '--json')).stdout);
  assert.deepEqual(json, [
    {
      task: 'disk',
      due: '2026-03-28T03:00:00.000Z',
      timezone: null,
      expression: '0 3 * * *',
      normalized: '0 0 3 * * *',
    },
  ]);
});

test('next shows what runs at a boot last, without a time', async (t) => {
  const tasks = 'start: {schedule: "@reboot", exec: ls}\nsync: {schedule: "@every 12h", exec: ls}\n';
  const prefix = makePrefix(t, { 'tasks.yaml': tasks });
  const { stdout } = await prefix.run('fate', 'next', '-n', '2', '--at', '2026-03-28T13:00:00Z');
  assert.deepEqual(stdout.split('\n'), [
    `DUE${' '.repeat(29)}TASK`,
    'Sun 2026-03-29 00:00:00 +00:00  sync',
    'Sun 2026-03-29 12:00:00 +00:00  sync',
    'at the next boot                start',
    '',
  ]);
  const json = JSON.parse((await prefix.run('fate', 'next', 'start', '-n', '5', '--json')).stdout);
  assert.deepEqual(json, [{ task: 'start', due: null, timezone: null, expression: '@reboot', normalized: '@reboot' }]);
});

test('debug execute runs a command as a task and reports what would be recorded', async (t) => {
  const prefix = makePrefix(t);
  const { status, stdout } = await prefix.run(
    'fate',
    'debug',
    'execute',
    '-i',
    '{"a": 1}',
    'sh',
    '-c',
    'cat; echo said >&2',
  );
  assert.equal(status, 0);
  assert.match(stdout, /^Name: sh$/m);
  assert.match(stdout, /^Status: OK \(exit status 0, /m);
  assert.match(stdout, /^Result \[\.json\]: \{"a": 1\}$/m);
  assert.match(stdout, /^Logged \(standard error\): said$/m);
  assert.deepEqual(prefix.results(), []);

  const lost = await prefix.run('fate', 'debug', 'execute', 'no-such-command');
  assert.equal(lost.status, 127);
  assert.match(lost.stderr, /no-such-command: command not found/);
  assert.equal((await prefix.run('fate', 'debug', 'execute', 'false')).status, 0);
  assert.equal((await prefix.run('fate', 'debug', 'execute', '--propagate', 'sh', '-c', 'exit 7')).status, 7);
  assert.equal((await prefix.run('fate', 'debug', 'execute', '--propagate', 'sh', '-c', 'kill -TERM $$')).status, 143);
  const files = await prefix.run(
    'fate',
    'debug',
    'execute',
    '--no-report',
    '-o',
    'out',
    '-e',
    'err',
    'sh',
    '-c',
    'echo 1; echo 2 >&2',
  );
  assert.deepEqual([files.status, files.stdout], [0, '']);
  assert.equal(readFileSync(join(prefix.root, 'out'), 'utf8'), '1\n');
  assert.equal(readFileSync(join(prefix.root, 'err'), 'utf8'), '2\n');
});

test('debug run has the parameters and the state of the task, and keeps result and state only when told', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.toml': `
[count]
schedule = "0 3 * * *"
shell = 'n=$(cat <&3); echo $((n + 1)) >&4; echo "{\\"n\\": \\"$n\\", \\"param\\": $(cat)}"'
param = {x = 1}
if = false
`,
  });
  const plain = await prefix.run('fate', 'debug', 'run', 'count');
  assert.equal(plain.status, 0, plain.stderr);
  assert.match(plain.stdout, /"n": "", "param": \{"x":1\}/);
  assert.deepEqual(prefix.results(), []);
  assert.match((await prefix.run('fate', 'debug', 'run', 'count', '--state')).stdout, /"n": ""/);
  assert.match((await prefix.run('fate', 'debug', 'run', 'count', '--record')).stdout, /"n": "1".*/);
  assert.equal(prefix.results().length, 1);
  assert.match((await prefix.run('fate', 'debug', 'run', 'count', '-i', '{"y": 2}')).stdout, /\{"y": 2\}/);
  assert.ok(!existsSync(join(prefix.paths.data, 'fated.log')));
});
