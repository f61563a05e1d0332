/** A daemon that starts anew in its own place: `fate restart`, with the real programs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../../src/control/client.ts';
import type { StatusJson } from '../../src/control/json.ts';
import { openNotifySocket, whyNoNotifySocket } from '../helpers/notify-socket.ts';
import { type Daemon, makePrefix, type Prefix } from '../helpers/prefix.ts';
import { repo } from '../helpers/repo.ts';

const NEVER = '"0 0 0 29 2 *"';
const task = (name: string, shell: string, more = ''): string =>
  `[${name}]\nschedule = ${NEVER}\nshell = '''${shell}'''\n${more}`;
/** Ends when there is a file `go` in the folder of the daemon. */
const HELD = task('held', 'echo going >&2; until [ -e go ]; do sleep 0.05; done; echo 1; echo left >&2');
const COUNT = task('count', 'n=$(cat <&3); echo $((n + 1)) >&4');

async function started(t: TestContext, tasks: string, programs?: string): Promise<{ prefix: Prefix; daemon: Daemon }> {
  const prefix = makePrefix(t, { 'tasks.toml': tasks }, programs);
  const daemon = prefix.daemon();
  await daemon.until({ event: 'start' });
  return { prefix, daemon };
}

const status = async (prefix: Prefix): Promise<StatusJson> =>
  JSON.parse((await prefix.run('fate', 'status', '--json')).stdout) as StatusJson;

/** As `fate status` finds it once a new start answers. */
async function answering(prefix: Prefix): Promise<StatusJson> {
  for (let tries = 0; tries < 200; tries += 1) {
    const found = await status(prefix);
    if (found.since !== null) return found;
    await pause(25);
  }
  throw new Error('no new start answers');
}

async function quiet(prefix: Prefix, ...args: readonly string[]): Promise<void> {
  const { status, stdout, stderr } = await prefix.run('fate', ...args);
  assert.deepEqual([status, stdout, stderr], [0, '', ''], args.join(' '));
}

test('what runs goes on to its end, and then the same process is a new daemon with all that was kept', async (t) => {
  const { prefix, daemon } = await started(t, HELD + COUNT);
  const before = await status(prefix);
  await prefix.run('fate', 'run', 'count', '--wait');
  await prefix.run('fate', 'run', 'held');
  await daemon.until({ event: 'log', msg: 'going' });
  const asked = await prefix.run('fate', 'restart', '--when-idle');
  assert.deepEqual([asked.status, asked.stdout], [0, 'fated restarts when what runs has ended: held\n']);
  const json = JSON.parse((await prefix.run('fate', 'restart', '--when-idle', '--json')).stdout);
  assert.deepEqual(json, { when_idle: true, running: ['held'], restarting: false });
  const pending = await status(prefix);
  assert.equal(pending.restart?.refused, null);
  assert.deepEqual([pending.since, pending.running.length], [before.since, 1]);

  prefix.write('tasks.toml', HELD + COUNT + task('added', 'true'));
  writeFileSync(join(prefix.root, 'go'), '');
  await daemon.until({ event: 'ended', task: 'held', status: 'OK' });
  await daemon.until({ event: 'log', msg: 'left' });
  const { fields } = await daemon.until({ event: 'start' }, 2);
  assert.deepEqual([fields.pid, fields.tasks], [String(daemon.child.pid), '3'], 'with what was added meanwhile');
  assert.match(fields.version ?? '', /^\d+\.\d+/);
  const after = await answering(prefix);
  assert.deepEqual([after.pid, after.restart, after.running, after.waiting], [before.pid, null, [], []]);
  assert.notEqual(after.since, before.since);
  const order = daemon.lines.map(({ fields: { event, msg } }) => `${event} ${msg ?? ''}`);
  const ended = order.findIndex((line) => line.startsWith('ended') && line !== 'ended');
  const goes = order.findIndex((line) => line.startsWith('restart fated lets go and starts anew as fated '));
  assert.ok(ended >= 0 && goes > ended, order.join('\n'));
  assert.ok(!order.some((line) => line.startsWith('stop ')), 'it was no stop');

  // Its state, its lock and its place are as they were.
  await prefix.run('fate', 'run', 'count', '--wait');
  const runs = JSON.parse((await prefix.run('fate', 'runs', '--json')).stdout) as { task: string; status: string }[];
  assert.deepEqual(runs.map((run) => `${run.task} ${run.status}`).sort(), ['count OK', 'count OK', 'held OK']);
  const second = await prefix.run('fated', '--foreground');
  assert.equal(second.status, 2);
  assert.match(second.stderr, new RegExp(`fated \\(pid ${daemon.child.pid}\\) runs this configuration already`));
  // One that goes on as a new start, and finds somebody who was quicker, is to be started again by its service manager.
  const late = spawn(
    'sh',
    ['-c', 'FATE_RESTARTED=$$ exec "$0" "$1" --foreground', process.execPath, join(repo, 'dist/fated.js')],
    {
      env: prefix.env,
      stdio: 'ignore',
    },
  );
  assert.deepEqual(await once(late, 'exit'), [75, null]);
  assert.deepEqual(
    readdirSync(prefix.paths.run).filter((name) => name.startsWith('run-')),
    [`run-${daemon.child.pid}`],
  );
  const stopped = await daemon.stop();
  assert.equal(stopped.status, 0, stopped.stderr);
  assert.doesNotMatch(stopped.stderr, /level="?(error|critical)/);
});

test('what waits for a retry waits again in the new start, and is tried again when its time has come', async (t) => {
  const retry = 'retry = { limit = 1, delay = "10s", on = ["error"] }\n';
  const { prefix, daemon } = await started(t, task('again', '[ -e go ] || exit 3', retry));
  await prefix.run('fate', 'run', 'again');
  await daemon.until({ event: 'ended', task: 'again', status: 'Error' });
  await quiet(prefix, 'restart', '--when-idle');
  await daemon.until({ event: 'start' }, 2);
  const [waiting] = (await answering(prefix)).waiting;
  assert.deepEqual([waiting?.task, waiting?.status, waiting?.attempt], ['again', 'retry', 2]);
  writeFileSync(join(prefix.root, 'go'), '');
  await daemon.until({ event: 'ended', task: 'again', status: 'OK' });
  await daemon.stop();
});

test('without --when-idle what runs is told to end, and the command returns when the new start answers', async (t) => {
  const { prefix, daemon } = await started(t, HELD);
  const before = await status(prefix);
  await prefix.run('fate', 'run', 'held');
  await daemon.until({ event: 'log', msg: 'going' });
  const json = JSON.parse((await prefix.run('fate', 'restart', '--json')).stdout);
  assert.deepEqual(json, { when_idle: false, running: ['held'], restarting: true });
  const after = await status(prefix);
  assert.equal(after.pid, before.pid);
  assert.ok(after.since !== null && after.since !== before.since, 'it answers at once');
  const { fields } = await daemon.until({ event: 'ended', task: 'held' });
  assert.deepEqual([fields.ended_by, fields.status], ['stop', 'Terminated']);
  await daemon.stop();
});

/** What its descriptors are, but for names and numbers that differ from one to the next. */
const openFiles = (pid = 0): string[] =>
  readdirSync(`/proc/${pid}/fd`)
    .flatMap((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/:\[\d+\]|\.control-\w+.*$/, '');
      } catch {
        return [];
      }
    })
    .sort();

test('after many restarts nothing more is open, and tasks have the same surroundings as before', async (t) => {
  const surroundings = task(
    'env',
    'umask; pwd; ulimit -Sn; ulimit -Hn; env | sort | grep -v "^FATE_\\(RUN\\|DUE\\)"',
    'format.result = ""\n',
  );
  const prefix = makePrefix(t, { 'tasks.toml': surroundings });
  Object.assign(prefix.env, { MINE: 'a=b ü', EMPTY: '' });
  const daemon = prefix.daemon();
  await daemon.until({ event: 'start' });
  await prefix.run('fate', 'run', 'env', '--wait');
  // The first start, with a restart of it, has all that any later one has.
  await quiet(prefix, 'restart');
  const files = openFiles(daemon.child.pid);
  for (let times = 0; times < 5; times += 1) await quiet(prefix, 'restart');
  assert.deepEqual(openFiles(daemon.child.pid), files);
  assert.equal(daemon.lines.filter(({ fields }) => fields.event === 'start').length, 7);
  await prefix.run('fate', 'run', 'env', '--wait');
  const [first = '', second = ''] = prefix.results().map((name) => prefix.readResult(name));
  assert.equal(second, first);
  assert.match(first, /^MINE=a=b ü$/m);
  assert.doesNotMatch(first, /FATE_RESTARTED/);
  await daemon.stop();
});

test('a daemon in the background starts anew in the background', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': COUNT });
  assert.equal((await prefix.run('fated')).status, 0);
  const { pid, since } = await status(prefix);
  assert.ok(pid !== null);
  t.after(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  });
  await quiet(prefix, 'restart');
  await quiet(prefix, 'restart');
  const after = await status(prefix);
  assert.equal(after.pid, pid);
  assert.notEqual(after.since, since);
  assert.equal((await prefix.run('fate', 'run', 'count', '--wait')).status, 0);
  const log = join(prefix.paths.data, 'fated.log');
  assert.equal(readFileSync(log, 'utf8').match(/event="start"/g)?.length, 3);
  process.kill(pid, 'SIGTERM');
  for (let tries = 0; readFileSync(log, 'utf8').match(/fated has stopped/) === null; tries += 1) {
    assert.ok(tries < 200, readFileSync(log, 'utf8'));
    await pause(25);
  }
});

test('a reload that is asked for while the new start reads its configuration is no end of it', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': COUNT });
  // Just before the daemon listens to signals.
  const hangUp = `if (process.env.FATE_RESTARTED) {
    const { on } = process;
    process.on = function (name, listener) {
      if (name === 'SIGTERM') process.kill(process.pid, 'SIGHUP');
      return on.call(this, name, listener);
    };
  }`;
  writeFileSync(join(prefix.root, 'hang-up.mjs'), hangUp);
  prefix.env.NODE_OPTIONS = `--import=${join(prefix.root, 'hang-up.mjs')}`;
  const words = [join(repo, 'dist/fate.js'), 'control', '--continual'];
  const daemon = spawn(process.execPath, words, { env: prefix.env, cwd: prefix.root, stdio: 'ignore' });
  const ended = new Promise((resolve) => daemon.once('close', (...how) => resolve(how)));
  t.after(() => daemon.kill('SIGKILL'));
  const { since } = await answering(prefix);
  await quiet(prefix, 'restart');
  const after = await answering(prefix);
  assert.deepEqual([after.pid, after.since === since], [daemon.pid, false]);
  daemon.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});

/** A copy of the programs, as an installation has them. */
function install(t: TestContext): { folder: string; programs: string } {
  const folder = mkdtempSync(join(tmpdir(), 'fate-installed-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(repo, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(repo, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(repo, 'node_modules'), join(folder, 'node_modules'));
  return { folder, programs: join(folder, 'dist') };
}

test('programs that were replaced are what starts; those that do not run leave the daemon as it is', async (t) => {
  const { folder, programs } = install(t);
  const { prefix, daemon } = await started(t, HELD, programs);
  const fated = join(programs, 'fated.js');
  const good = readFileSync(fated, 'utf8');
  writeFileSync(fated, "import './part-that-is-missing.js';\n");
  const refused = await prefix.run('fate', 'restart');
  assert.equal(refused.status, 1);
  assert.match(
    refused.stderr,
    /the daemon goes on as it is: .*fated\.js --version fails: exit status 1, Error \[?ERR_MODULE/,
  );
  assert.equal((await status(prefix)).restart, null, 'and that was all');

  writeFileSync(fated, '');
  const cutShort = await prefix.run('fate', 'restart');
  assert.equal(cutShort.status, 1);
  assert.match(cutShort.stderr, /goes on as it is: .*fated\.js --version says "", and not which fated it is/);

  writeFileSync(fated, "import './part-that-is-missing.js';\n");
  await quiet(prefix, 'restart', '--when-idle');
  const { fields } = await daemon.until({ event: 'restart', level: 'error' }, 3);
  assert.match(
    fields.msg ?? '',
    /^fated goes on as it is, since .*fails: .*tried again when nothing runs, in 10 minutes/,
  );
  assert.match((await status(prefix)).restart?.refused ?? '', /fails: exit status 1/);
  assert.equal((await prefix.run('fate', 'reload')).status, 0, 'it goes on');

  const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...about, version: '9.9.9' }));
  writeFileSync(fated, good);
  await quiet(prefix, 'restart', '--when-idle');
  const start = await daemon.until({ event: 'start' }, 2);
  assert.equal(start.fields.version, '9.9.9');
  await daemon.until({ event: 'restart', msg: 'starts anew as fated 9.9.9' });
  assert.equal((await answering(prefix)).version, '9.9.9');
  await daemon.stop();
});

test('a stop does not wait for a new program that does not end', async (t) => {
  const { programs } = install(t);
  const { prefix, daemon } = await started(t, COUNT, programs);
  writeFileSync(join(programs, 'fated.js'), "process.kill(process.ppid, 'SIGTERM'); setInterval(() => {}, 1000);\n");
  const socket = join(prefix.paths.run, 'control.sock');
  const begun = performance.now();
  assert.equal((await ask(socket, 'POST', '/v1/restart', { when_idle: true })).status, 200);
  // A signal that does nothing: its end is waited for.
  const { status: exit, stderr } = await daemon.stop('SIGCONT');
  assert.equal(exit, 0, stderr);
  assert.ok(performance.now() - begun < 9_000, 'not at the end of its time');
  assert.doesNotMatch(stderr, /goes on as it is|level="?(error|critical)/);
});

test('a configuration that a start would refuse leaves the daemon as it is', async (t) => {
  const { prefix, daemon } = await started(t, HELD);
  prefix.write('tasks.toml', 'held = [\n');
  const refused = await prefix.run('fate', 'restart');
  assert.equal(refused.status, 65);
  assert.match(
    refused.stderr,
    /tasks\.toml:2:(?:.*\n)+fate: the daemon goes on as it is: a start would refuse the configuration/,
  );
  prefix.write('tasks.toml', HELD);
  prefix.write('defaults.toml', 'scheduling = 5\n');
  await quiet(prefix, 'restart', '--when-idle');
  await daemon.until({ event: 'restart', level: 'error' }, 2);
  assert.match((await status(prefix)).restart?.refused ?? '', /defaults\.toml has wrong values/);
  assert.equal(daemon.lines.filter(({ fields }) => fields.event === 'start').length, 1);
  const { status: exit, stderr } = await daemon.stop();
  assert.equal(exit, 0, stderr);
});

test('a stop wins over a restart that waits for a run, and over one that has told a run to end', async (t) => {
  const stubborn = task(
    'held',
    'trap "echo told >&2" TERM; echo going >&2; until [ -e go ]; do sleep 0.05; done',
    'grace = 30\n',
  );
  for (const idle of [true, false]) {
    const { prefix, daemon } = await started(t, stubborn);
    await prefix.run('fate', 'run', 'held');
    await daemon.until({ event: 'log', msg: 'going' });
    const socket = join(prefix.paths.run, 'control.sock');
    assert.equal((await ask(socket, 'POST', '/v1/restart', { when_idle: idle })).status, 200);
    if (!idle) await daemon.until({ event: 'log', msg: 'told' });
    daemon.child.kill('SIGTERM');
    await daemon.until({ event: 'stop' });
    await daemon.until({ event: 'log', msg: 'told' });
    writeFileSync(join(prefix.root, 'go'), '');
    // A signal that does nothing: its end is waited for.
    const { status: exit, signal, stderr } = await daemon.stop('SIGCONT');
    assert.deepEqual([exit, signal], [0, null], stderr);
    assert.match(stderr, /fated has stopped/);
    assert.equal(stderr.match(/event="start"/g)?.length, 1, stderr);
  }
});

test('systemd sees a reload, from the moment at which it lets go until the new start is ready', async (t) => {
  const why = whyNoNotifySocket();
  if (why !== null) return t.skip(why);
  const prefix = makePrefix(t, { 'tasks.toml': COUNT });
  const systemd = await openNotifySocket(t);
  Object.assign(prefix.env, { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '90000000' });
  const daemon = prefix.daemon();
  await systemd.until(/^READY=1/);
  await quiet(prefix, 'restart');
  const begun = systemd.messages.findIndex((message) => /^RELOADING=1\nMONOTONIC_USEC=\d+$/.test(message));
  const ready = systemd.messages.lastIndexOf('READY=1');
  assert.ok(begun > 0 && ready > begun, systemd.messages.join(' | '));
  const between = systemd.messages.slice(begun, ready);
  assert.ok(between.includes('WATCHDOG=1'), 'fed for the time in which nobody turns');
  assert.ok(between.includes('STATUS=restarting, 0 running'), between.join(' | '));
  assert.ok(!systemd.messages.includes('STOPPING=1'));
  await daemon.stop();
  assert.ok(systemd.messages.includes('STOPPING=1'));
});

test('where the new program is gone at the last moment, the log says so, and a service manager starts it again', async (t) => {
  const { folder, programs } = install(t);
  const node = join(folder, 'node');
  copyFileSync(process.execPath, node);
  const prefix = makePrefix(t, { 'tasks.toml': COUNT }, programs);
  prefix.write('defaults.toml', `path = { log = "${join(prefix.root, 'fate.log')}" }\n`);
  const daemon = spawn(node, [join(programs, 'fated.js'), '--foreground'], { env: prefix.env, cwd: prefix.root });
  let stderr = '';
  daemon.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise((resolve) => daemon.once('close', resolve));
  t.after(() => daemon.kill('SIGKILL'));
  await answering(prefix);
  writeFileSync(
    join(programs, 'fated.js'),
    "import { rmSync } from 'node:fs'; rmSync(process.execPath); console.log('fated 9.9.9');\n",
  );
  await quiet(prefix, 'restart', '--when-idle');
  assert.equal(await ended, 1, stderr);
  assert.match(stderr, /there is no new start of .*ENOENT: no such file or directory, execve/);
  assert.match(readFileSync(join(prefix.root, 'fate.log'), 'utf8'), /critical.*restart.*there is no new start/);
});

test('a daemon that is the first process of a container does not end', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('only root makes namespaces');
  const prefix = makePrefix(t, { 'tasks.toml': COUNT });
  const fated = [process.execPath, join(repo, 'dist/fated.js'), '--foreground'];
  const container = spawn('unshare', ['--pid', '--fork', '--kill-child', '--mount-proc', ...fated], {
    env: prefix.env,
  });
  const ended = new Promise((resolve) => container.once('close', resolve));
  t.after(() => container.kill('SIGKILL'));
  const init = (): string => readFileSync(`/proc/${container.pid}/task/${container.pid}/children`, 'utf8').trim();
  while (init() === '') await pause(10);
  const enter = async (...args: readonly string[]): Promise<string> => {
    const words = ['-t', init(), '-p', '-m', process.execPath, join(repo, 'dist/fate.js'), ...args];
    const child = spawn('nsenter', words, { env: prefix.env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk;
    return text;
  };
  const since = async (): Promise<string | null> => JSON.parse(await enter('status', '--json')).since;
  let before: string | null = null;
  for (let tries = 0; tries < 100 && before === null; tries += 1) before = await since().catch(() => null);
  assert.equal(await enter('restart'), '');
  const after = await since();
  assert.ok(before !== null && after !== null && after !== before, `${before} ${after}`);
  await enter('run', 'count', '--wait');
  process.kill(Number(init()), 'SIGTERM');
  assert.equal(await ended, 0);
});
