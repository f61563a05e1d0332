/** What the loop writes to the ledger, and when: planned before the due time, every due time in exactly one entry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newEntry } from '../../../src/scheduler/entries.ts';
import type { Cursor, Entry, Schedule, Task } from '../../../src/types.ts';
import { settled } from '../../helpers/fake-clock.ts';
import { BOOT, configuration, makeRig, START } from '../../helpers/rig.ts';
import { every, makeTask } from '../../helpers/tasks.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const RETRY = { limit: 2, delay: 30_000, backoff: 2, maxDelay: 600_000, on: ['error'] } as const;

function seen(task: Task, ago: number): [string, Cursor] {
  return [task.name, { fingerprint: task.schedule.fingerprint, seen: START - ago }];
}

const phases = (entries: readonly Entry[]): string[] =>
  entries.map(({ phase, skipped }) => (skipped === null ? phase : `${phase} ${skipped.reason}`));

test('a due time is in the ledger before it comes, and nothing is written between it and the start', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a')));
  void rig.scheduler.run();
  await rig.clock.advance(27_000);
  assert.deepEqual(rig.entries('a'), []);
  await rig.clock.advance(1_000);
  assert.deepEqual(phases(rig.entries('a')), ['planned']);
  assert.equal(rig.cursors.get('a')?.seen, START + 30_000);
  const { writes } = rig;
  await rig.clock.advance(2_000);
  assert.deepEqual(rig.running(), ['a']);
  assert.equal(rig.writes, writes);
  await rig.clock.advance(1_000);
  assert.deepEqual(phases(rig.entries('a')), ['started']);
  await rig.end('a');
  const [entry] = rig.entries('a');
  assert.deepEqual([entry?.phase, entry?.ending?.status, rig.open.size], ['ended', 'OK', 0]);
});

test('a schedule of each second costs one planning write for several due times', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a', { schedule: every(1_000), overlap: 'skip' })));
  void rig.scheduler.run();
  await rig.clock.advance(10_000);
  assert.ok(rig.writes < 20, `${rig.writes} writes`);
  const dues = rig.entries('a').map(({ due }) => due - START);
  assert.deepEqual(dues.slice(0, 10), [1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000]);
});

test('a stop takes back what was only planned, and keeps what waits', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(
    configuration(
      makeTask('long', { tenancy: 1 }),
      makeTask('waits', { tenancy: 1 }),
      makeTask('soon', { schedule: every(MINUTE, 2_000) }),
    ),
  );
  const done = rig.scheduler.run();
  await rig.clock.advance(31_000);
  assert.deepEqual(phases(rig.entries('soon')), ['planned']);
  rig.scheduler.stop();
  assert.deepEqual(rig.entries('soon'), []);
  assert.equal(rig.cursors.get('soon')?.seen, START);
  assert.deepEqual(phases(rig.entries('waits')), ['waiting']);
  await rig.end('long', 'Terminated');
  await done;
});

test('a reload takes back what was planned by the old schedule', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a')));
  void rig.scheduler.run();
  await rig.clock.advance(29_000);
  assert.equal(rig.open.size, 1);
  rig.scheduler.load(configuration(makeTask('a', { schedule: every(HOUR) })));
  assert.equal(rig.open.size, 0);
  await rig.clock.advance(2_000);
  assert.deepEqual(rig.running(), []);
});

test('what waits for more than a second is in the ledger as waiting, and as about to start before it does', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a', { tenancy: 1 }), makeTask('b', { tenancy: 1 })));
  void rig.scheduler.run();
  await rig.clock.advance(33_000);
  const [waiting] = rig.entries('b');
  assert.deepEqual([waiting?.phase, waiting?.waited], ['waiting', { for: 'tenancy', who: ['a'] }]);
  await rig.end('a');
  assert.deepEqual(rig.running(), ['b']);
  assert.deepEqual(rig.startedFrom, ['planned', 'planned']);
});

test('what was planned when the scheduler died is due again; what waited, waits again; each is accounted for once', async () => {
  const [p, w] = [makeTask('p', { schedule: every(HOUR), missed: 'skip' }), makeTask('w', { schedule: every(HOUR) })];
  const due = START - 90_000;
  const open = [
    newEntry('p1', 'p', due, due - 2_000),
    { ...newEntry('w1', 'w', due, due - 2_000), phase: 'waiting' as const, queuedAt: due },
  ];
  const rig = makeRig('stay', new Map([seen(p, 0), seen(w, 0)]), { open });
  rig.scheduler.load(configuration(p, w));
  void rig.scheduler.run();
  await settled();
  assert.deepEqual(rig.story(), ['skipped p missed info', 'started w']);
  assert.equal(rig.entries('p')[0]?.absent, 'off');
});

test('a planned one goes together with what was missed since', async () => {
  const task = makeTask('a');
  const planned = newEntry('a1', 'a', START - 150_000, START - 152_000);
  const rig = makeRig('stay', new Map([seen(task, 150_000)]), { open: [planned] });
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  await rig.clock.advance(1_000);
  const [entry, ...others] = rig.entries('a');
  assert.deepEqual(others, []);
  assert.deepEqual([entry?.first, entry?.due, entry?.count], [START - 150_000, START - 30_000, 3]);
});

test('entries of tasks that are gone are closed with the reason; those of tasks that cannot be read wait', async () => {
  const entry = (name: string): Entry => ({ ...newEntry(name, name, START - 1_000, START), phase: 'waiting' });
  const rig = makeRig('stay', new Map(), { open: [entry('gone'), entry('invalid'), entry('off')] });
  const broken = { name: 'invalid', file: 'tasks.toml', problems: [] };
  rig.scheduler.load({ ...configuration(makeTask('off', { enabled: false })), invalid: [broken] });
  void rig.scheduler.run();
  await rig.clock.advance(1_000);
  assert.deepEqual(phases([...rig.closed.values()]), ['skipped removed', 'skipped removed']);
  assert.deepEqual([...rig.open.keys()], ['invalid']);
  rig.scheduler.load(configuration(makeTask('invalid')));
  assert.deepEqual(rig.running(), ['invalid']);
});

test('overlap: queue lets one wait for the end of the one before, and skips those behind it', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a', { overlap: 'queue' })));
  void rig.scheduler.run();
  await rig.clock.advance(30_000 + 2 * MINUTE);
  assert.deepEqual(rig.story(), ['started a', 'skipped a overlap warning']);
  assert.deepEqual(rig.entries('a')[1]?.waited, { for: 'overlap', who: ['a'] });
  await rig.end('a');
  assert.deepEqual(rig.story(), ['started a', 'skipped a overlap warning', 'ended a OK', 'started a']);
});

test('overlap: allow runs beside the one before; of those that wait there is one', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a', { overlap: 'allow', tenancy: 2 })));
  void rig.scheduler.run();
  await rig.clock.advance(30_000 + 3 * MINUTE);
  assert.deepEqual(rig.story(), ['started a', 'started a', 'skipped a overlap warning']);
});

test('overlap: replace stops the one before, and the latest takes the place of one that waits', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a', { overlap: 'replace' })));
  void rig.scheduler.run();
  await rig.clock.advance(30_000 + MINUTE);
  assert.deepEqual(rig.signals, ['replace a']);
  await rig.clock.advance(MINUTE);
  assert.deepEqual(rig.story(), ['started a', 'skipped a overlap info']);
  await rig.end('a', 'Terminated');
  assert.deepEqual(rig.running(), ['a']);
  const started = rig.events.filter((event) => event.type === 'started');
  assert.equal(started[1]?.run.due, START + 30_000 + 2 * MINUTE);
});

test('tasks of one mutex never run at the same time, and the ledger says who was in the way', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a', { mutex: 'db' }), makeTask('b', { mutex: 'db' }), makeTask('c')));
  void rig.scheduler.run();
  await rig.clock.advance(32_000);
  assert.deepEqual(rig.running(), ['a', 'c']);
  assert.deepEqual(rig.entries('b')[0]?.waited, { for: 'mutex', mutex: 'db', who: ['a'] });
  await rig.end('a');
  assert.deepEqual(rig.running(), ['c', 'b']);
});

test('max_wait gives up a run that waited longer, with the reason', async () => {
  const rig = makeRig('stay');
  const hourly = { schedule: every(HOUR, 30 * MINUTE + 60_000) };
  const a = makeTask('a', { tenancy: 1, ...hourly });
  rig.scheduler.load(configuration(a, makeTask('b', { tenancy: 1, maxWait: 10 * MINUTE, ...hourly })));
  void rig.scheduler.run();
  await rig.clock.advance(31 * MINUTE);
  await rig.clock.advance(11 * MINUTE);
  assert.deepEqual(rig.story(), ['started a', 'skipped b max_wait warning']);
  assert.match(rig.entries('b')[0]?.skipped?.detail ?? '', /longer than max_wait \(10m\), kept back by tenancy \(a\)/);
  await rig.end('a');
  assert.deepEqual(rig.running(), []);
});

test('a retry is another attempt of the same run, after its delay, and the last end counts', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a', { schedule: every(HOUR, 31 * MINUTE), retry: RETRY })));
  void rig.scheduler.run();
  await rig.clock.advance(31 * MINUTE);
  await rig.end('a', 'Error');
  const [waiting] = rig.entries('a');
  assert.deepEqual([waiting?.phase, waiting?.attempt, waiting?.ending?.status], ['retry', 2, 'Error']);
  await rig.clock.advance(34_000);
  await rig.end('a', 'Error');
  await rig.clock.advance(70_000);
  await rig.end('a', 'Error');
  const [entry] = rig.entries('a');
  assert.deepEqual([entry?.phase, entry?.attempt, entry?.earlier.length], ['ended', 3, 2]);
  const attempts = rig.events.flatMap((event) => (event.type === 'started' ? [event.run.attempt] : []));
  assert.deepEqual(attempts, [1, 2, 3]);
});

test('a waiting attempt survives a restart, and a pass leaves it to the next', async () => {
  const task = makeTask('a', { retry: RETRY, schedule: every(HOUR) });
  const first = makeRig('pass', new Map([seen(task, 40 * MINUTE)]));
  first.scheduler.load(configuration(task));
  const done = first.scheduler.run();
  await first.end('a', 'Error');
  await done;
  const left = [...first.open.values()];
  assert.deepEqual(phases(left), ['retry']);
  const second = makeRig('stay', first.cursors, { open: left, start: START + MINUTE });
  second.scheduler.load(configuration(task));
  void second.scheduler.run();
  await settled();
  assert.deepEqual(second.running(), ['a']);
  const [started] = second.events;
  assert.ok(started?.type === 'started');
  assert.deepEqual([started.run.id, started.run.attempt], [left[0]?.id, 2]);
});

test('a run that was told to end by a stop is not tried again', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a', { retry: { ...RETRY, on: ['signal'] } })));
  void rig.scheduler.run();
  await rig.clock.advance(30_000);
  rig.scheduler.stop();
  await rig.end('a', 'Terminated');
  assert.deepEqual(rig.signals, ['stop a']);
});

test('times while a task is paused are skipped, not missed', async () => {
  const rig = makeRig('stay');
  rig.pauses.set('a', [{ from: START, until: START + 40_000 }]);
  rig.scheduler.load(configuration(makeTask('a')));
  void rig.scheduler.run();
  await rig.clock.advance(MINUTE);
  await rig.clock.advance(MINUTE);
  assert.deepEqual(rig.story(), ['skipped a paused info', 'started a']);
});

test('@reboot runs once per boot; who is first seen long after the boot is done for this one', async () => {
  const reboot: Schedule = {
    ...every(HOUR),
    kind: 'reboot',
    fingerprint: '@reboot',
    next: () => null,
    latest: () => [],
  };
  const task = makeTask('a', { schedule: reboot });
  const late = makeRig('stay');
  late.scheduler.load(configuration(task));
  void late.scheduler.run();
  await late.clock.advance(MINUTE);
  assert.deepEqual(late.story(), []);

  const boot = { kernel: 'l', id: 'l:1', at: START - 30_000 };
  const next = makeRig('stay', late.cursors, { boot });
  next.scheduler.load(configuration(task));
  void next.scheduler.run();
  await next.end('a');
  next.scheduler.load(configuration(task));
  await next.clock.advance(MINUTE);
  assert.deepEqual(next.story(), ['started a', 'ended a OK']);

  const soon = makeRig('stay', new Map(), { boot: { ...BOOT, at: START - 30_000 } });
  soon.scheduler.load(configuration(task));
  void soon.scheduler.run();
  assert.deepEqual(soon.running(), ['a']);
});

test('while the disk refuses the ledger tasks run on, it is said once, and all of it is written when it does not', async () => {
  const rig = makeRig('stay');
  rig.scheduler.load(configuration(makeTask('a')));
  void rig.scheduler.run();
  await rig.clock.advance(20_000);
  rig.broken = true;
  await rig.clock.advance(10_000);
  await rig.end('a');
  await rig.clock.advance(2 * MINUTE);
  assert.deepEqual(rig.story().slice(0, 2), ['started a', 'ended a OK']);
  assert.equal(rig.logged.length, 1);
  assert.match(rig.logged[0] ?? '', /error state the disk refuses; it is kept in memory/);
  rig.broken = false;
  await rig.clock.advance(6_000);
  assert.match(rig.logged[1] ?? '', /info state the state is stored again/);
  assert.equal(rig.entries('a')[0]?.ending?.status, 'OK');
});

test('a clock that is put right by years takes back what was planned ahead of it', async () => {
  const rig = makeRig('stay', new Map(), { start: START + 5 * 365 * 24 * HOUR });
  rig.scheduler.load(configuration(makeTask('a')));
  void rig.scheduler.run();
  await rig.clock.advance(28_000);
  assert.equal(rig.open.size, 1);
  rig.clock.jump(-5 * 365 * 24 * HOUR);
  await rig.clock.advance(5_000);
  const ahead = rig.entries('a').filter(({ due }) => due > START + HOUR);
  assert.deepEqual(ahead, []);
});

test('a retry is made as the task is configured by then, and given up when the task is gone', async () => {
  const rig = makeRig('stay');
  const task = makeTask('a', { schedule: every(HOUR, 31 * MINUTE), retry: RETRY });
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  await rig.clock.advance(31 * MINUTE);
  await rig.end('a', 'Error');
  rig.scheduler.load(configuration({ ...task, description: 'put right' }));
  await rig.clock.advance(40_000);
  const started = rig.events.filter((event) => event.type === 'started').at(-1);
  assert.equal(started?.run.task.description, 'put right');
  rig.scheduler.load(configuration());
  await rig.end('a', 'Error');
  assert.deepEqual(rig.story().at(-1), 'skipped a removed warning');
  await rig.clock.advance(2_000);
  assert.deepEqual([rig.open.size, rig.entries('a')[0]?.phase, rig.entries('a')[0]?.attempt], [0, 'ended', 2]);
});

test('a condition that failed is looked at again by the retry, and the command does not run without it', async () => {
  let holds = false;
  const condition = {
    kind: 'if' as const,
    source: 'x',
    holds() {
      if (!holds) throw new Error('x is not there');
      return true;
    },
  };
  const rig = makeRig('stay');
  const retry = { ...RETRY, delay: 10_000, backoff: 1, on: ['failed'] as const };
  rig.scheduler.load(configuration(makeTask('a', { schedule: every(HOUR, 31 * MINUTE), retry, condition })));
  void rig.scheduler.run();
  await rig.clock.advance(30 * MINUTE + 30_000);
  await rig.clock.advance(12_000);
  assert.deepEqual(rig.story(), ['ended a Failed', 'ended a Failed']);
  holds = true;
  await rig.clock.advance(12_000);
  assert.deepEqual(rig.story().slice(2), ['started a']);
  assert.equal(rig.entries('a')[0]?.attempt, 3);
});

test('due times within a pause are skipped also where nobody was there, and those around it are made up for', async () => {
  const task = makeTask('a', { missed: 'all' });
  const rig = makeRig('stay', new Map([seen(task, 10 * MINUTE)]));
  rig.pauses.set('a', [{ from: START - 7 * MINUTE, until: START - 3 * MINUTE }]);
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  for (let i = 0; i < 6; i += 1) await rig.end('a');
  assert.deepEqual(rig.running(), []);
  const [paused, ...others] = rig.entries('a').filter(({ skipped }) => skipped !== null);
  assert.deepEqual([paused?.skipped?.reason, paused?.count, others.length], ['paused', 4, 0]);
});

test('a pause in the midst of due times that are made up for together has no entry of its own', async () => {
  const task = makeTask('a');
  const rig = makeRig('stay', new Map([seen(task, 10 * MINUTE)]));
  rig.pauses.set('a', [{ from: START - 7 * MINUTE, until: START - 3 * MINUTE }]);
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  await rig.end('a');
  const [entry, ...others] = rig.entries('a');
  assert.deepEqual([entry?.count, others.length], [6, 0]);
});

test('what waits goes on by a new configuration', async () => {
  const rig = makeRig('stay');
  const [a, b] = [makeTask('a', { mutex: 'db' }), makeTask('b', { mutex: 'db', maxWait: HOUR })];
  rig.scheduler.load(configuration(a, b));
  void rig.scheduler.run();
  await rig.clock.advance(30_000);
  assert.deepEqual(rig.running(), ['a']);
  rig.scheduler.load(configuration(a, makeTask('b', { mutex: 'other', description: 'new' })));
  await settled();
  assert.deepEqual(rig.running(), ['a', 'b']);
  const started = rig.events.filter((event) => event.type === 'started').at(-1);
  assert.equal(started?.run.task.description, 'new');
});

test('while a task was set aside nobody was there for it', async () => {
  const task = makeTask('a', { missed: 'skip' });
  const rig = makeRig('stay', new Map([seen(task, 0)]));
  const broken = { name: 'a', file: 'tasks.toml', problems: [] };
  rig.scheduler.load({ ...configuration(), invalid: [broken] });
  void rig.scheduler.run();
  await rig.clock.advance(10 * MINUTE);
  rig.scheduler.load(configuration(task));
  await settled();
  const [entry] = rig.entries('a');
  assert.deepEqual([entry?.skipped?.reason, entry?.absent, entry?.count], ['missed', 'invalid', 9]);
  assert.deepEqual(rig.running(), ['a'], 'the last is half a minute late');
});

test('missed times that run one after the other do so after a restart as well', async () => {
  const task = makeTask('a', { missed: 'all', overlap: 'allow' });
  const first = makeRig('stay', new Map([seen(task, 3 * MINUTE)]));
  first.scheduler.load(configuration(task));
  const done = first.scheduler.run();
  first.scheduler.stop();
  await first.end('a', 'Terminated');
  await done;
  const second = makeRig('stay', first.cursors, { open: [...first.open.values()] });
  second.scheduler.load(configuration(task));
  void second.scheduler.run();
  await settled();
  assert.deepEqual(second.running(), ['a']);
  await second.end('a');
  assert.deepEqual(second.running(), ['a']);
});

test('a backlog is started in portions, between which others come to their turn', async () => {
  const tasks = Array.from({ length: 200 }, (_, i) => makeTask(`t${i}`, { tenancy: 200 }));
  const rig = makeRig('stay', new Map(tasks.map((task) => seen(task, MINUTE))));
  rig.scheduler.load(configuration(...tasks));
  void rig.scheduler.run();
  assert.equal(rig.running().length, 128);
  await settled();
  await settled();
  await settled();
  assert.equal(rig.running().length, 200);
});
