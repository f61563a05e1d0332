/** The end of an attempt, from how its process ended: what is recorded of it, told of it, and whose its results are. */
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decodeOutcome, encodeOutcome } from '../../../src/scheduler/marks.ts';
import { settle } from '../../../src/scheduler/settle.ts';
import { attemptFolder, STDOUT } from '../../../src/scheduler/spool.ts';
import type { Concluded, Entry, Exit, Identity, Task } from '../../../src/types.ts';
import { makeTask, NO_CONTEXT, NO_LIMITS } from '../../helpers/tasks.ts';
import { DUE, makeRoot, openWorld, plan, plannedEntry, runOf, TASKS, type World } from './world.ts';

interface Given {
  readonly task?: Partial<Task>;
  readonly exit?: Partial<Exit>;
  readonly entry?: Partial<Entry>;
  readonly identity?: Identity | null;
}

async function settled(t: TestContext, given: Given): Promise<Concluded & { world: World }> {
  const world = openWorld(makeRoot(t));
  t.after(() => world.store.close());
  const task = makeTask('disk', given.task);
  const entry: Entry = plannedEntry({ startedAt: DUE, pid: 7, ...given.entry, phase: 'started' });
  const run = runOf(task, entry);
  plan(world, entry);
  const folder = attemptFolder(world.spool, run);
  mkdirSync(folder);
  writeFileSync(join(folder, STDOUT), 'text', { mode: 0o600 });
  const exit: Exit = {
    code: 0,
    signal: null,
    endedBy: 'itself',
    limit: null,
    failure: null,
    pid: 7,
    startedAt: DUE,
    endedAt: DUE + 1_000,
    duration: 1_000,
    stdoutBytes: 4,
    stdoutError: null,
    state: Buffer.alloc(0),
    stderrDropped: 0,
    left: 0,
    usage: { memory: null, cpu: null, outOfMemory: 0 },
    ...given.exit,
  };
  const stderr = () => ({ head: Buffer.alloc(0), tail: Buffer.alloc(0), size: 0 });
  const { identity = null } = given;
  const concluded = await settle({ run, entry, exit, folder, before: null, sent: '', identity, stderr }, world.parts);
  return { ...concluded, world };
}

const KILLED = { code: null, signal: 'SIGKILL' } as const;

test('peak memory and processor time stand in the ledger, and that it was asked for', async (t) => {
  const usage = { memory: 12_345_678, cpu: 1_234, outOfMemory: 0 };
  const { entry, outcome, world } = await settled(t, { exit: { usage }, entry: { byHand: true } });
  assert.deepEqual([entry.ending?.memory, entry.ending?.cpu, entry.byHand], [12_345_678, 1_234, true]);
  assert.equal(outcome.reason, null);
  assert.deepEqual([...world.store.closed('disk')], [entry]);
});

test('where nobody can tell, there is nothing', async (t) => {
  const { entry } = await settled(t, {});
  assert.deepEqual([entry.ending?.memory, entry.ending?.cpu], [null, null]);
});

test('a run that went past a limit is an Error with the reason, and keeps what it wrote', async (t) => {
  const limit = 'it wrote more than limits.output (4 bytes)';
  const { outcome, entry, world } = await settled(t, {
    exit: { endedBy: 'limit', limit, signal: 'SIGTERM', code: null },
  });
  assert.deepEqual([outcome.status, outcome.level, outcome.reason], ['Error', 'error', limit]);
  assert.deepEqual([entry.ending?.endedBy, entry.ending?.reason], ['limit', limit]);
  assert.equal(world.store.output(entry.id)?.stdout.head.toString(), 'text');
  assert.equal(outcome.stdout, 'text');
});

test('out of memory is the reason, also of a run that came through', async (t) => {
  const of = async (outOfMemory: number, memory: number | null, exit: Partial<Exit>) => {
    const usage = { memory: null, cpu: null, outOfMemory };
    const { outcome } = await settled(t, { task: { limits: { ...NO_LIMITS, memory } }, exit: { ...exit, usage } });
    return [outcome.status, outcome.reason];
  };
  assert.deepEqual(await of(1, 64 << 20, KILLED), [
    'Killed',
    'out of memory: the kernel ended a process of the run, by limits.memory (64 MiB)',
  ]);
  assert.deepEqual(await of(2, null, {}), [
    'OK',
    'out of memory: the kernel ended 2 processes of the run, which has no limits.memory of its own',
  ]);
});

test('what was dropped of standard error is told once', async (t) => {
  const task = { limits: { ...NO_LIMITS, log: 10 << 20 } };
  const { world } = await settled(t, { task, exit: { stderrDropped: 3_000 } });
  const told = world.told.filter(({ event }) => event === 'log');
  assert.deepEqual(
    told.map(({ level, fields }) => [level, fields.msg, fields.task]),
    [['warning', '2.9 KiB of standard error past limits.log (10 MiB) were dropped', 'disk']],
  );
  assert.deepEqual((await settled(t, {})).world.told, []);
});

test('an outcome remembers whose its results are, and one of an older version has nobody', () => {
  const entry = plannedEntry({ phase: 'ended' });
  const ending = { attempt: 1, startedAt: 1, endedAt: 2, duration: 1, status: 'OK', code: 0, signal: null } as const;
  const result = {
    temporary: '/r/.fate-result-x',
    target: '/r/x',
    suffix: '',
    label: '',
    ext: '',
    size: 1,
    onConflict: 'rename',
    dev: '1',
    ino: '2',
  } as const;
  const end = {
    entry: { ...entry, ending: { ...ending, endedBy: 'itself', reason: null, memory: 1, cpu: 2 } },
    keep: false,
    state: null,
    stderr: null,
  } as const;
  const text = encodeOutcome({ ...end, results: [{ ...result, owner: 65534 }] });
  assert.deepEqual(decodeOutcome(text), { ...end, results: [{ ...result, owner: 65534 }] });
  const older = decodeOutcome(text.replace('"owner":65534,', '').replace(',"owner":65534', ''));
  assert.deepEqual(older?.results, [{ ...result, owner: null }]);
});

test('results belong to the task’s user with its umask, and keep knows whose they are', {
  skip: process.geteuid?.() !== 0 && 'only root makes files for other users',
}, async (t) => {
  const identity = { uid: 65534, gid: 65534, groups: [65534] };
  const { resultPath, keep } = TASKS.numbered('');
  const task = { resultPath, keep, context: { ...NO_CONTEXT, umask: 0o027 } };
  const { entry, world } = await settled(t, { task, identity });
  const path = join(world.results, 'out.txt');
  assert.deepEqual(
    entry.results.map((result) => result.path),
    [path],
  );
  const { uid, gid, mode } = lstatSync(path);
  assert.deepEqual([uid, gid, mode & 0o777, readFileSync(path, 'utf8')], [65534, 65534, 0o640, 'text']);
  assert.deepEqual(world.store.results('disk'), [{ path, size: 4, at: DUE + 1_000, owner: 65534 }]);
});
