process.env.TZ = 'Europe/Berlin';

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nextRotation, rotatedName, rotatedPattern } from '../../../src/log/rotation.ts';

const HOUR = 3_600_000;
const at = (text: string): number => new Date(text).getTime();
const next = (rotation: { at?: number; interval?: number }, since: string): string | null => {
  const time = nextRotation({ at: rotation.at ?? null, interval: rotation.interval ?? null }, at(since));
  return time === null ? null : new Date(time).toISOString();
};

test('a time of day comes next on the wall clock', () => {
  assert.equal(next({ at: 210 }, '2026-11-22T03:29:59+01:00'), '2026-11-22T02:30:00.000Z');
  assert.equal(next({ at: 210 }, '2026-11-22T03:30:00+01:00'), '2026-11-23T02:30:00.000Z');
  assert.equal(next({ at: 0 }, '2026-03-28T12:00:00+01:00'), '2026-03-28T23:00:00.000Z');
  assert.equal(next({ at: 0 }, '2026-03-29T12:00:00+02:00'), '2026-03-29T22:00:00.000Z');
});

test('an interval is counted on the wall clock, weeks from Monday', () => {
  assert.equal(next({ interval: HOUR }, '2026-11-22T03:29:59+01:00'), '2026-11-22T03:00:00.000Z');
  assert.equal(next({ interval: 24 * HOUR }, '2026-07-01T13:00:00+02:00'), '2026-07-01T22:00:00.000Z');
  // 2026-11-22 is a Sunday.
  assert.equal(next({ interval: 168 * HOUR }, '2026-11-22T13:00:00+01:00'), '2026-11-22T23:00:00.000Z');
  assert.equal(next({ interval: 168 * HOUR }, '2026-11-23T00:00:00+01:00'), '2026-11-29T23:00:00.000Z');
});

test('the sooner of both counts, and without either nothing is due', () => {
  assert.equal(next({ at: 60, interval: HOUR }, '2026-11-22T00:30:00+01:00'), '2026-11-22T00:00:00.000Z');
  assert.equal(next({}, '2026-11-22T00:30:00+01:00'), null);
});

test('the next rotation always lies ahead, and not further than an interval and a change of the clocks', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: at('2025-01-01T00:00:00Z'), max: at('2028-01-01T00:00:00Z') }),
      fc.integer({ min: 1000, max: 90 * 24 * HOUR }),
      fc.integer({ min: 0, max: 1439 }),
      (since, interval, minutes) => {
        const ahead = (nextRotation({ at: null, interval }, since) ?? 0) - since;
        assert.ok(ahead > 0 && ahead <= interval + HOUR, `${ahead} of ${interval}`);
        const daily = (nextRotation({ at: minutes, interval: null }, since) ?? 0) - since;
        assert.ok(daily > 0 && daily <= 26 * HOUR, `${daily}`);
      },
    ),
  );
});

test('a rotated file is named by its time, and only such names are known again', () => {
  const time = at('2026-11-22T20:13:00+01:00');
  assert.equal(rotatedName('/var/log/fate/fate.log', time, 0), '/var/log/fate/fate.20261122T201300.log');
  assert.equal(rotatedName('/var/log/fate/fate.log', time, 2), '/var/log/fate/fate.20261122T201300-2.log');
  assert.equal(rotatedName('/log', time, 0), '/log.20261122T201300');
  const pattern = rotatedPattern('/var/log/fate/fa+te.log');
  const yes = ['fa+te.20261122T201300.log', 'fa+te.20261122T201300-12.log', 'fa+te.20261122T201300.log.gz'];
  const no = ['fa+te.log', 'fa+te.old.log', 'fate.20261122T201300.log', 'fa+te.20261122T201300xlog', 'fa+te.1.log.gz'];
  assert.deepEqual(
    [...yes, ...no].filter((name) => pattern.test(name)),
    yes,
  );
});
