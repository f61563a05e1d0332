/** The clock is set, or the machine sleeps, under the loop (SPEC 5, "Missed times"): nothing twice, nothing forgotten. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Entry, EpochMs, Ms, Retry, Schedule, Task } from '../../../src/types.ts';
import { configuration, makeRig, type Rig, START } from '../../helpers/rig.ts';
import { runs } from '../../helpers/runs.ts';
import { every, makeTask } from '../../helpers/tasks.ts';
import { compiled } from '../schedule/compiled.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;
/** The loop looks at the clock at least so often. */
const LOOK = 30 * SECOND;

function going(...tasks: readonly Task[]): Rig {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(...tasks));
  void rig.scheduler.run();
  return rig;
}

/** Lets time pass while each run ends as soon as it is looked at, once a second. */
async function busy(rig: Rig, by: Ms): Promise<void> {
  for (let passed = 0; passed < by; passed += SECOND) {
    await rig.clock.advance(SECOND);
    for (const task of rig.running()) await rig.end(task);
  }
}

/** Due times of the runs that were started, as seconds from the start. */
function ran(rig: Rig): number[] {
  return rig.events.flatMap((event) => (event.type === 'started' ? [(event.run.due - START) / SECOND] : []));
}

/** Throws where a due time stands in two entries. */
function assertDisjoint(entries: readonly Entry[]): void {
  const sorted = [...entries].sort((a, b) => a.first - b.first || a.due - b.due);
  for (const [index, entry] of sorted.slice(1).entries()) {
    const before = sorted[index];
    assert.ok((before?.due ?? 0) < entry.first, `${JSON.stringify(before)} and ${JSON.stringify(entry)}`);
  }
}

/** Each due time of a task in (from, to] that is in no entry. */
function unexplained(rig: Rig, { name, schedule }: Task, from: EpochMs, to: EpochMs): string[] {
  const entries = rig.entries(name);
  const open: string[] = [];
  for (let due = schedule.next(from); due !== null && due <= to; due = schedule.next(due)) {
    const at = due;
    if (!entries.some((entry) => entry.first <= at && at <= entry.due)) open.push(`${(at - START) / SECOND}`);
  }
  return open;
}

test('a step forward within the minute: what it leapt over is late, not missed, and runs once', async () => {
  const rig = going(makeTask('a', { schedule: every(10 * SECOND), missed: 'skip' }));
  await busy(rig, 10 * SECOND);
  rig.clock.jump(25 * SECOND);
  await busy(rig, 10 * SECOND);
  // The loop looked next when 20 was to be planned, and then it was past 40.
  assert.deepEqual(ran(rig), [10, 40]);
  assert.equal(rig.entries('a')[1]?.first, START + 20 * SECOND);
  assertDisjoint(rig.entries('a'));
  assert.deepEqual(unexplained(rig, makeTask('a', { schedule: every(10 * SECOND) }), START, START + 45 * SECOND), []);
});

test('a step forward by hours: each policy has its say, and the entries say that it was the clock', async () => {
  const hourly = { schedule: every(HOUR) };
  const rig = going(
    makeTask('once', hourly),
    makeTask('skip', { ...hourly, missed: 'skip' }),
    makeTask('all', { ...hourly, missed: 'all' }),
    makeTask('lately', { ...hourly, missedWithin: 90 * MINUTE }),
  );
  rig.clock.jump(5 * HOUR + 30 * MINUTE);
  await rig.clock.advance(LOOK);
  for (let i = 0; i < 6; i += 1) for (const task of rig.running()) await rig.end(task);
  const counts = (name: string): unknown[] =>
    rig.entries(name).map(({ phase, count, absent, skipped }) => [phase, count, absent, skipped?.detail ?? null]);
  assert.deepEqual(counts('once'), [['ended', 5, 'clock', null]]);
  assert.deepEqual(counts('skip'), [['skipped', 5, 'clock', 'missed: skip']]);
  assert.deepEqual(counts('all'), Array(5).fill(['ended', 1, 'clock', null]));
  assert.deepEqual(counts('lately'), [
    ['skipped', 4, 'clock', 'older than missed_within (1h30m)'],
    ['ended', 1, 'clock', null],
  ]);
});

test('a step forward by five years costs little, also for a schedule of each second', async () => {
  for (const schedule of [compiled('* * * * * *'), compiled('@every 1s'), compiled('H * * * *')]) {
    const rig = going(makeTask('a', { schedule }));
    await busy(rig, 10 * SECOND);
    rig.clock.jump(5 * YEAR);
    const before = performance.now();
    await rig.clock.advance(LOOK);
    const took = performance.now() - before;
    assert.ok(took < 1000, `${schedule.expression}: ${took} ms`);
    const entry = rig.entries('a').find(({ absent }) => absent === 'clock');
    assert.ok(entry, schedule.expression);
    assert.ok(entry.count >= 10_000, 'counted that far');
    assert.ok(entry.due - entry.first > 4.9 * YEAR, 'but it stands for all of them');
    assertDisjoint(rig.entries('a'));
  }
});

test('back by an hour, and by three: nothing runs twice, and it goes on where it was', async () => {
  for (const back of [HOUR, 3 * HOUR]) {
    const rig = going(makeTask('a', { schedule: every(10 * SECOND) }));
    // In the middle between two due times, and just before one, when it is planned already.
    for (const moment of [13 * SECOND, 28 * SECOND]) {
      await busy(rig, moment);
      const before = ran(rig);
      rig.clock.jump(-back);
      await busy(rig, LOOK);
      assert.deepEqual(ran(rig), before);
      rig.clock.jump(back - LOOK);
      await busy(rig, LOOK);
    }
    assert.deepEqual(ran(rig), [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
    assertDisjoint(rig.entries('a'));
    assert.doesNotMatch(rig.told.join('\n'), /that is forgotten/);
  }
});

test('back by more than three hours is a correction: what was planned and seen ahead of it is forgotten, with a warning', async () => {
  for (const back of [3 * HOUR + 1 * SECOND, 3 * HOUR + 10 * SECOND, 10 * YEAR]) {
    // A schedule of each second has some due times planned at every moment, one each minute has none.
    for (const period of [SECOND, MINUTE]) {
      const task = makeTask('a', { schedule: every(period) });
      const rig = going(task);
      await busy(rig, 75 * SECOND);
      const made = rig.entries('a').filter(({ phase }) => phase === 'ended').length;
      assert.ok(made > 0);
      rig.clock.jump(-back);
      await busy(rig, LOOK);
      const now = rig.clock.now();
      const ahead = [...rig.open.values()].filter(({ due }) => due > now + MINUTE);
      assert.deepEqual(ahead, [], 'nothing waits for a time hours ahead');
      await busy(rig, 2 * MINUTE);
      const since = rig.entries('a').filter(({ due }) => due <= rig.clock.now());
      assert.ok(since.length >= 2, `${since.length} since the correction by ${back}`);
      assertDisjoint(since);
      assert.deepEqual(unexplained(rig, task, now, rig.clock.now()), []);
      assert.match(rig.told.join('\n'), /warning: .*that is forgotten/);
    }
  }
});

test('back by two hours twice is a correction too: no task is silent for longer than three', async () => {
  const rig = going(makeTask('a'));
  await busy(rig, MINUTE);
  for (let i = 0; i < 2; i += 1) {
    rig.clock.jump(-2 * HOUR);
    await busy(rig, LOOK);
  }
  const before = ran(rig).length;
  await busy(rig, 2 * MINUTE);
  assert.equal(ran(rig).length, before + 2);
});

test('back and forward again: what ran is not run again, and what never came runs once', async () => {
  for (const by of [MINUTE, HOUR, 3 * HOUR]) {
    const rig = going(makeTask('a'));
    await busy(rig, 2 * MINUTE);
    rig.clock.jump(-by);
    await busy(rig, LOOK);
    rig.clock.jump(by);
    await busy(rig, 90 * SECOND);
    assert.deepEqual(ran(rig), [30, 90, 150, 210], `${by}`);
    assertDisjoint(rig.entries('a'));
  }
});

test('asleep between the plan and the due time: the planned one goes with those that were slept through', async () => {
  const rig = going(makeTask('a'));
  await rig.clock.advance(28 * SECOND);
  const [planned] = rig.entries('a');
  assert.deepEqual([planned?.phase, planned?.due], ['planned', START + 30 * SECOND]);
  rig.clock.jump(8 * HOUR);
  await rig.clock.advance(2 * SECOND);
  assert.deepEqual(rig.running(), ['a']);
  const [entry, ...others] = rig.entries('a');
  assert.deepEqual(others, []);
  assert.deepEqual([entry?.first, entry?.absent, entry?.count], [START + 30 * SECOND, 'clock', 8 * 60 + 1]);
  assert.equal(rig.startedFrom[0], 'planned', 'with its entry on the disk');
});

test('asleep for some seconds over the due time: it is late, and that is all', async () => {
  const rig = going(makeTask('a'));
  await rig.clock.advance(28 * SECOND);
  rig.clock.jump(40 * SECOND);
  await rig.clock.advance(2 * SECOND);
  assert.deepEqual(ran(rig), [30]);
  assert.equal(rig.entries('a')[0]?.absent, null);
});

const RETRY: Retry = { limit: 2, delay: MINUTE, backoff: 1, maxDelay: 10 * MINUTE, on: ['error'] };

test('a retry waits for its delay and no longer, however the clock is set', async () => {
  for (const jump of [-HOUR, -10 * YEAR]) {
    const rig = going(makeTask('a', { schedule: every(24 * HOUR, 12 * HOUR + MINUTE), retry: RETRY }));
    await rig.clock.advance(LOOK);
    await rig.end('a', 'Error');
    await rig.clock.advance(10 * SECOND);
    rig.clock.jump(jump);
    await rig.clock.advance(30 * SECOND);
    assert.equal(rig.events.filter(({ type }) => type === 'started').length, 1, 'not before its time');
    // 10 % of jitter, and one look at the clock.
    await rig.clock.advance(30 * SECOND + 6 * SECOND);
    assert.equal(rig.events.filter(({ type }) => type === 'started').length, 2, `${jump}`);
  }
  const rig = going(makeTask('a', { schedule: every(24 * HOUR, 12 * HOUR + MINUTE), retry: RETRY }));
  await rig.clock.advance(LOOK);
  await rig.end('a', 'Error');
  rig.clock.jump(HOUR);
  await rig.clock.advance(LOOK);
  assert.deepEqual(rig.running(), ['a'], 'asleep for longer than that, its time has come');
});

test('max_wait is a length of time too: a clock that is set back makes nobody wait for longer', async () => {
  for (const jump of [-HOUR, -10 * YEAR]) {
    const hourly = { tenancy: 1, schedule: every(24 * HOUR, 12 * HOUR + MINUTE) };
    const rig = going(makeTask('a', hourly), makeTask('b', { ...hourly, maxWait: 10 * MINUTE }));
    await rig.clock.advance(LOOK + 2 * MINUTE);
    assert.deepEqual(rig.running(), ['a']);
    rig.clock.jump(jump);
    await rig.clock.advance(7 * MINUTE);
    assert.equal(rig.story().includes('skipped b max_wait warning'), false, 'not before its time');
    await rig.clock.advance(MINUTE + LOOK);
    assert.equal(rig.story().at(-1), 'skipped b max_wait warning', `${jump}`);
  }
});

test('what waits is in the ledger as waiting within a second and a look, also when the clock is set back', async () => {
  const hourly = { tenancy: 1, schedule: every(24 * HOUR, 12 * HOUR + MINUTE) };
  const rig = going(makeTask('a', hourly), makeTask('b', hourly));
  await rig.clock.advance(LOOK + 100);
  rig.clock.jump(-2 * HOUR);
  await rig.clock.advance(LOOK + 2 * SECOND);
  assert.equal(rig.entries('b')[0]?.phase, 'waiting');
});

test('a clock that was years ahead before a restart: neither what was planned nor a retry waits for those years', async () => {
  const rig = makeRig('stay', new Map(), { start: START + 5 * YEAR });
  const [a, b] = [
    makeTask('a', { schedule: every(10 * SECOND) }),
    makeTask('b', { retry: RETRY, schedule: every(MINUTE, LOOK + 5 * SECOND) }),
  ];
  rig.scheduler.load(configuration(a, b));
  void rig.scheduler.run();
  await rig.clock.advance(5 * SECOND);
  await rig.end('b', 'Error');
  await rig.clock.advance(3 * SECOND);
  const left = [...rig.open.values()];
  assert.deepEqual(left.map(({ task, phase }) => `${task} ${phase}`).sort(), ['a planned', 'b retry']);
  const next = makeRig('stay', rig.cursors, { open: left });
  for (const { id } of left) next.open.set(id, left.find((entry) => entry.id === id) as Entry);
  next.scheduler.load(configuration(a, b));
  void next.scheduler.run();
  assert.deepEqual(
    [...next.open.values()].filter(({ phase }) => phase === 'planned'),
    [],
  );
  await next.clock.advance(LOOK);
  assert.deepEqual(next.running(), ['a']);
  await next.end('a');
  await next.clock.advance(11 * MINUTE);
  assert.ok(
    next.events.some((event) => event.type === 'started' && event.run.attempt === 2),
    'within its longest delay',
  );
  assert.match(next.told.join('\n'), /2 tasks had seen times ahead of the clock/);
});

/** Whose zone rules are changed under it. */
function shifting(period: Ms): { schedule: Schedule; shift(by: Ms): void } {
  let offset = 0;
  return {
    schedule: {
      ...every(period),
      next: (after) => every(period, offset).next(after),
      latest: (...span) => every(period, offset).latest(...span),
    },
    shift(by) {
      offset = by;
    },
  };
}

test('a zone file that changes: what was planned by the old rules is taken back, and the new ones hold at once', async () => {
  const { schedule, shift } = shifting(MINUTE);
  const rig = going(makeTask('a', { schedule }));
  await rig.clock.advance(28 * SECOND);
  assert.equal(rig.entries('a')[0]?.phase, 'planned');
  // By the new rules it is due a second from now, one before the old ones: no plan of those must hide it.
  shift(-SECOND);
  rig.zonesChanged = true;
  rig.scheduler.load(configuration(makeTask('a', { schedule })));
  await rig.clock.advance(2 * SECOND);
  assert.deepEqual(ran(rig), [29]);
  assert.deepEqual(
    rig.entries('a').map(({ due }) => (due - START) / SECOND),
    [29],
  );
  for (const by of [20 * SECOND, -7 * SECOND, 0]) {
    for (const task of rig.running()) await rig.end(task);
    shift(by);
    rig.zonesChanged = true;
    await busy(rig, 2 * MINUTE);
  }
  assertDisjoint(rig.entries('a'));
});

// ------------------------------------------------------------------------------------------------ any sequence

type Step =
  | { readonly kind: 'pass' | 'jump' | 'block'; readonly by: Ms }
  | { readonly kind: 'end'; readonly status: 'OK' | 'Error' }
  | { readonly kind: 'pause'; readonly paused: boolean };

const tasks = (name: string): fc.Arbitrary<Task> =>
  fc
    .record({
      period: fc.constantFrom(SECOND, 7 * SECOND, MINUTE, 10 * MINUTE, HOUR),
      missed: fc.constantFrom('once', 'skip', 'all'),
      overlap: fc.constantFrom('skip', 'queue', 'allow', 'replace'),
      tenancy: fc.constantFrom(1, 3),
      missedWithin: fc.constantFrom(null, 30 * MINUTE),
      maxWait: fc.constantFrom(null, 5 * MINUTE),
      retry: fc.constantFrom(null, RETRY),
    })
    .map(({ period, ...rest }) => makeTask(name, { ...rest, schedule: every(period) }));

const steps = (jumps: fc.Arbitrary<Ms>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass'), by: fc.integer({ min: 1, max: 90 * SECOND }) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('jump'), by: jumps }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('block'), by: fc.integer({ min: 1, max: 5 * MINUTE }) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('end'), status: fc.constantFrom('OK', 'Error') }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('pause'), paused: fc.boolean() }) },
    ) as fc.Arbitrary<Step>,
    { maxLength: 30 },
  );

const ALWAYS = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

async function take(rig: Rig, step: Step): Promise<void> {
  if (step.kind === 'pass') await rig.clock.advance(step.by);
  else if (step.kind === 'jump') rig.clock.jump(step.by);
  else if (step.kind === 'block') rig.clock.block(step.by);
  else if (step.kind === 'pause') rig.pauses.set('a', step.paused ? [ALWAYS] : []);
  else if (step.kind === 'end') for (const task of new Set(rig.running())) await rig.end(task, step.status);
}

test('whatever the clock does within three hours: each due time has exactly one entry, and one that has come is explained', async () => {
  const jumps = fc.oneof(
    fc.integer({ min: -10 * SECOND, max: 10 * SECOND }),
    fc.integer({ min: -2 * HOUR, max: 6 * HOUR }),
    fc.integer({ min: -10 * MINUTE, max: 10 * MINUTE }),
  );
  await fc.assert(
    fc.asyncProperty(fc.tuple(tasks('a'), tasks('b')), steps(jumps), async (two, taken) => {
      const rig = going(...two);
      let latest = START;
      for (const step of taken) {
        // No further back than three hours from the latest time that was.
        if (step.kind === 'jump' && rig.clock.now() + step.by < latest - 3 * HOUR + 5 * MINUTE) continue;
        await take(rig, step);
        if (step.kind !== 'pass') await rig.clock.advance(0);
        latest = Math.max(latest, rig.clock.now());
      }
      await rig.clock.advance(LOOK + 2 * SECOND);
      for (const task of two) {
        const entries = rig.entries(task.name);
        assertDisjoint(entries);
        assert.deepEqual(unexplained(rig, task, START, rig.clock.now()), []);
        // What has come is written as started, or as waiting, within a second.
        const lately = rig.clock.now() - 2 * SECOND;
        for (const { phase, due } of entries) assert.ok(phase !== 'planned' || due > lately, `${due} ${phase}`);
      }
      const runs = rig.events.flatMap((event) =>
        event.type === 'started' ? [`${event.run.id} ${event.run.attempt}`] : [],
      );
      assert.equal(new Set(runs).size, runs.length, 'no attempt is started twice');
    }),
    runs(150),
  );
});

test('whatever the clock does at all: nothing throws, and from the last correction on each due time has one entry', async () => {
  const jumps = fc.oneof(
    fc.integer({ min: -20 * YEAR, max: 20 * YEAR }),
    fc.integer({ min: -3 * HOUR - 10 * SECOND, max: -3 * HOUR + 10 * SECOND }),
    fc.integer({ min: -6 * HOUR, max: 6 * HOUR }),
  );
  await fc.assert(
    fc.asyncProperty(tasks('a'), steps(jumps), async (task, taken) => {
      const rig = going(task);
      for (const step of taken) await take(rig, step);
      await rig.clock.advance(LOOK);
      // Put right at last: all that comes from here on is new.
      rig.pauses.clear();
      const known = new Set(rig.entries('a').map(({ id }) => id));
      rig.clock.jump(-4 * HOUR);
      const since = rig.clock.now();
      await busy(rig, LOOK + 3 * MINUTE);
      for (const id of known) for (const map of [rig.open, rig.closed]) map.delete(id);
      assertDisjoint(rig.entries('a'));
      assert.deepEqual(unexplained(rig, task, since, rig.clock.now()), []);
    }),
    runs(150),
  );
});
