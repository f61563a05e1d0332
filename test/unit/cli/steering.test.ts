/** The commands that ask a daemon, as programs, against a control socket of the test. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { endWords } from '../../../src/cli/steering.ts';
import { endedJson } from '../../../src/control/json.ts';
import { FateError } from '../../../src/errors.ts';
import { acquireLock } from '../../../src/platform/lock.ts';
import { stateFolder } from '../../../src/state/folder.ts';
import type { Problem } from '../../../src/types.ts';
import { COMPILED, type Finished, makePrefix, type Prefix } from '../../helpers/prefix.ts';
import { AT, asRoot, makeRow, makeStatus, openRig, type Rig } from '../control/daemon.ts';
import { makeEnding, makeEntry } from './ledgers.ts';

const TASKS = '[disk]\nschedule = "0 3 * * *"\nexec = ["true"]\ndescription = "how full"\n';

interface Cleanup {
  after(work: () => unknown): void;
}

/** A configuration whose lock this process holds, as a daemon would. */
async function attended(t: Cleanup, { socket = true } = {}): Promise<{ fate: Prefix; rig: Rig }> {
  const fate = makePrefix(t, { 'tasks.toml': TASKS }, COMPILED);
  const { conf, state, run } = fate.paths;
  const folder = stateFolder(state, [join(conf, 'tasks'), join(conf, 'defaults')], []);
  const owner = join(run, `run-${process.pid}`);
  const rig = await openRig(t, {}, { run });
  rig.status = makeStatus({ files: [join(conf, 'tasks.toml')] });
  const lock = acquireLock(folder, { pid: process.pid, program: 'fated', run: socket ? owner : join(run, 'run-0') });
  assert.ok(lock.held);
  t.after(() => lock.release());
  return { fate, rig };
}

const short = ({ status, stdout, stderr }: Finished): unknown[] => [status, stdout, stderr];

test('without a daemon steering is a temporary failure, and looking tells what is known', async (t) => {
  const fate = makePrefix(t, { 'tasks.toml': TASKS }, COMPILED);
  for (const words of [['reload'], ['restart'], ['restart', '--when-idle'], ['run', 'disk'], ['kill', 'disk']]) {
    const { status, stderr } = await fate.run('fate', ...words);
    assert.deepEqual([status, stderr], [75, `fate: no daemon runs the configuration in ${fate.paths.conf}\n`]);
  }
  const status = await fate.run('fate', 'status');
  assert.equal(status.status, 0);
  assert.match(
    status.stdout,
    /^scheduler {2}no scheduler runs this configuration\ntasks {6}1\nnext {7}disk at .* \(in /,
  );
  const json = JSON.parse((await fate.run('fate', 'status', '--json')).stdout);
  assert.deepEqual([json.pid, json.program, json.executions, json.running, json.unsettled], [null, null, null, [], []]);
  const [row] = JSON.parse((await fate.run('fate', 'list', '--json')).stdout);
  assert.deepEqual(
    [row.task, row.state, row.schedule, row.running, row.last],
    ['disk', 'enabled', '0 3 * * *', 0, null],
  );
  assert.match(row.next, /T\d\d:00:00.000Z$/);
});

test('reload is quiet when it is done, and tells the problems as check does when it is refused', async (t) => {
  const { fate, rig } = await attended(t);
  assert.deepEqual(short(await fate.run('fate', 'reload')), [0, '', '']);
  const problem: Problem = {
    ...{ severity: 'error', kind: 'value', file: '/conf/tasks.toml', line: 3, column: 1, path: ['disk', 'exec'] },
    message: 'expected a list, found the number 5',
  };
  const message = 'the old configuration stays: it has problems';
  rig.reloaded = new FateError('CONF_INVALID', message, { problems: [problem] });
  assert.deepEqual(short(await fate.run('fate', 'reload')), [
    78,
    '',
    '/conf/tasks.toml:3:1: disk.exec: expected a list, found the number 5\n' +
      'fate: the old configuration stays: it has problems\n',
  ]);
  const { status, stdout } = await fate.run('fate', 'reload', '--json');
  assert.equal(status, 78);
  assert.deepEqual(JSON.parse(stdout).problems, [problem]);
  rig.reloaded = new FateError('CONF_SYNTAX', message, { problems: [{ ...problem, kind: 'syntax' }] });
  assert.equal((await fate.run('fate', 'reload')).status, 65);
});

test('restart --when-idle says what it waits for, and nothing where it waits for nothing', async (t) => {
  const { fate, rig } = await attended(t);
  const words = ['restart', '--when-idle'];
  rig.restarting = { whenIdle: true, running: ['backup', 'in\u001bdex'], restarting: false };
  const waits = 'fated restarts when what runs has ended: backup, in\\u001bdex\n';
  assert.deepEqual(short(await fate.run('fate', ...words)), [0, waits, '']);
  const json = JSON.parse((await fate.run('fate', ...words, '--json')).stdout);
  assert.deepEqual(json, { when_idle: true, running: ['backup', 'in\u001bdex'], restarting: false });
  rig.restarting = { whenIdle: true, running: [], restarting: false };
  const soon = 'fated restarts when what is due now has run\n';
  assert.deepEqual(short(await fate.run('fate', ...words)), [0, soon, '']);
  rig.restarting = { whenIdle: true, running: [], restarting: true };
  assert.deepEqual(short(await fate.run('fate', ...words)), [0, '', '']);
  rig.restarting = new FateError('NOT_PERMITTED', 'only root');
  assert.deepEqual(short(await fate.run('fate', ...words)), [77, '', 'fate: only root\n']);
  assert.deepEqual(new Set(rig.asked), new Set(['restart true']));
});

test('restart waits until a new start answers; what keeps the daemon as it is is told', async (t) => {
  const { fate, rig } = await attended(t);
  const { files } = rig.status;
  let looks = 0;
  const status = { ...rig.status };
  Object.defineProperty(rig, 'status', {
    get() {
      looks += 1;
      // Asked for what it is before, then by the old one, which ends what runs.
      return looks < 4 ? status : makeStatus({ files, startedAt: AT + 1 });
    },
  });
  rig.restarting = { whenIdle: false, running: ['disk'], restarting: true };
  assert.deepEqual(short(await fate.run('fate', 'restart')), [0, '', '']);
  assert.equal(looks, 4);
  assert.deepEqual(rig.asked, ['restart false']);
  rig.restarting = new FateError('FATAL', 'the daemon goes on as it is: it fails');
  assert.deepEqual(short(await fate.run('fate', 'restart')), [
    1,
    '',
    'fate: fatal: the daemon goes on as it is: it fails\n',
  ]);
});

test('status tells a restart that is to come, and why the last try came to nothing', async (t) => {
  const { fate, rig } = await attended(t);
  const { files } = rig.status;
  rig.status = makeStatus({ files, restart: { since: AT, refused: null } });
  const { stdout } = await fate.run('fate', 'status');
  assert.match(stdout, /^restart {4}when idle, asked for Sun 2026-11-22 02:00:00 \+00:00\nnext /m);
  rig.status = makeStatus({ files, restart: { since: AT, refused: 'it fails' } });
  assert.match((await fate.run('fate', 'status')).stdout, /^restart .*\n {11}put off, since it fails\nnext /m);
  rig.status = makeStatus({ files, stopping: true, restart: { since: AT, refused: null } });
  const stopping = (await fate.run('fate', 'status')).stdout;
  assert.match(stopping, /^ {11}it is stopping, to start anew\n/m);
  assert.doesNotMatch(stopping, /^restart/m);
  const json = JSON.parse((await fate.run('fate', 'status', '--json')).stdout);
  assert.deepEqual(json.restart, { since: '2026-11-22T02:00:00.000Z', refused: null });
});

test('status shows what the daemon says, in a table or as JSON', async (t) => {
  const { fate, rig } = await attended(t);
  rig.status = makeStatus({
    running: [makeRow({ startedAt: Date.now() - 120_000, task: 'di\u001b[31msk' })],
    waiting: [
      makeRow({ task: 'x', phase: 'waiting', pid: null, waited: { for: 'mutex', mutex: 'db', who: ['disk'] } }),
    ],
  });
  const { stdout } = await fate.run('fate', 'status');
  assert.match(stdout, new RegExp(`^scheduler {2}fated 2.0.0, process ${process.pid}, since Sun 2026-11-22 02:00:00`));
  assert.match(stdout, /^runs {7}3 since then, 1 of them not OK$/m);
  assert.match(stdout, /^di\\u001b\[31msk +running +2m\d*s? +01kf3g\w+ +process 4711$/m, 'nothing steers the terminal');
  assert.match(stdout, /^x +waiting .* for mutex db \(disk\)$/m);
  const json = JSON.parse((await fate.run('fate', 'status', '--json')).stdout);
  assert.deepEqual(json.waiting[0].waited, { for: 'mutex', mutex: 'db', who: ['disk'] });
});

test('run prints the id of the run, and says what it waits for', async (t) => {
  const { fate } = await attended(t);
  assert.deepEqual(short(await fate.run('fate', 'run', 'disk')), [
    0,
    '01kf3g\n',
    'fate: disk waits for tenancy (a, b)\n',
  ]);
  assert.deepEqual(short(await fate.run('fate', 'run', 'dsk')), [2, '', 'fate: no task of the name dsk\n']);
  const json = JSON.parse((await fate.run('fate', 'run', 'disk', '--json')).stdout);
  assert.deepEqual(json, { run: '01kf3g', task: 'disk', waited: { for: 'tenancy', who: ['a', 'b'] } });
});

/** Starts `fate run disk --wait`, and does something once the daemon was asked. */
async function waiting(fate: Prefix, then: (pid: number) => void, ...more: string[]): Promise<Finished> {
  const words = [join(COMPILED, 'fate.js'), 'run', 'disk', '--wait', ...more];
  const child = spawn(process.execPath, words, { env: fate.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  let first = true;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      if (first && output.stdout.includes('\n')) {
        first = false;
        then(child.pid ?? -1);
      }
    });
  }
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { status, signal, ...output };
}

test('run --wait exits 0 when the run ended OK, and 1 with the reason when it did not', async (t) => {
  const { fate, rig } = await attended(t);
  assert.equal((await waiting(fate, () => rig.end({ ending: makeEnding() }))).status, 0);
  const failed = await waiting(fate, () => rig.end({ ending: makeEnding({ status: 'Error', code: 3 }) }));
  assert.deepEqual(short(failed), [
    1,
    '01kf3g\n',
    'fate: disk waits for tenancy (a, b)\nfate: disk 01kf3g: Error: exit status 3\n',
  ]);
  const skipped = { reason: 'max_wait', detail: 'it waited for 1h', at: AT } as const;
  const not = await waiting(fate, () => rig.end({ phase: 'skipped', skipped }));
  assert.equal(not.status, 1);
  assert.match(not.stderr, /fate: disk 01kf3g: not run: max_wait: it waited for 1h\n$/);
});

test('who stops waiting leaves the run alone, and a daemon that goes away is a temporary failure', async (t) => {
  const { fate, rig } = await attended(t);
  const left = await waiting(fate, (pid) => process.kill(pid, 'SIGINT'));
  assert.equal(left.status, 130);
  assert.match(left.stderr, /fate: the run 01kf3g goes on\n$/);
  const stopped = await waiting(fate, () => void rig.control.close());
  assert.equal(stopped.status, 75);
  assert.match(stopped.stderr, /fate: the daemon stops.*; what becomes of the run: fate show 01kf3g\n$/);
});

test('kill names what it ended, and what it kept from running', async (t) => {
  const { fate } = await attended(t);
  assert.deepEqual(short(await fate.run('fate', 'kill', 'disk')), [
    0,
    'disk 01kf3g0000000000000000000 is told to end\ndisk 01kf3h will not run\n',
    '',
  ]);
  assert.equal((await fate.run('fate', 'kill', 'nothing')).status, 2);
  const rows = JSON.parse((await fate.run('fate', 'kill', 'disk', '--json')).stdout);
  assert.deepEqual(
    rows.map(({ status }: { status: string }) => status),
    ['running', 'waiting'],
  );
});

test('a pass that has the lock cannot be asked, but status names it', async (t) => {
  const { fate } = await attended(t, { socket: false });
  const { status, stderr } = await fate.run('fate', 'reload');
  assert.equal(status, 75);
  assert.match(stderr, /^fate: fated \(pid \d+\) runs this configuration, and has no control socket\n$/);
  assert.match((await fate.run('fate', 'status')).stdout, new RegExp(`^scheduler {2}fated, process ${process.pid}\n`));
});

test('members of the group see by the link what the state does not show them', asRoot, async (t) => {
  const { fate, rig } = await attended(t);
  chmodSync(fate.root, 0o755);
  const as = async (...words: string[]): Promise<Finished> => {
    const who = ['--reuid', '65534', '--regid', '65534', '--groups', '4242'];
    const child = spawn('setpriv', [...who, process.execPath, join(COMPILED, 'fate.js'), ...words], { env: fate.env });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    const [status] = await once(child, 'close');
    return { status, signal: null, ...output };
  };
  if ((await as('--version')).status !== 0) return t.skip('another user may not read the programs here');
  const outside = await as('list');
  assert.equal(outside.status, 77, outside.stderr);
  assert.match(outside.stderr, /is not yours to read: .*; and the control socket .* is not for you/);
  assert.equal((await as('status')).status, 77);
  chmodSync(rig.path, 0o666);
  const rows = JSON.parse((await as('list', '--json')).stdout);
  assert.deepEqual(
    rows.map(({ task }: { task: string }) => task),
    ['task-0', 'task-1'],
  );
  assert.match((await as('status')).stdout, /^scheduler {2}fated 2.0.0/);
  assert.equal((await as('reload')).status, 77);
  rig.steerGid = 4242;
  assert.equal((await as('reload')).status, 0);
  rig.status = makeStatus({ files: ['/etc/other/tasks.toml'] });
  const other = await as('reload');
  assert.equal(other.status, 75);
  assert.match(other.stderr, /the one at .* runs another/);
});

test('an end is told in one line', () => {
  const words = (changes: Parameters<typeof makeEnding>[0]) =>
    endWords(endedJson(makeEntry({ ending: makeEnding(changes) })));
  assert.equal(words({}), 'OK: exit status 0');
  assert.equal(words({ status: 'Error', code: 3, reason: 'too much' }), 'Error: exit status 3; too much');
  assert.equal(
    words({ status: 'Terminated', code: null, signal: 'SIGTERM', endedBy: 'kill' }),
    'Terminated: SIGTERM, ended by kill',
  );
  assert.equal(words({ status: 'Failed', code: null, reason: 'not on PATH' }), 'Failed: not on PATH');
  assert.equal(words({ status: 'Lost', code: null, endedBy: 'lost' }), 'Lost');
});
