/** A daemon that is steered: the commands of SPEC 12 that go through the control socket, with the real programs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makePrefix, type Prefix } from '../helpers/prefix.ts';
import { repo } from '../helpers/repo.ts';

const NEVER = '"0 0 0 1 1 *"';
const TASKS = `
[quick]
schedule = ${NEVER}
exec = ["echo", "1"]

[bad]
schedule = ${NEVER}
shell = "exit 3"

[slow]
schedule = ${NEVER}
shell = "echo going >&2; trap 'echo told >&2; exit 0' TERM; sleep 60 & wait"

[off]
schedule = ${NEVER}
enabled = false
exec = ["true"]
`;

async function started(t: TestContext, files: Readonly<Record<string, string>> = { 'tasks.toml': TASKS }) {
  const prefix = makePrefix(t, files);
  const daemon = prefix.daemon();
  await daemon.until({ event: 'start' });
  return { prefix, daemon };
}

const json = async (prefix: Prefix, ...args: readonly string[]): Promise<unknown> =>
  JSON.parse((await prefix.run('fate', ...args, '--json')).stdout);

test('a task is run on request, and its end is waited for', async (t) => {
  const { prefix } = await started(t);
  const good = await prefix.run('fate', 'run', 'quick', '--wait');
  assert.equal(good.status, 0, good.stderr);
  assert.equal(prefix.results().length, 1);
  assert.equal((await prefix.run('fate', 'run', 'bad', '--wait')).status, 1);
  const [run] = (await json(prefix, 'runs', 'quick')) as { status: string; by_hand: boolean }[];
  assert.deepEqual([run?.status, run?.by_hand], ['OK', true]);
  for (const [task, status] of [
    ['off', 78],
    ['quik', 2],
  ] as const) {
    assert.equal((await prefix.run('fate', 'run', task)).status, status, task);
  }
});

test('what goes is shown, and ended on request', async (t) => {
  const { prefix, daemon } = await started(t);
  assert.equal((await prefix.run('fate', 'run', 'slow')).status, 0);
  await daemon.until({ event: 'log', msg: 'going' });
  const status = (await json(prefix, 'status')) as { running: { task: string }[]; pid: number };
  assert.deepEqual([status.pid, status.running.map(({ task }) => task)], [daemon.child.pid, ['slow']]);
  const rows = (await json(prefix, 'list')) as { task: string; state: string; running: number }[];
  assert.deepEqual(
    rows.map(({ task, state, running }) => [task, state, running]),
    [
      ['quick', 'enabled', 0],
      ['bad', 'enabled', 0],
      ['slow', 'enabled', 1],
      ['off', 'disabled', 0],
    ],
  );
  assert.equal((await prefix.run('fate', 'kill', 'slow')).status, 0);
  const ended = await daemon.until({ event: 'ended', task: 'slow' });
  assert.deepEqual([ended.fields.status, ended.fields.ended_by, ended.fields.level], ['Terminated', 'kill', 'warning']);
  assert.equal((await prefix.run('fate', 'kill', 'slow')).status, 2);
});

test('a reload is waited for, and fails where the new configuration is bad; the old one goes on', async (t) => {
  const { prefix, daemon } = await started(t);
  prefix.write('tasks.toml', `${TASKS}\n[more]\nschedule = ${NEVER}\nexec = ["true"]\n`);
  const good = await prefix.run('fate', 'reload');
  assert.deepEqual([good.status, good.stdout], [0, '']);
  assert.equal(((await json(prefix, 'status')) as { tasks: number }).tasks, 5);
  prefix.write('tasks.toml', '[broken]\nschedule = "no"\n');
  const bad = await prefix.run('fate', 'reload');
  assert.equal(bad.status, 78);
  assert.match(bad.stderr, /broken/);
  prefix.write('tasks.toml', '[broken\n');
  assert.equal((await prefix.run('fate', 'reload')).status, 65);
  assert.equal(((await json(prefix, 'status')) as { tasks: number }).tasks, 5);
  assert.equal((await prefix.run('fate', 'run', 'quick', '--wait')).status, 0);
  await daemon.until({ event: 'reload', level: 'error' });
});

test('without a daemon what looks still works, and what steers says 75', async (t) => {
  const { prefix, daemon } = await started(t);
  await daemon.stop();
  assert.deepEqual(existsSync(join(prefix.paths.run, 'control.sock')), false);
  for (const command of ['status', 'list']) assert.equal((await prefix.run('fate', command)).status, 0, command);
  for (const args of [['reload'], ['run', 'quick'], ['kill', 'quick']]) {
    assert.equal((await prefix.run('fate', ...args)).status, 75, args.join(' '));
  }
});

test('the socket is for its owner and its group alone', async (t) => {
  const { prefix } = await started(t);
  const link = join(prefix.paths.run, 'control.sock');
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal(statSync(link).mode & 0o777, 0o660);
});

test('who is neither root nor the owner, but of the group, looks and does not steer', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root, to be another user');
  const { prefix } = await started(t);
  // As if there were a group: what it may is the socket's mode, which is given away here.
  chmodSync(join(prefix.paths.run, 'control.sock'), 0o666);
  chmodSync(prefix.root, 0o755);
  const asNobody = (...args: readonly string[]): Promise<{ status: number | null; stderr: string }> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [join(repo, 'dist', 'fate.js'), ...args], {
        env: prefix.env,
        cwd: '/',
        uid: 65534,
        gid: 65534,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.once('close', (status) => resolve({ status, stderr }));
    });
  const list = await asNobody('list');
  assert.equal(list.status, 0, list.stderr);
  assert.equal((await asNobody('status')).status, 0);
  for (const args of [['reload'], ['run', 'quick'], ['kill', 'quick']]) {
    assert.equal((await asNobody(...args)).status, 77, args.join(' '));
  }
});

test('a stop answers who waits for a run', async (t) => {
  const { prefix, daemon } = await started(t);
  const waits = prefix.run('fate', 'run', 'slow', '--wait');
  await daemon.until({ event: 'log', msg: 'going' });
  assert.equal((await daemon.stop()).status, 0);
  assert.notEqual((await waits).status, 0);
});
