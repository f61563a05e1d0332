import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide, type Mode } from '../../../../src/cli/init/deciding.ts';
import type { Standing } from '../../../../src/cli/init/wanted.ts';

const missing: Standing = { is: 'missing' };
const same: Standing = { is: 'same' };
const differs: Standing = { is: 'differs', what: null };
const quiet: Mode = { prompts: false, dryRun: false, stopped: false };
const asking: Mode = { ...quiet, prompts: true };

test('without questions what is missing is made, and what differs is left', () => {
  assert.equal(decide(missing, quiet, null), 'make');
  assert.equal(decide(same, quiet, null), 'same');
  assert.equal(decide(differs, quiet, null), 'leave');
});

test('with questions both are asked about, and what is the same is not', () => {
  assert.equal(decide(missing, asking, null), 'ask to make');
  assert.equal(decide(same, asking, null), 'same');
  assert.equal(decide(differs, asking, null), 'ask to replace');
});

test('a dry run only says so', () => {
  for (const mode of [quiet, asking]) assert.equal(decide(missing, { ...mode, dryRun: true }, null), 'would make');
  assert.equal(decide(differs, { ...asking, dryRun: true }, null), 'would ask');
  assert.equal(decide(differs, { ...quiet, dryRun: true }, null), 'leave');
});

test('once stopped nothing more is made or asked', () => {
  for (const mode of [quiet, asking, { ...asking, dryRun: true }]) {
    assert.equal(decide(missing, { ...mode, stopped: true }, null), 'skip');
    assert.equal(decide(differs, { ...mode, stopped: true }, null), 'leave');
    assert.equal(decide(same, { ...mode, stopped: true }, null), 'same');
  }
});

test('a link goes along with its file, but is not replaced unasked', () => {
  assert.equal(decide(missing, asking, true), 'make');
  assert.equal(decide(missing, asking, false), 'skip');
  assert.equal(decide(missing, quiet, false), 'skip');
  assert.equal(decide(differs, asking, true), 'ask to replace');
  assert.equal(decide(differs, asking, false), 'leave');
});
