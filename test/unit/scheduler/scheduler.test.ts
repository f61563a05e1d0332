import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Condition, Cursor, Schedule, Task } from '../../../src/types.ts';
import { settled } from '../../helpers/fake-clock.ts';
import { configuration, makeRig, START } from '../../helpers/rig.ts';
import { every, makeTask } from '../../helpers/tasks.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A cursor that has seen nothing for so long. */
function seen(task: Task, ago: number): [string, Cursor] {
  return [task.name, { fingerprint: task.schedule.fingerprint, seen: START - ago }];
}

function condition(holds: () => boolean): Condition {
  return { kind: 'if', source: 'x', holds };
}

test('a task that is seen for the first time runs nothing at the start, and then when it is due', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a')));
  void rig.scheduler.run();
  assert.deepEqual(rig.story(), []);
  await rig.clock.advance(30_000);
  assert.deepEqual(rig.story(), ['started a']);
  assert.equal(rig.cursors.get('a')?.seen, START + 30_000);
  await rig.clock.advance(1_000);
  assert.equal(rig.entries('a')[0]?.phase, 'started');
});

test('what is due while the task runs is skipped, and only the first of a streak is a warning', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a')));
  void rig.scheduler.run();
  await rig.clock.advance(30_000 + 2 * MINUTE);
  await rig.end('a');
  await rig.clock.advance(2 * MINUTE);
  assert.deepEqual(rig.story(), [
    'started a',
    'skipped a overlap warning',
    'skipped a overlap info',
    'ended a OK',
    'started a',
    'skipped a overlap warning',
  ]);
});

test('a condition that does not hold skips, and one that throws fails the run', async () => {
  const rig = makeRig('stay');
  const no = makeTask('no', { condition: condition(() => false) });
  const bad = makeTask('bad', {
    condition: condition(() => {
      throw new Error('the condition "x" failed: x is not defined');
    }),
  });
  rig.scheduler.load(configuration(no, bad));
  void rig.scheduler.run();
  await rig.clock.advance(MINUTE);
  assert.deepEqual(rig.story(), ['skipped no condition info', 'ended bad Failed']);
  const [, failed] = rig.events;
  assert.equal(failed?.type === 'ended' ? failed.reason : '', 'the condition "x" failed: x is not defined');
});

test('a cohort of SPEC 6: the task of tenancy 1 alone, then three together, then the last as one ends', async () => {
  const rig = makeRig('stay');
  const tasks = [makeTask('t0'), makeTask('t1'), makeTask('t2'), makeTask('t3'), makeTask('x1', { tenancy: 1 })];
  rig.scheduler.load(configuration(...tasks));
  void rig.scheduler.run();
  await rig.clock.advance(30_000);
  assert.deepEqual(rig.running(), ['x1']);
  await rig.end('x1');
  assert.deepEqual(rig.running(), ['t0', 't1', 't2']);
  await rig.end('t1');
  assert.deepEqual(rig.running(), ['t0', 't2', 't3']);
});

test('missed times run once by default, and the run is told the latest', async () => {
  const task = makeTask('a');
  const rig = makeRig('stay', new Map([seen(task, 10 * MINUTE)]));
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  await settled();
  assert.deepEqual(rig.story(), ['started a']);
  const [started] = rig.events;
  assert.ok(started?.type === 'started');
  assert.equal(started.run.due, START - 30_000);
  assert.equal(started.run.collapsed, 9);
});

test('missed: skip runs none of them, and says how many', async () => {
  const task = makeTask('a', { missed: 'skip', schedule: every(5 * MINUTE) });
  const rig = makeRig('stay', new Map([seen(task, 20 * MINUTE + 29_000)]));
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  await settled();
  const [first, second] = rig.events;
  assert.ok(first?.type === 'skipped' && first.reason === 'missed');
  assert.equal(first.count, 3);
  // 12:00:00 is half a minute ago: late, not missed.
  assert.ok(second?.type === 'started');
  assert.equal(second.run.due, START - 30_000);
});

test('missed: all runs every one, oldest first, one after the other', async () => {
  const task = makeTask('a', { missed: 'all' });
  const rig = makeRig('stay', new Map([seen(task, 3 * MINUTE)]));
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  for (let i = 0; i < 3; i += 1) {
    assert.deepEqual(rig.running(), ['a']);
    await rig.end('a');
  }
  assert.deepEqual(rig.running(), []);
  const dues = rig.events.flatMap((event) => (event.type === 'started' ? [START - event.run.due] : []));
  assert.deepEqual(dues, [150_000, 90_000, 30_000]);
});

test('missed: all runs every one in a single pass, too', async () => {
  const task = makeTask('a', { missed: 'all' });
  const rig = makeRig('pass', new Map([seen(task, 3 * MINUTE)]));
  rig.scheduler.load(configuration(task));
  const done = rig.scheduler.run();
  for (let i = 0; i < 3; i += 1) await rig.end('a');
  assert.equal((await done).executions, 3);
});

test('missed: all goes on behind one whose condition does not hold', async () => {
  let asked = 0;
  const task = makeTask('a', { missed: 'all', condition: condition(() => ++asked !== 2) });
  const rig = makeRig('stay', new Map([seen(task, 3 * MINUTE)]));
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  await rig.end('a');
  await rig.end('a');
  assert.deepEqual(rig.story(), ['skipped a condition info', 'started a', 'ended a OK', 'started a', 'ended a OK']);
});

test('for a pass, what came due less than an hour ago is late, not missed', async () => {
  const task = makeTask('a', { missed: 'skip', schedule: every(HOUR) });
  const rig = makeRig('pass', new Map([seen(task, 50 * MINUTE)]), { start: START + 50 * MINUTE });
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  assert.deepEqual(rig.running(), ['a']);
});

test('a pass ends when nothing is due, waits or runs, and runs what came due meanwhile', async () => {
  const task = makeTask('a');
  const other = makeTask('b', { schedule: every(MINUTE, 40_000) });
  const rig = makeRig('pass', new Map([seen(task, 2 * MINUTE), seen(other, 0)]));
  rig.scheduler.load(configuration(task, other));
  const done = rig.scheduler.run();
  await rig.clock.advance(10_000);
  assert.deepEqual(rig.running(), ['a', 'b']);
  await rig.end('a', 'Error');
  await rig.end('b');
  const summary = await done;
  assert.deepEqual([summary.executions, summary.failures], [2, 1]);
  assert.equal(rig.clock.timers, 0, 'no timer is left armed');
  assert.equal(summary.next?.task, 'a');
});

test('a pass with nothing due says so and ends at once', async () => {
  const rig = makeRig('pass');
  rig.scheduler.load(configuration(makeTask('a')));
  assert.equal((await rig.scheduler.run()).executions, 0);
  assert.equal(rig.summaries.length, 1);
});

test('a clock that is set back by less than 3 h runs nothing twice', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a')));
  void rig.scheduler.run();
  await rig.clock.advance(30_000);
  await rig.end('a');
  rig.clock.jump(-2 * HOUR);
  await rig.clock.advance(2 * HOUR);
  assert.deepEqual(rig.story(), ['started a', 'ended a OK']);
  assert.match(rig.told.join('\n'), /warning: the clock went back by 2h/);
  await rig.clock.advance(MINUTE);
  assert.equal(rig.running().length, 1);
});

test('a clock that was years ahead and is put right silences nothing', async () => {
  const rig = makeRig('stay', new Map(), { start: START + 5 * 365 * 24 * HOUR });
  rig.scheduler.load(configuration(makeTask('a')));
  void rig.scheduler.run();
  await rig.clock.advance(MINUTE);
  await rig.end('a');
  rig.clock.jump(-5 * 365 * 24 * HOUR);
  await rig.clock.advance(90_000);
  assert.deepEqual(rig.running(), ['a']);
  assert.match(rig.told.join('\n'), /had seen times ahead of the clock/);
});

test('cursors that lie years ahead at the start are forgotten, with a warning', async () => {
  const task = makeTask('a');
  const rig = makeRig('stay', new Map([seen(task, -9_000 * HOUR)]));
  rig.scheduler.load(configuration(task));
  assert.equal(rig.cursors.get('a')?.seen, START);
  assert.match(rig.told.join('\n'), /warning: one task had seen times ahead of the clock/);
  void rig.scheduler.run();
  await rig.clock.advance(MINUTE);
  assert.deepEqual(rig.running(), ['a']);
});

test('a jump forward, or a suspend, makes up for what was missed, once', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(
    configuration(makeTask('a', { schedule: every(HOUR) }), makeTask('b', { missed: 'skip', schedule: every(HOUR) })),
  );
  void rig.scheduler.run();
  await rig.clock.advance(1_000);
  rig.clock.jump(5 * HOUR + 10 * MINUTE);
  await rig.clock.advance(30_000);
  assert.deepEqual(rig.running(), ['a']);
  assert.deepEqual(rig.story(), ['skipped b missed info', 'started a']);
  assert.match(rig.told.join('\n'), /warning: the clock went forward by 5h10m/);
});

test('a loop that was only blocked is late: nothing is missed', async () => {
  const task = makeTask('a', { missed: 'skip' });
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  rig.clock.block(10 * MINUTE);
  await rig.clock.advance(0);
  assert.deepEqual(rig.story(), ['started a']);
  const [started] = rig.events;
  assert.ok(started?.type === 'started');
  assert.deepEqual([started.run.due, started.run.collapsed], [START + 10 * MINUTE - 30_000, 9]);
});

test('a stop starts nothing new, ends what runs, and what waited is seen again', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a', { tenancy: 1 }), makeTask('b', { tenancy: 1 })));
  const done = rig.scheduler.run();
  await rig.clock.advance(30_000);
  rig.scheduler.stop();
  rig.scheduler.stop();
  assert.deepEqual(rig.signals, ['stop a']);
  await rig.clock.advance(5 * MINUTE);
  assert.deepEqual(rig.running(), ['a']);
  rig.scheduler.killAll();
  assert.deepEqual(rig.signals, ['stop a', 'KILL a']);
  await rig.end('a', 'Terminated');
  await done;
  assert.deepEqual(rig.story(), ['started a', 'ended a Terminated']);
  assert.equal(rig.cursors.get('b')?.seen, START + 30_000);
  assert.deepEqual(
    rig.entries('b').map(({ phase, due }) => [phase, due]),
    [['waiting', START + 30_000]],
  );
  assert.equal(rig.clock.timers, 0);
});

test('a reload keeps what runs, drops what waits of removed tasks, and adopts new ones without a past', async () => {
  const rig = makeRig('stay');
  const [a, b, c] = [makeTask('a', { tenancy: 1 }), makeTask('b', { tenancy: 1 }), makeTask('c')];
  rig.scheduler.load(configuration(a, b));
  void rig.scheduler.run();
  await rig.clock.advance(30_000);
  rig.scheduler.load(configuration(a, c));
  assert.deepEqual(rig.story(), ['started a', 'skipped b removed warning']);
  assert.equal(rig.cursors.has('b'), false);
  await rig.end('a');
  await rig.clock.advance(MINUTE);
  assert.deepEqual(rig.running(), ['a']);
  await rig.end('a');
  assert.deepEqual(rig.running(), ['c']);
});

test('a disabled task has no past when it comes back, and an invalid one keeps it', async () => {
  const [a, b] = [makeTask('a'), makeTask('b')];
  const rig = makeRig('stay', new Map([seen(a, 0), seen(b, 0)]));
  rig.scheduler.load({
    ...configuration(makeTask('a', { enabled: false })),
    invalid: [{ name: 'b', file: 'tasks.toml', problems: [] }],
  });
  assert.deepEqual([...rig.cursors.keys()], ['b']);
});

test('while the disk is too full nothing starts; the daemon goes on when there is room, a pass leaves it to the next', async () => {
  const task = makeTask('a');
  const stay = makeRig('stay');
  stay.room = false;
  stay.scheduler.load(configuration(task));
  void stay.scheduler.run();
  await stay.clock.advance(45_000);
  assert.deepEqual(stay.running(), []);
  stay.room = true;
  await stay.clock.advance(30_000);
  assert.deepEqual(stay.running(), ['a']);

  const pass = makeRig('pass', new Map([seen(task, MINUTE)]));
  pass.room = false;
  pass.scheduler.load(configuration(task));
  await pass.scheduler.run();
  const [left] = pass.entries('a');
  assert.deepEqual([left?.phase, left?.due, left?.waited?.for], ['waiting', START - 30_000, 'room']);
});

test('when zone rules change the agenda is made anew, and nothing of the past runs', async () => {
  let offset = 0;
  const shifting: Schedule = {
    ...every(HOUR),
    next: (after) => every(HOUR, offset).next(after),
    latest: (...span) => every(HOUR, offset).latest(...span),
  };
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a', { schedule: shifting })));
  void rig.scheduler.run();
  offset = 20 * MINUTE;
  rig.zonesChanged = true;
  await rig.clock.advance(20 * MINUTE);
  assert.deepEqual(rig.running(), ['a']);
});

test('a moment of the daemon in which something ran ends with a summary', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a'), makeTask('b')));
  void rig.scheduler.run();
  await rig.clock.advance(30_000);
  await rig.end('a');
  assert.equal(rig.summaries.length, 0);
  await rig.end('b', 'Error');
  assert.deepEqual(rig.summaries, [{ executions: 2, failures: 1, next: { at: START + 90_000, task: 'a' } }]);
});

test('what a restart would meet: runs until their end is recorded, the next due time, the next attempt', async () => {
  const rig = makeRig('stay');
  const retry = { limit: 1, delay: 20_000, backoff: 1, maxDelay: 20_000, on: ['error' as const] };
  rig.scheduler.load(configuration(makeTask('a', { retry })));
  void rig.scheduler.run();
  assert.deepEqual(rig.scheduler.moment, { going: 0, next: START + 30_000 });
  await rig.clock.advance(30_000);
  assert.equal(rig.scheduler.moment.going, 1);
  await rig.clock.advance(2_000);
  rig.broken = true;
  await rig.end('a', 'Error');
  await rig.clock.advance(1);
  const { going, next } = rig.scheduler.moment;
  assert.equal(going, 0);
  assert.ok(next > START + 45_000 && next < START + 60_000, `the retry comes before the due time: ${next - START}`);
});

test('a configuration that comes in a stop is left to the next start', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a')));
  const over = rig.scheduler.run();
  rig.scheduler.stop();
  rig.scheduler.load(configuration(makeTask('a'), makeTask('b')));
  await over;
  await rig.clock.advance(HOUR);
  assert.deepEqual(rig.story(), []);
  assert.equal(rig.cursors.has('b'), false);
});
