import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LIFE_EVENTS, LIFE_STATES, type LifeAction, type LifeState, stepOf } from '../../../src/execution/life.ts';

/** The whole table once more, as a reader of SPEC 7 would draw it: `-` is an event that changes nothing. */
const EXPECTED = `
state        timeout              end                  kill                 grace                exit                 gone
running      terminating:b,ag,t   terminating:b,ag,t   killed:b,s           -                    reaped:c,x           -
terminating  -                    -                    killed:s             killed:s             lingering:c,aw       -
killed       -                    -                    -                    -                    reaped:c,x           -
lingering    -                    -                    reaped:s,x           reaped:s,x           -                    reaped:x
reaped       -                    -                    -                    -                    -                    -
`;
const LETTERS: Record<string, LifeAction> = {
  b: 'blame',
  ag: 'await-grace',
  aw: 'await-group',
  t: 'terminate',
  s: 'slay',
  c: 'collect',
  x: 'settle',
};

test('every event in every state does what the table says, and nothing else', () => {
  const [head = '', ...rows] = EXPECTED.trim().split('\n');
  const events = head.split(/\s+/).slice(1);
  assert.deepEqual([...events].sort(), [...LIFE_EVENTS].sort());
  assert.deepEqual(rows.map((row) => row.split(/\s+/)[0]).sort(), [...LIFE_STATES].sort());
  for (const row of rows) {
    const [state, ...cells] = row.split(/\s+/);
    for (const [at, cell] of cells.entries()) {
      const event = LIFE_EVENTS.find((name) => name === events[at]);
      assert.ok(event);
      const [next, letters = ''] = cell.split(':');
      const expected = cell === '-' ? null : { next, actions: letters.split(',').map((letter) => LETTERS[letter]) };
      assert.deepEqual(stepOf(state as LifeState, event), expected, `${event} in ${state}`);
    }
  }
});

function walk(events: readonly (typeof LIFE_EVENTS)[number][]): { state: LifeState; actions: LifeAction[] } {
  let state: LifeState = 'running';
  const actions: LifeAction[] = [];
  for (const event of events) {
    const step = stepOf(state, event);
    if (step === null) continue;
    state = step.next;
    actions.push(...step.actions);
  }
  return { state, actions };
}

const histories = fc.array(fc.constantFrom(...LIFE_EVENTS), { maxLength: 20 });
const countOf = (actions: readonly LifeAction[], action: LifeAction): number =>
  actions.filter((done) => done === action).length;

test('whatever happens in whatever order, a run is settled once, at its end, and blamed on one thing at most', () => {
  fc.assert(
    fc.property(histories, (events) => {
      const { state, actions } = walk(events);
      assert.equal(countOf(actions, 'settle'), state === 'reaped' ? 1 : 0);
      assert.ok(countOf(actions, 'blame') <= 1);
      assert.ok(countOf(actions, 'terminate') <= 1);
      assert.ok(countOf(actions, 'slay') <= 1);
      assert.ok(countOf(actions, 'collect') <= 1);
      if (state === 'reaped') assert.equal(actions.at(-1), 'settle');
    }),
  );
});

test('whatever happened, the exit and then the grace or the end of the group bring every run to its end', () => {
  fc.assert(
    fc.property(histories, fc.constantFrom('grace' as const, 'gone' as const), (events, last) => {
      assert.equal(walk([...events, 'exit', last]).state, 'reaped');
    }),
  );
});

test('nobody is signalled once the task has ended by itself', () => {
  fc.assert(
    fc.property(histories, (events) => {
      const { actions } = walk(['exit', ...events]);
      assert.deepEqual(actions, ['collect', 'settle']);
    }),
  );
});
