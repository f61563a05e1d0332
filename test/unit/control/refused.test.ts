/** Refusals in the log are told once in a while, and counted between. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countRefused } from '../../../src/control/refused.ts';

test('the first of a user is told, and then once a minute with how many there were', () => {
  let now = 0;
  const refused = countRefused(() => now);
  assert.equal(refused.count(7), 0);
  assert.equal(refused.count(7), null);
  assert.equal(refused.count(8), 0);
  now = 59_999;
  assert.equal(refused.count(7), null);
  now = 60_000;
  assert.equal(refused.count(7), 2);
  assert.equal(refused.count(7), null);
});

test('of ever more users not every one is told', () => {
  const refused = countRefused(() => 0);
  const told = Array.from({ length: 5_000 }, (_, uid) => refused.count(uid)).filter((count) => count !== null);
  assert.equal(told.length, 1_001);
});
