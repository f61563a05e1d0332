import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pause, pauseOf, pauses, resume } from '../../../src/state/pauses.ts';

const NOW = Date.UTC(2026, 0, 1);

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-pauses-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a pause lasts until its end, or until it is resumed', (t) => {
  const folder = scratch(t);
  assert.equal(pauseOf(folder, 'a', NOW), null);
  pause(folder, { task: 'a', until: NOW + 1_000 });
  pause(folder, { task: 'ä+b', until: null });
  assert.deepEqual(pauseOf(folder, 'a', NOW + 999), { task: 'a', until: NOW + 1_000 });
  assert.equal(pauseOf(folder, 'a', NOW + 1_000), null);
  assert.deepEqual(pauses(folder, NOW + 5_000), [{ task: 'ä+b', until: null }]);
  assert.deepEqual([resume(folder, 'ä+b'), resume(folder, 'ä+b')], [true, false]);
});

test('a later pause takes the place of an earlier one, and only the owner can look', (t) => {
  const folder = scratch(t);
  pause(folder, { task: 'a', until: NOW + 1_000 });
  pause(folder, { task: 'a', until: null });
  assert.deepEqual(pauses(folder, NOW), [{ task: 'a', until: null }]);
  assert.equal(statSync(join(folder, 'paused')).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(join(folder, 'paused')), ['a']);
});

test('a file that says no time is no pause', (t) => {
  const folder = scratch(t);
  pause(folder, { task: 'a', until: null });
  writeFileSync(join(folder, 'paused', 'a'), 'tomorrow');
  assert.equal(pauseOf(folder, 'a', NOW), null);
});
