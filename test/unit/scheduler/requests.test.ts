/** What people ask of the loop: runs beside the schedule, ends, a look (SPEC 12). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FateError } from '../../../src/errors.ts';
import { configuration, makeRig, START } from '../../helpers/rig.ts';
import { every, makeTask } from '../../helpers/tasks.ts';

const rare = { schedule: every(86_400_000) };

test('a run that is asked for starts at once, is told from others, and its end is heard of', async () => {
  const rig = makeRig('stay');
  const task = makeTask('a', rare);
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  const asked = rig.scheduler.ask(task);
  assert.equal(asked.waited, null);
  assert.deepEqual(rig.running(), ['a']);
  const [row] = rig.scheduler.rows.running();
  assert.deepEqual([row?.run, row?.byHand, row?.due, row?.phase, row?.pid], [asked.run, true, START, 'started', 1]);
  await rig.end('a');
  const entry = await asked.done;
  assert.deepEqual([entry.id, entry.phase, entry.ending?.status, entry.byHand], [asked.run, 'ended', 'OK', true]);
  assert.deepEqual(rig.scheduler.rows.running(), []);
});

test('tenancy is obeyed, and what keeps it back is told at once', async () => {
  const rig = makeRig('stay');
  const [alone, other] = [makeTask('alone', { ...rare, tenancy: 1 }), makeTask('other', rare)];
  rig.scheduler.load(configuration(alone, other));
  void rig.scheduler.run();
  rig.scheduler.ask(alone);
  const asked = rig.scheduler.ask(other);
  assert.deepEqual(asked.waited, { for: 'tenancy', who: ['alone'] });
  assert.deepEqual(
    rig.scheduler.rows.waiting().map(({ run, waited }) => [run, waited?.for]),
    [[asked.run, 'tenancy']],
  );
  await rig.end('alone');
  assert.deepEqual(rig.running(), ['other']);
});

test('whoever asks again while it waits is told of the same run; with overlap: allow it is another', () => {
  const rig = makeRig('stay');
  const [one, many] = [makeTask('one', rare), makeTask('many', { ...rare, tenancy: 1, overlap: 'allow' })];
  rig.scheduler.load(configuration(one, many));
  void rig.scheduler.run();
  const going = rig.scheduler.ask(one).run;
  const waits = rig.scheduler.ask(one);
  assert.notEqual(waits.run, going);
  assert.equal(waits.waited?.for, 'overlap');
  assert.equal(rig.scheduler.ask(one).run, waits.run);
  assert.notEqual(rig.scheduler.ask(many).run, rig.scheduler.ask(many).run);
});

test('a condition that does not hold is asked, and the answer says so', async () => {
  const rig = makeRig('stay');
  const task = makeTask('a', { ...rare, condition: { kind: 'if', source: 'false', holds: () => false } });
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  const entry = await rig.scheduler.ask(task).done;
  assert.deepEqual([entry.phase, entry.skipped?.reason], ['skipped', 'condition']);
  assert.deepEqual(rig.running(), []);
});

test('what goes is told to end, what waits is dropped and says why', async () => {
  const rig = makeRig('stay');
  const task = makeTask('a', rare);
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  rig.scheduler.ask(task);
  const waiting = rig.scheduler.ask(task);
  const rows = rig.scheduler.kill('a', true);
  assert.deepEqual(rows.map(({ phase }) => phase).sort(), ['started', 'waiting']);
  assert.deepEqual(rig.signals, ['kill a']);
  const entry = await waiting.done;
  assert.deepEqual([entry.phase, entry.skipped?.reason], ['skipped', 'kill']);
  await rig.end('a', 'Terminated');
  assert.throws(
    () => rig.scheduler.kill('a', true),
    (error) => error instanceof FateError && error.code === 'RUN_UNKNOWN',
  );
});

test('one run is named by the beginning of its id, which must be its alone', () => {
  const rig = makeRig('stay');
  const [a, b] = [makeTask('a', rare), makeTask('b', rare)];
  rig.scheduler.load(configuration(a, b));
  void rig.scheduler.run();
  const run = rig.scheduler.ask(a).run;
  rig.scheduler.ask(b);
  assert.throws(() => rig.scheduler.kill('nothing', false), /nothing of nothing runs or waits/);
  assert.deepEqual(
    rig.scheduler.kill(run, false).map(({ task }) => task),
    ['a'],
  );
  assert.deepEqual(rig.signals, ['kill a']);
});

test('the name of a task is no beginning of an id, whether it runs or not', () => {
  const rig = makeRig('stay');
  const [a, b] = [makeTask('a', rare), makeTask('r1', rare)];
  rig.scheduler.load(configuration(a, b));
  void rig.scheduler.run();
  assert.equal(rig.scheduler.ask(a).run, 'r1');
  assert.throws(() => rig.scheduler.kill('r1', true), /nothing of r1 runs or waits/);
  assert.deepEqual(rig.signals, []);
});

test('a stop tells whoever waits for a run that has not begun', async () => {
  const rig = makeRig('stay');
  const task = makeTask('a', rare);
  rig.scheduler.load(configuration(task));
  void rig.scheduler.run();
  const going = rig.scheduler.ask(task);
  const waiting = rig.scheduler.ask(task);
  rig.scheduler.stop();
  assert.equal((await waiting.done).phase, 'planned');
  await rig.end('a', 'Terminated');
  assert.equal((await going.done).phase, 'ended');
});
