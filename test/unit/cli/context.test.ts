/** The execution context as a person meets it: `fate check` tells of it, `fate debug` runs in it. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { COMPILED, makePrefix, type Prefix } from '../../helpers/prefix.ts';

const uid = process.getuid?.() ?? 0;
const asRoot = uid === 0 ? {} : { skip: 'only root can become another user' };

type Context = { after(work: () => unknown): void };
const prefixOf = (t: Context, files: Record<string, string>): Prefix => makePrefix(t, files, COMPILED);
const task = (name: string, keys: string): string => `${name}:\n  schedule: "@daily"\n${keys.replace(/^/gm, '  ')}\n`;

test(
  'check names the tasks that run as root, ten of them, and says nothing of those with a user',
  asRoot,
  async (t) => {
    const names = Array.from({ length: 12 }, (_, at) => `t${at}`);
    const tasks = names.map((name) => task(name, 'exec: "true"')).join('');
    const prefix = prefixOf(t, { 'tasks.yaml': tasks + task('own', 'exec: "true"\nuser: nobody') });
    const { status, stderr } = await prefix.run('fate', 'check');
    assert.equal(status, 0);
    const shown = names.slice(0, 10).join(', ');
    assert.equal(stderr, `note: these tasks run as root, since no user is set: ${shown} and 2 more\n`);
    const json = JSON.parse((await prefix.run('fate', 'check', '--json')).stdout);
    assert.deepEqual([json.ok, json.problems, json.root], [true, [], names]);
    prefix.write('defaults.yaml', 'user: nobody\n');
    assert.equal((await prefix.run('fate', 'check')).stderr, '');
  },
);

test('check warns of what this machine does not have, and looks for programs where the task will', async (t) => {
  const prefix = prefixOf(t, {});
  mkdirSync(join(prefix.root, 'bin'));
  writeFileSync(join(prefix.root, 'bin', 'mine'), '#!/bin/sh\n');
  chmodSync(join(prefix.root, 'bin', 'mine'), 0o755);
  prefix.write('path.env', `PATH=${prefix.root}/bin\n`);
  const found = ['env: {PATH: "ROOT/bin"}', 'env: {PATH: "<%= env.X %>"}', 'env_file: path.env'].map((keys, at) =>
    task(`found${at}`, `exec: mine\nuser: ${uid}\n${keys}`),
  );
  const below = task('below', `exec: ./mine\nuser: ${uid}\ncwd: ROOT/bin`);
  const wrong = task('wrong', 'exec: mine\nuser: ghost\ncwd: /no/such');
  prefix.write('tasks.yaml', [...found, below, wrong].join('').replaceAll('ROOT', prefix.root));
  const { status, stderr } = await prefix.run('fate', 'check');
  assert.equal(status, 0);
  const told = stderr.trim().split('\n');
  assert.equal(told.length, 2, stderr);
  assert.match(told[0] ?? '', /wrong\.user: there is no user ghost: the runs of this task will fail$/);
  assert.match(told[1] ?? '', /wrong\.cwd: the folder \/no\/such does not exist: the runs of this task will fail$/);
});

test('debug run runs a task as it would be run, credentials and all', asRoot, async (t) => {
  const script = 'id -u; id -g; pwd; umask; nice; echo $A $B $HOME $LOGNAME; cat $CREDENTIALS_DIRECTORY/key';
  const prefix = prefixOf(t, {
    'tasks.yaml': `${task(
      'who',
      `user: nobody\ngroup: daemon\ncwd: /tmp\numask: "027"\nnice: 5\nenv: {A: "<%= task_name %>"}\nenv_file: a.env
credentials: {key: "KEY"}\nshell: '${script}; echo $CREDENTIALS_DIRECTORY'`,
    )}`,
    'a.env': 'A=file\nB="b c"\n',
  });
  writeFileSync(join(prefix.root, 'key'), 'secret\n', { mode: 0o600 });
  const tasks = join(prefix.paths.conf, 'tasks.yaml');
  prefix.write('tasks.yaml', readFileSync(tasks, 'utf8').replace('KEY', join(prefix.root, 'key')));
  const { status, stdout, stderr } = await prefix.run('fate', 'debug', 'run', '--no-report', '-o', '-', 'who');
  assert.equal(stderr, '');
  const lines = stdout.trim().split('\n');
  const credentials = lines.pop() ?? '';
  assert.deepEqual(lines, ['65534', '1', '/tmp', '0027', '5', 'who b c /nonexistent nobody', 'secret']);
  assert.match(credentials, /^\/.*\/fate-debug-/);
  assert.equal(existsSync(join(credentials, '..')), false);
  assert.equal(status, 0);
});

test('debug run says why a run would fail, and runs nothing', async (t) => {
  const prefix = prefixOf(t, { 'tasks.yaml': task('lost', 'user: ghost\nshell: touch ran') });
  const { status, stderr } = await prefix.run('fate', 'debug', 'run', 'lost');
  assert.equal(status, 1);
  assert.equal(stderr, 'fate: fatal: there is no user ghost\n');
  assert.ok(!readdirSync(prefix.root).includes('ran'));
});

test('debug execute gives a command the environment of a task without any context', async (t) => {
  const { stdout } = await prefixOf(t, {}).run('fate', 'debug', 'execute', '--no-report', '-o', '-', 'env');
  assert.match(stdout, /^FATE_TASK=env$/m);
  assert.doesNotMatch(stdout, /^CREDENTIALS_DIRECTORY=/m);
});

test('debug run whose terminal goes away ends its task, and leaves neither secret nor scratch', async (t) => {
  const prefix = prefixOf(t, {});
  const tmp = join(prefix.root, 'tmp');
  mkdirSync(tmp);
  writeFileSync(join(prefix.root, 'key'), 'secret', { mode: 0o600 });
  const script = 'echo $CREDENTIALS_DIRECTORY > $OUT; mv $OUT $OUT.done; sleep 60';
  prefix.write(
    'tasks.yaml',
    task('long', `shell: ${script}\nenv: {OUT: ${prefix.root}/out}\ncredentials: {key: ${prefix.root}/key}`),
  );
  const watching = watch(prefix.root);
  t.after(() => watching.close());
  const child = spawn(process.execPath, [join(COMPILED, 'fate.js'), 'debug', 'run', 'long'], {
    env: { ...prefix.env, TMPDIR: tmp },
    stdio: 'ignore',
  });
  t.after(() => child.kill('SIGKILL'));
  while (!existsSync(join(prefix.root, 'out.done'))) await once(watching, 'change');
  const credentials = readFileSync(join(prefix.root, 'out.done'), 'utf8').trim();
  assert.equal(readFileSync(join(credentials, 'key'), 'utf8'), 'secret');
  child.kill('SIGHUP');
  const [status, signal] = await once(child, 'exit');
  assert.deepEqual([status, signal], [0, null]);
  assert.equal(existsSync(dirname(credentials)), false);
  assert.deepEqual(readdirSync(tmp), []);
});

test('commands do their work where the folder they are started in is deleted', async (t) => {
  const prefix = prefixOf(t, { 'tasks.yaml': task('one', 'exec: "true"') });
  const gone = join(prefix.root, 'gone');
  const from = (...args: string[]) =>
    spawnSync(
      'sh',
      ['-c', 'cd "$0" && rmdir "$0" && exec "$@"', gone, process.execPath, join(COMPILED, 'fate.js'), ...args],
      {
        env: prefix.env,
        encoding: 'utf8',
      },
    );
  for (const args of [['list', '--json'], ['check'], ['--help'], ['debug', 'execute', '--no-report', 'true']]) {
    mkdirSync(gone);
    const { status, stderr } = from(...args);
    assert.deepEqual([status, stderr.replace(/^note: .*\n/, '')], [0, ''], args.join(' '));
  }
});
