/** The daemon, in the foreground and detached: start, lock, loop, reload, stop (SPEC 11). */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makePrefix, type Prefix } from '../helpers/prefix.ts';

/** Beside them there is a link to the control socket. */
const runFolders = (prefix: Prefix): string[] =>
  readdirSync(prefix.paths.run).filter((name) => name.startsWith('run-'));

const EVERY_SECOND = '"* * * * * *"';

test('the daemon runs tasks on the second, and stops on SIGTERM with 0', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': `[a]\nschedule = ${EVERY_SECOND}\nexec = ["echo", "1"]\n` });
  const daemon = prefix.daemon();
  await daemon.until({ event: 'start' });
  const ended = await daemon.until({ event: 'ended', status: 'OK' }, 2);
  assert.match(ended.fields.due ?? '', /\.000Z$/);
  const [run = ''] = runFolders(prefix);
  assert.equal(run, `run-${daemon.child.pid}`);
  assert.equal(readlinkSync(join(prefix.paths.run, run, 'conf', 'tasks.toml')), join(prefix.paths.conf, 'tasks.toml'));
  const { status } = await daemon.stop();
  assert.equal(status, 0);
  assert.ok(prefix.results().length >= 2);
  assert.deepEqual(readdirSync(prefix.paths.run), []);
});

test('a stop in the middle of a task: it gets SIGTERM, its end is recorded, the daemon exits 0', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.toml': `[a]\nschedule = ${EVERY_SECOND}\nshell = "trap 'echo ending >&2; exit 0' TERM; echo ready >&2; sleep 60 & wait"\n`,
  });
  const daemon = prefix.daemon();
  await daemon.until({ event: 'log', msg: 'ready' });
  const { status } = await daemon.stop();
  assert.equal(status, 0);
  const ended = daemon.lines.find((line) => line.fields.event === 'ended');
  assert.deepEqual(
    [ended?.fields.status, ended?.fields.level, ended?.fields.ended_by],
    ['Terminated', 'warning', 'stop'],
  );
  assert.ok(daemon.lines.some((line) => line.fields.msg === 'ending'));
});

test('a second signal kills at once what does not heed the first', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.toml': `[a]\nschedule = ${EVERY_SECOND}\nshell = "trap '' TERM; echo ready >&2; while :; do sleep 1; done"\ngrace = 600\n`,
  });
  const daemon = prefix.daemon();
  await daemon.until({ event: 'log', msg: 'ready' });
  daemon.child.kill('SIGTERM');
  await daemon.until({ event: 'stop' });
  const { status } = await daemon.stop('SIGINT');
  assert.equal(status, 0);
  assert.equal(daemon.lines.find((line) => line.fields.event === 'ended')?.fields.status, 'Killed');
});

test('SIGHUP swaps a good configuration in and tells what changed; a bad one is refused, and the old one stays', async (t) => {
  const a = `[a]\nschedule = ${EVERY_SECOND}\nexec = ["echo", "1"]\n`;
  const prefix = makePrefix(t, { 'tasks.toml': a });
  const daemon = prefix.daemon();
  await daemon.until({ event: 'ended', task: 'a' });

  prefix.write('tasks.toml', `${a}[b]\nschedule = ${EVERY_SECOND}\nexec = ["echo", "2"]\n`);
  daemon.child.kill('SIGHUP');
  const reloaded = await daemon.until({ event: 'reload', level: 'info' });
  assert.match(reloaded.text, /added=\["b"\]|added=\[ "b" \]/);
  await daemon.until({ event: 'ended', task: 'b' });

  prefix.write('tasks.toml', `${a}[b]\nschedule = "99 * * * *"\nexec = ["echo", "2"]\n`);
  daemon.child.kill('SIGHUP');
  const problem = await daemon.until({ event: 'config', level: 'error' });
  assert.match(problem.fields.msg ?? '', /tasks\.toml:5.*b\.schedule/);
  await daemon.until({ event: 'reload', level: 'error', msg: 'the old configuration stays' });

  prefix.write('tasks.toml', 'not toml at all');
  daemon.child.kill('SIGHUP');
  await daemon.until({ event: 'reload', level: 'error' }, 2);
  const before = daemon.lines.filter((line) => line.fields.event === 'ended' && line.fields.task === 'b').length;
  await daemon.until({ event: 'ended', task: 'b' }, before + 1);
  assert.equal((await daemon.stop()).status, 0);
});

test('two schedulers on one configuration: the second exits 2 and names the first, but with --force it goes on', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': '[a]\nschedule = "0 0 1 1 *"\nexec = ["true"]\n' });
  const daemon = prefix.daemon();
  await daemon.until({ event: 'start' });
  for (const program of ['fates', 'fated'] as const) {
    const second = await prefix.run(program, ...(program === 'fated' ? ['--foreground'] : []));
    assert.equal(second.status, 2);
    assert.match(second.stderr, new RegExp(`fated \\(pid ${daemon.child.pid}\\)`));
  }
  const forced = await prefix.run('fates', '--force');
  assert.equal(forced.status, 0);
  assert.match(forced.stderr, /level="warning" event="lock"/);
  assert.equal((await daemon.stop('SIGKILL')).signal, 'SIGKILL');
  assert.equal((await prefix.run('fates')).status, 0, 'the kernel lets go of the lock of a dead owner');
  assert.deepEqual(runFolders(prefix), [], 'and its run folder is pruned');
});

test('of ten that start at the same moment exactly one wins', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': '[a]\nschedule = "* * * * *"\nexec = ["sleep", "2"]\n' });
  await prefix.run('fates');
  await prefix.backdate(3_600_000);
  const all = await Promise.all(Array.from({ length: 10 }, () => prefix.run('fates')));
  assert.deepEqual(all.map(({ status }) => status).sort(), [0, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
});

test('fated detaches: the parent returns 0 when the daemon is ready, and its log is in <data>/fated.log', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.toml': `[a]\nschedule = ${EVERY_SECOND}\nshell = "env >&2"\nformat.separator = "line"\n`,
  });
  const parent = await prefix.run('fated');
  assert.deepEqual([parent.status, parent.stderr], [0, '']);
  const [run = ''] = runFolders(prefix);
  const pid = Number(run.slice('run-'.length));
  t.after(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, as it should have.
    }
  });
  const log = join(prefix.paths.data, 'fated.log');
  while (!/event="ended"/.test(readFileSync(log, 'utf8'))) await new Promise((resolve) => setImmediate(resolve));
  assert.doesNotMatch(readFileSync(log, 'utf8'), /FATE_DETACHED|NODE_CHANNEL/);
  process.kill(pid, 'SIGTERM');
  while (existsSync(join(prefix.paths.run, run))) await new Promise((resolve) => setImmediate(resolve));
});

test('fated that cannot start: the parent exits with its status and says why', async (t) => {
  const prefix = makePrefix(t, { 'tasks.yaml': 'a: [' });
  const parent = await prefix.run('fated');
  assert.equal(parent.status, 65);
  assert.match(parent.stderr, /tasks\.yaml:1/);
});

test('a task that cannot be started fails each time, and holds up nobody, itself included', async (t) => {
  const retry = '{ limit = 1, delay = 0, on = ["failed"] }';
  const nowhere = 'exec = ["/nowhere/to/be/found"]';
  const prefix = makePrefix(t, {
    'tasks.toml': `[a]\nschedule = ${EVERY_SECOND}\n${nowhere}\nretry = ${retry}\n[b]\nschedule = ${EVERY_SECOND}\n${nowhere}\n`,
  });
  const daemon = prefix.daemon();
  await daemon.until({ event: 'ended', status: 'Failed', task: 'a', attempt: '2' }, 2);
  await daemon.until({ event: 'ended', status: 'Failed', task: 'b' }, 2);
  assert.equal((await daemon.stop()).status, 0);
});

test('what a failed attempt wrote can be looked at while the next one waits, and after the run was given up', async (t) => {
  const run = 'shell = "echo out; echo err >&2; exit 3"';
  const task = `[a]\nschedule = ${EVERY_SECOND}\n${run}\nretry = { delay = 3600 }\n`;
  const prefix = makePrefix(t, { 'tasks.toml': task, 'defaults.toml': '' });
  const daemon = prefix.daemon();
  const { fields } = await daemon.until({ event: 'ended', status: 'Error' });
  const show = (): ReturnType<typeof prefix.run> => prefix.run('fate', 'show', fields.run ?? '', '--output');
  assert.deepEqual(await show().then(({ stdout, stderr }) => [stdout, stderr]), ['out\n', 'err\n']);
  prefix.write('tasks.toml', '[b]\nschedule = "@yearly"\nexec = "true"\n');
  daemon.child.kill('SIGHUP');
  await daemon.until({ event: 'skipped', reason: 'removed' });
  assert.equal((await daemon.stop()).status, 0);
  assert.deepEqual(await show().then(({ stdout, stderr }) => [stdout, stderr]), ['out\n', 'err\n']);
});

test('signals while a crash is being settled: a stop ends the start in good order, a reload is made after it', async (t) => {
  const stubborn = 'shell = "trap : TERM; echo ready >&2; while :; do sleep 1; done"';
  const prefix = makePrefix(t, { 'tasks.toml': `[a]\nschedule = ${EVERY_SECOND}\n${stubborn}\ngrace = 2\n` });
  const killed = prefix.daemon();
  await killed.until({ event: 'log', task: 'a' });
  await killed.stop('SIGKILL');
  const starting = prefix.daemon();
  const settling = (): boolean => readdirSync(prefix.paths.run).includes(`run-${starting.child.pid}`);
  while (!settling()) await new Promise((resolve) => setImmediate(resolve));
  starting.child.kill('SIGHUP');
  const { status } = await starting.stop();
  assert.equal(status, 0);
  assert.ok(starting.lines.some(({ fields }) => fields.status === 'Lost'));
  assert.ok(!starting.lines.some(({ fields }) => fields.event === 'started'));
  assert.deepEqual(readdirSync(prefix.paths.run), []);
});
