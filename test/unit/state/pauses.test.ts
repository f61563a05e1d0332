import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pause, pauseAt, pausedTasks, pausesOf, resume } from '../../../src/state/pauses.ts';

const NOW = Date.UTC(2026, 0, 1);

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-pauses-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const EVER = Number.POSITIVE_INFINITY;

test('a pause lasts until its end, or until it is resumed', (t) => {
  const folder = scratch(t);
  assert.equal(pauseAt(folder, 'a', NOW), null);
  pause(folder, 'a', { from: NOW, until: NOW + 1_000 });
  pause(folder, 'ä+b', { from: NOW, until: EVER });
  assert.deepEqual(pauseAt(folder, 'a', NOW + 999), { from: NOW, until: NOW + 1_000 });
  assert.equal(pauseAt(folder, 'a', NOW + 1_000), null);
  assert.deepEqual(pausedTasks(folder, NOW + 5_000), [{ task: 'ä+b', until: EVER }]);
  assert.deepEqual([resume(folder, 'ä+b', NOW + 6_000), resume(folder, 'ä+b', NOW + 7_000)], [true, false]);
  assert.deepEqual(pausesOf(folder, 'ä+b'), [{ from: NOW, until: NOW + 6_000 }]);
});

test('a pause of a paused task changes its end, and only the owner can look', (t) => {
  const folder = scratch(t);
  pause(folder, 'a', { from: NOW, until: NOW + 1_000 });
  pause(folder, 'a', { from: NOW + 500, until: EVER });
  assert.deepEqual(pausesOf(folder, 'a'), [{ from: NOW, until: EVER }]);
  assert.equal(statSync(join(folder, 'paused')).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(join(folder, 'paused')), ['a']);
});

test('of many pauses the latest are remembered', (t) => {
  const folder = scratch(t);
  for (let at = NOW; at < NOW + 60_000; at += 1_000) pause(folder, 'a', { from: at, until: at + 500 });
  const all = pausesOf(folder, 'a');
  assert.deepEqual([all.length, all.at(-1)], [50, { from: NOW + 59_000, until: NOW + 59_500 }]);
});

test('a line that says no time is no pause', (t) => {
  const folder = scratch(t);
  pause(folder, 'a', { from: NOW, until: EVER });
  writeFileSync(join(folder, 'paused', 'a'), 'tomorrow\n\n2026-01-01T00:00:00.000Z later\n');
  assert.deepEqual(pausesOf(folder, 'a'), []);
});
