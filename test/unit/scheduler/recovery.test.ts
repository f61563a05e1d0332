/** What a start makes of what is in the spool and in the ledger, each state set up as files (SPEC 11, crash safety). */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/platform/clock.ts';
import { encodeOutcome } from '../../../src/scheduler/marks.ts';
import { recover } from '../../../src/scheduler/recovery.ts';
import { encodeEntry } from '../../../src/state/entry.ts';
import type { StoredState } from '../../../src/state/store.ts';
import type { Ending, Entry, Task } from '../../../src/types.ts';
import { makeTask } from '../../helpers/tasks.ts';
import { NO_LIMITS, newGroup, openAt, skip, startIn } from '../platform/control-group-world.ts';
import { DUE, ID, leave, makeRoot, namesIn, openWorld, plan, plannedEntry, settleIn, type World } from './world.ts';

const TASK = makeTask('disk');
const RETRIED: Task = makeTask('disk', {
  retry: { limit: 3, delay: 60_000, backoff: 1, maxDelay: 60_000, on: ['lost', 'retry'] },
});

function makeWorld(t: TestContext): World {
  const world = openWorld(makeRoot(t));
  t.after(() => world.store.close());
  return world;
}

const ending = (changes: Partial<Ending> = {}): Ending => ({
  attempt: 1,
  startedAt: DUE,
  endedAt: DUE + 1_000,
  duration: 1_000,
  status: 'OK',
  code: 0,
  signal: null,
  endedBy: 'itself',
  reason: null,
  memory: null,
  cpu: null,
  ...changes,
});

const folderOf = ({ id, attempt }: Entry): string => (attempt === 1 ? id : `${id}-${attempt}`);

/** An attempt that began. */
function mark(world: World, entry: Entry, stdout = ''): void {
  const started: Entry = { ...entry, phase: 'started', startedAt: entry.due };
  leave(world, folderOf(entry), 'starting', `${encodeEntry(started)}\n`);
  leave(world, folderOf(entry), 'stdout', stdout);
}

/** And that ended. */
function end(world: World, entry: Entry, how: Partial<Ending>, state: StoredState | null = null): void {
  mark(world, entry);
  const ended: Entry = { ...entry, phase: 'ended', ending: ending({ attempt: entry.attempt, ...how }) };
  const outcome = encodeOutcome({ entry: ended, results: [], keep: false, state, stderr: null });
  leave(world, folderOf(entry), 'outcome', outcome);
}

const closed = (world: World): Entry[] => [...world.store.closed('disk')];
const statuses = (world: World): (string | undefined)[] => closed(world).map((entry) => entry.ending?.status);

test('what had not begun goes on: planned, waiting, and what waits for a retry', async (t) => {
  const world = makeWorld(t);
  const entries = [
    plannedEntry({ id: '1' }),
    plannedEntry({ id: '2', phase: 'waiting', queuedAt: DUE, due: DUE + 1, first: DUE + 1 }),
    plannedEntry({ id: '3', phase: 'retry', attempt: 2, retryAt: DUE, ending: ending({ status: 'Retry' }) }),
  ];
  plan(world, ...entries);
  assert.deepEqual((await settleIn(world, TASK)).open, entries);
  assert.deepEqual([closed(world), world.told], [[], []]);
});

test('what was about to start after it had waited waits again, and what was to be retried is', async (t) => {
  const world = makeWorld(t);
  const waited = plannedEntry({ id: '1', queuedAt: DUE + 1 });
  const retried = plannedEntry({ id: '2', attempt: 2, retryAt: DUE + 2, ending: ending({ status: 'Retry' }) });
  plan(world, waited, retried);
  const { open } = await settleIn(world, TASK);
  assert.deepEqual(open, [
    { ...waited, phase: 'waiting' },
    { ...retried, phase: 'retry' },
  ]);
  assert.deepEqual(world.store.openEntries(), open);
});

test('after another boot what was planned counts as started, but what waited did certainly not start', async (t) => {
  const world = makeWorld(t);
  const waiting = plannedEntry({ id: '2', phase: 'waiting', due: DUE + 1, first: DUE + 1 });
  plan(world, plannedEntry({ id: '1' }), waiting);
  assert.deepEqual((await settleIn(world, TASK, false)).open, [waiting]);
  assert.deepEqual(statuses(world), ['Lost']);
  assert.equal(closed(world)[0]?.ending?.reason, 'the machine went down when it was due; it may have been started');
  const [told] = world.told;
  assert.deepEqual(
    [told?.level, told?.event, told?.fields.ended_by, told?.fields.due],
    ['error', 'ended', 'lost', '2026-01-01T12:00:00.000Z'],
  );
});

test('what was started and has no folder is lost', async (t) => {
  const world = makeWorld(t);
  plan(world, plannedEntry({ phase: 'started', startedAt: DUE, pid: 999_999 }));
  assert.deepEqual((await settleIn(world, TASK)).open, []);
  assert.deepEqual([statuses(world), closed(world)[0]?.kept], [['Lost'], null]);
});

test('a mark that is not whole is none', async (t) => {
  const world = makeWorld(t);
  const entry = plannedEntry();
  plan(world, entry);
  leave(world, ID, 'starting', encodeEntry(entry));
  leave(world, ID, 'stdout', '');
  assert.deepEqual((await settleIn(world, TASK)).open, [entry]);
  assert.deepEqual(namesIn(world.spool), []);
});

test('a mark without an outcome is lost; what it wrote is kept and named', async (t) => {
  const world = makeWorld(t);
  plan(world, plannedEntry());
  mark(world, plannedEntry(), 'so far');
  leave(world, ID, 'outcome', '{"v":1,"entry"');
  await settleIn(world, TASK);
  const [entry] = closed(world);
  const kept = join(world.spool, ID, 'output');
  assert.deepEqual([entry?.ending?.status, entry?.kept, entry?.stdoutBytes], ['Lost', kept, 6]);
  assert.equal(readFileSync(kept, 'utf8'), 'so far');
  assert.equal(world.store.output(ID)?.stdout.head.toString(), 'so far');
  assert.deepEqual(namesIn(world.spool), [ID, `${ID}/output`]);
  assert.equal(world.told[0]?.fields.output, kept);
  await settleIn(world, TASK);
  assert.deepEqual(namesIn(world.spool), [ID, `${ID}/output`]);
});

test('a lost run is tried again only where retry.on has lost', async (t) => {
  const world = makeWorld(t);
  plan(world, plannedEntry());
  mark(world, plannedEntry());
  const { open } = await settleIn(world, RETRIED);
  const [entry] = open;
  assert.deepEqual([open.length, entry?.phase, entry?.attempt, entry?.ending?.status], [1, 'retry', 2, 'Lost']);
  assert.ok((entry?.retryAt ?? 0) > Date.now());
  assert.deepEqual([world.store.openEntries(), closed(world)], [open, []]);
  world.told.length = 0;
  assert.deepEqual([(await settleIn(world, RETRIED)).open, world.told], [open, []]);
});

test('a run whose plan could not be written is lost all the same, and its due time does not come again', async (t) => {
  const world = makeWorld(t);
  world.store.write({ cursors: new Map([['disk', { fingerprint: 'f', seen: DUE - 60_000 }]]) });
  mark(world, plannedEntry());
  mark(world, plannedEntry({ id: '1jz0000000bbbb', task: 'removed' }));
  await settleIn(world, TASK);
  assert.deepEqual(statuses(world), ['Lost']);
  assert.deepEqual(world.store.cursor('disk'), { fingerprint: 'f', seen: DUE });
  assert.equal(world.store.entry('1jz0000000bbbb')?.ending?.status, 'Lost');
  assert.equal(world.store.cursor('removed'), null);
});

test('and one of a task without a cursor gets one', async (t) => {
  const world = makeWorld(t);
  mark(world, plannedEntry());
  await settleIn(world, TASK);
  assert.deepEqual(world.store.cursor('disk'), { fingerprint: TASK.schedule.fingerprint, seen: DUE });
});

test('a run that began stands for its whole span: what was planned within it is dropped', async (t) => {
  const world = makeWorld(t);
  const earlier = [1, 2, 3].map((n) => plannedEntry({ id: `${n}`, due: DUE - n * 60_000, first: DUE - n * 60_000 }));
  const other = plannedEntry({ id: '4', task: 'other', due: DUE - 60_000 });
  const run = plannedEntry({ first: DUE - 2 * 60_000, count: 3 });
  plan(world, run, ...earlier, other);
  mark(world, run);
  const { open } = await settleIn(world, TASK);
  assert.deepEqual(open.map(({ id }) => id).sort(), ['3', '4']);
  assert.deepEqual(
    world.store.openEntries().map(({ id }) => id),
    ['3', '4'],
  );
});

test('folders of runs that are recorded go, but for output that was kept', async (t) => {
  const world = makeWorld(t);
  const entry = plannedEntry();
  plan(world, entry);
  end(world, entry, {}, { kind: 'text', value: 'of this run' });
  const record: Entry = { ...entry, phase: 'ended', ending: ending() };
  world.store.write({ closed: new Map([[ID, { entry: record, output: null }]]) });
  leave(world, ID, 'output', 'for people');
  leave(world, '1jz0000000cccc', 'stdout', 'of nobody');
  const { open } = await settleIn(world, TASK);
  assert.deepEqual([open, world.told, closed(world)], [[], [], [record]]);
  assert.equal(world.store.state('disk'), null);
  assert.deepEqual(namesIn(world.spool), [ID, `${ID}/output`]);
});

test('an attempt that is recorded as to be retried is not recorded again', async (t) => {
  const world = makeWorld(t);
  const next = plannedEntry({ phase: 'retry', attempt: 2, retryAt: DUE, ending: ending({ status: 'Retry' }) });
  plan(world, next);
  end(world, plannedEntry(), { status: 'Retry' }, { kind: 'text', value: 'old' });
  assert.deepEqual((await settleIn(world, TASK)).open, [next]);
  assert.deepEqual([world.store.state('disk'), namesIn(world.spool), world.told], [null, [], []]);
});

test('of several attempts that the ledger knows nothing of, the last one tells', async (t) => {
  const world = makeWorld(t);
  plan(world, plannedEntry());
  end(world, plannedEntry(), { status: 'Retry', code: 42 }, { kind: 'text', value: 'first' });
  const second = plannedEntry({ attempt: 2, ending: ending({ status: 'Retry', code: 42 }) });
  mark(world, second, 'so far');
  await settleIn(world, TASK);
  const [entry] = closed(world);
  assert.deepEqual(
    [entry?.ending?.status, entry?.ending?.attempt, entry?.earlier.map(({ status }) => status)],
    ['Lost', 2, ['Retry']],
  );
  assert.deepEqual(world.store.state('disk'), { kind: 'text', value: 'first' });
  assert.deepEqual(namesIn(world.spool), [`${ID}-2`, `${ID}-2/output`]);
});

test('a loss that a later attempt followed is not told once more', async (t) => {
  const world = makeWorld(t);
  mark(world, plannedEntry(), 'first');
  const lost = ending({ status: 'Lost', endedBy: 'lost', code: null });
  end(world, plannedEntry({ attempt: 2, ending: lost }), { status: 'OK' });
  await settleIn(world, RETRIED);
  assert.deepEqual([statuses(world), closed(world)[0]?.ending?.attempt], [['OK'], 2]);
  assert.deepEqual(namesIn(world.spool), []);
});

test('of several runs the state is that of the one which ended last', async (t) => {
  const world = makeWorld(t);
  const runs = [5, 9, 7].map((n) => ({ n, entry: plannedEntry({ id: `1jz0000000ddd${n}`, due: DUE + n }) }));
  for (const { n, entry } of runs) end(world, entry, { endedAt: DUE + n }, { kind: 'text', value: `${n}` });
  await settleIn(world, TASK);
  assert.deepEqual(statuses(world), ['OK', 'OK', 'OK']);
  assert.deepEqual(world.store.state('disk'), { kind: 'text', value: '9' });
});

test('a run that the ledger has forgotten does not bring an old state back', async (t) => {
  const world = makeWorld(t);
  const newer: Entry = {
    ...plannedEntry({ id: '1jz0000000zzzz' }),
    phase: 'ended',
    ending: ending({ endedAt: DUE + 5_000 }),
  };
  world.store.write({
    closed: new Map([[newer.id, { entry: newer, output: null }]]),
    states: new Map([['disk', { kind: 'text', value: 'newer' }]]),
  });
  end(world, plannedEntry(), {}, { kind: 'text', value: 'older' });
  await settleIn(world, TASK);
  assert.deepEqual(world.store.state('disk'), { kind: 'text', value: 'newer' });
});

test('when the disk refuses it, the start goes on with what is right, and says what is to be written', async (t) => {
  const world = makeWorld(t);
  const pending = plannedEntry({ id: '1', due: DUE + 1, first: DUE + 1 });
  plan(world, plannedEntry(), pending);
  mark(world, plannedEntry(), 'so far');
  const settleBadly = (): ReturnType<typeof recover> =>
    recover({
      store: {
        ...world.store,
        write() {
          throw new Error('the state in /x could not be written (the disk is full)');
        },
      },
      spool: world.spool,
      sameBoot: true,
      boot: 'b',
      tasks: new Map([['disk', TASK]]),
      clock: systemClock,
      log: world.parts.log,
    });
  for (let time = 0; time < 2; time++) {
    const { open, unwritten } = await settleBadly();
    assert.deepEqual(open, [pending]);
    assert.equal(unwritten?.batch.closed?.get(ID)?.entry.ending?.status, 'Lost');
    assert.ok(existsSync(join(world.spool, ID, 'starting')), 'the mark stays until it is written');
  }
  assert.deepEqual(
    world.told.map(({ level, event }) => `${level} ${event}`),
    ['error recovered', 'error ended', 'error recovered', 'error ended'],
  );
  const { unwritten } = await settleBadly();
  assert.ok(unwritten);
  world.store.write(unwritten.batch);
  await unwritten.clear();
  assert.deepEqual([statuses(world), namesIn(world.spool)], [['Lost'], [ID, `${ID}/output`]]);
});

test('a spool that cannot be read stops the start: nobody knows what had begun', async (t) => {
  const world = makeWorld(t);
  const parts = {
    store: world.store,
    sameBoot: true,
    boot: 'b',
    tasks: new Map(),
    clock: systemClock,
    log: world.parts.log,
  };
  writeFileSync(join(world.root, 'file'), '');
  await assert.rejects(recover({ ...parts, spool: join(world.root, 'file') }), { code: 'ENOTDIR' });
  assert.deepEqual((await recover({ ...parts, spool: join(world.root, 'none') })).open, []);
});

test('what is left of a lost run in its control group is ended before it is settled', { skip }, async (t) => {
  const world = makeWorld(t);
  const own = newGroup(t);
  const path = openAt(t, own).groups?.make(ID, NO_LIMITS)?.path ?? '';
  const { ended } = await startIn(path, 'echo $$; exec sleep 300', 1);
  plan(world, plannedEntry());
  mark(world, plannedEntry());
  await recover({
    store: world.store,
    spool: world.spool,
    sameBoot: true,
    boot: 'b',
    tasks: new Map([['disk', TASK]]),
    clock: systemClock,
    log: world.parts.log,
    groups: openAt(t, own).groups,
  });
  assert.equal(await ended, 'SIGTERM');
  assert.equal(existsSync(path), false);
  assert.deepEqual(statuses(world), ['Lost']);
  assert.equal(world.told.find(({ event }) => event === 'ended')?.fields.survivors, 1);
});

test('temporaries of a lost run are removed where it noted them', async (t) => {
  const world = makeWorld(t);
  mark(world, plannedEntry());
  mkdirSync(world.results);
  const temporary = join(world.results, `.fate-result-${ID}-0123456789abcdef`);
  writeFileSync(temporary, '');
  leave(world, ID, 'beside', `${JSON.stringify(world.results)}\n`);
  await settleIn(world, TASK);
  assert.deepEqual(namesIn(world.results), []);
});

test('a lost run is said to have gone until it was last heard of', async (t) => {
  const world = makeWorld(t);
  mark(world, plannedEntry(), 'x');
  utimesSync(join(world.spool, ID, 'stdout'), DUE / 1000, DUE / 1000 + 90);
  await settleIn(world, TASK);
  const [entry] = closed(world);
  assert.equal(entry?.ending?.duration, 90_000);
  assert.ok(Date.now() - (entry?.ending?.endedAt ?? 0) < 10_000);
});

test('a thousand runs that were lost are settled in one transaction, and soon', async (t) => {
  const world = makeWorld(t);
  const entries = Array.from({ length: 1_000 }, (_, n) =>
    plannedEntry({ id: `1jz000000${String(n).padStart(5, '0')}`, due: DUE + n, first: DUE + n }),
  );
  plan(world, ...entries);
  for (const entry of entries) mark(world, entry);
  const before = performance.now();
  await settleIn(world, TASK);
  assert.equal(closed(world).length, 1_000);
  assert.ok(performance.now() - before < 10_000);
  assert.deepEqual(namesIn(world.spool), []);
});
