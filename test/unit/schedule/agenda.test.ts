import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Agenda } from '../../../src/schedule/agenda.ts';
import { runs } from '../../helpers/runs.ts';

test('an agenda gives what is due by its instant, then in the order in which it was set', () => {
  const agenda = new Agenda<string>();
  agenda.set('b', 20, 'second');
  agenda.set('a', 20, 'third');
  agenda.set('c', 10, 'first');
  agenda.set('d', 21, 'later');
  assert.deepEqual(agenda.peek(), { key: 'c', at: 10, value: 'first' });
  assert.deepEqual(
    agenda.take(20).map(({ value }) => value),
    ['first', 'second', 'third'],
  );
  assert.equal(agenda.size, 1);
  assert.equal(agenda.at('b'), null);
  assert.equal(agenda.at('d'), 21);
  assert.deepEqual(agenda.take(20), []);
  agenda.clear();
  assert.equal(agenda.peek(), null);
  assert.equal(agenda.at('d'), null);
});

test('an agenda does what a sorted array does, whatever is set, moved, deleted and taken', () => {
  const key = fc.nat({ max: 12 }).map((of) => `task ${of}`);
  const at = fc.nat({ max: 20 });
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('set' as const), key, at }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), key, at }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('take' as const), key, at }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const agenda = new Agenda<number>();
      let sorted: { key: string; at: number; value: number }[] = [];
      for (const [index, one] of steps.entries()) {
        if (one.do === 'take') {
          assert.deepEqual(
            agenda.take(one.at),
            sorted.filter((entry) => entry.at <= one.at),
          );
          sorted = sorted.filter((entry) => entry.at > one.at);
          continue;
        }
        sorted = sorted.filter((entry) => entry.key !== one.key);
        if (one.do === 'delete') agenda.delete(one.key);
        else {
          agenda.set(one.key, one.at, index);
          sorted.push({ key: one.key, at: one.at, value: index });
          // By instant, then by insertion: `value` is the index of the step that set it.
          sorted.sort((a, b) => a.at - b.at || a.value - b.value);
        }
        assert.equal(agenda.size, sorted.length);
        assert.deepEqual(agenda.peek(), sorted[0] ?? null);
        assert.equal(agenda.at(one.key), sorted.find((entry) => entry.key === one.key)?.at ?? null);
      }
    }),
    runs(300),
  );
});
