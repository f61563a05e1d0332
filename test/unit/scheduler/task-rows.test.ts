import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RowSource, taskRows } from '../../../src/scheduler/task-rows.ts';
import { bareEntry } from '../../../src/state/entry.ts';
import type { Entry, Task } from '../../../src/types.ts';
import { makeTask } from '../../helpers/tasks.ts';

const NOW = Date.UTC(2026, 10, 22, 2, 0, 30);
const MINUTE = 60_000;
const NEXT = NOW + MINUTE / 2;

function rowsOf(tasks: readonly Task[], changes: Partial<RowSource> = {}) {
  const source: RowSource = {
    configuration: { tasks, invalid: [] },
    now: NOW,
    last: () => null,
    live: () => ({ running: 0, waiting: 0 }),
    pausedUntil: () => null,
    ...changes,
  };
  return [...taskRows(source)];
}

test('tasks come as in the files, then those that are set aside', () => {
  const tasks = [makeTask('b', { description: 'first' }), makeTask('a', { enabled: false })];
  const invalid = [{ name: 'c', file: 'tasks.toml', problems: [] }];
  const rows = rowsOf(tasks, { configuration: { tasks, invalid } });
  assert.deepEqual(
    rows.map(({ task, description, state, schedule, next }) => [task, description, state, schedule, next]),
    [
      ['b', 'first', 'enabled', 'every 60000 + 0', NEXT],
      ['a', null, 'disabled', 'every 60000 + 0', null],
      ['c', null, 'invalid', null, null],
    ],
  );
});

test('a paused task is due next when its pause is over, its end included; without an end never', () => {
  const pausedUntil = (until: number) => rowsOf([makeTask('a')], { pausedUntil: () => until })[0];
  assert.deepEqual([pausedUntil(NEXT)?.state, pausedUntil(NEXT)?.next], ['paused', NEXT]);
  assert.equal(pausedUntil(NEXT + 1)?.next, NEXT + MINUTE);
  assert.equal(pausedUntil(NOW - 1)?.next, NEXT, 'a pause that ended long ago');
  assert.deepEqual([pausedUntil(Infinity)?.state, pausedUntil(Infinity)?.next], ['paused', null]);
  const disabled = rowsOf([makeTask('a', { enabled: false })], { pausedUntil: () => Infinity })[0];
  assert.equal(disabled?.state, 'disabled');
});

test('the last due time is told with its status, or as skipped', () => {
  const ended = bareEntry('r1', 'a', NOW - MINUTE, 'ended');
  const of = (entry: Entry) => rowsOf([makeTask('a')], { last: () => entry })[0]?.last;
  assert.deepEqual(of(ended), { run: 'r1', due: NOW - MINUTE, status: 'Lost', at: NOW - MINUTE });
  const skipped = { reason: 'condition', detail: '', at: NOW - 7 } as const;
  assert.deepEqual(of({ ...ended, phase: 'skipped', skipped }), {
    run: 'r1',
    due: NOW - MINUTE,
    status: 'skipped',
    at: NOW - 7,
  });
});

test('a row is made when it is asked for, with what goes and waits of it, and who knows the next time says it', () => {
  const asked: string[] = [];
  const rows = taskRows({
    configuration: { tasks: [makeTask('a'), makeTask('b')], invalid: [] },
    now: NOW,
    last: () => null,
    live(task) {
      asked.push(task);
      return { running: 2, waiting: 1 };
    },
    pausedUntil: () => null,
    next: (task, after) => (task.name === 'a' ? after + 5 : null),
  });
  const first = rows.next().value;
  assert.deepEqual([first?.running, first?.waiting, first?.next], [2, 1, NOW + 5]);
  assert.deepEqual(asked, ['a']);
});
