import assert from 'node:assert/strict';
import { test } from 'node:test';
import { find } from '../../../src/cli/explaining.ts';
import { DUE, makeEntry, makeLedger } from './ledgers.ts';

const HOUR = 3_600_000;
const hourly = [0, 1, 2, 3].map((n) => makeEntry({ id: `run${n}`, due: DUE + n * HOUR + 42_000 }));
const waiting = makeEntry({ id: 'run4', due: DUE + 4 * HOUR, phase: 'waiting' });
const planned = makeEntry({ id: 'run5', due: DUE + 5 * HOUR, phase: 'planned' });
const ledger = makeLedger([...hourly, waiting, planned, makeEntry({ id: 'other', task: 'other', due: DUE + HOUR })]);

test('without a time it is the latest that is due, one that waits too, and none that is to come', () => {
  const found = find(ledger, 'backup', null, DUE + 5 * HOUR - 1000);
  assert.deepEqual([found.entry?.id, found.before?.id, found.after?.id], ['run4', 'run3', 'run5']);
  assert.deepEqual(found.open, [], 'what is to come is not told of');
  const before = find(ledger, 'backup', null, DUE + 3.5 * HOUR);
  assert.equal(before.entry?.id, 'run3');
  assert.deepEqual(before.open, [waiting], 'what waits is');
});

test('a time finds what was due within it, or the neighbours', () => {
  const at = (from: number, length: number) => find(ledger, 'backup', { from, until: from + length }, DUE + 10 * HOUR);
  assert.equal(at(DUE + HOUR, 60_000).entry?.id, 'run1');
  assert.equal(at(DUE + HOUR + 42_000, 1).entry?.id, 'run1');
  const none = at(DUE + HOUR, 1000);
  assert.deepEqual([none.entry, none.before?.id, none.after?.id], [null, 'run0', 'run1']);
});

test('a time inside of what one entry stands for is that entry', () => {
  const together = makeEntry({ id: 'run9', first: DUE - 5 * HOUR, count: 6 });
  const found = find(makeLedger([together]), 'backup', { from: DUE - HOUR, until: DUE - HOUR + 1 }, DUE);
  assert.equal(found.entry?.id, 'run9');
  assert.deepEqual([found.before, found.after], [null, null]);
});
