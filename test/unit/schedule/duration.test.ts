import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../../src/schedule/duration.ts';

test('a duration is whole seconds, or units in their order, each at most once', () => {
  assert.equal(parseDuration(0), 0);
  assert.equal(parseDuration(90), 90_000);
  assert.equal(parseDuration('90s'), 90_000);
  assert.equal(parseDuration('0s'), 0);
  assert.equal(parseDuration('1m30s'), 90_000);
  assert.equal(parseDuration('2h'), 7_200_000);
  assert.equal(parseDuration('1w2d3h4m5s'), 1000 * (5 + 60 * (4 + 60 * (3 + 24 * (2 + 7)))));
  assert.equal(parseDuration('1w1s'), 604_801_000);
});

test('anything else is none', () => {
  const texts = [
    '',
    ' ',
    '5',
    '-5s',
    '1.5s',
    '5S',
    '5 s',
    ' 5s',
    '5s ',
    '1s1m',
    '1m1m',
    'm',
    '1y',
    '5ms',
    '1h 5m',
    '١s',
  ];
  for (const text of texts) assert.equal(parseDuration(text), null, JSON.stringify(text));
  for (const number of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])
    assert.equal(parseDuration(number), null);
  assert.equal(parseDuration('99999999999999999999w'), null);
});

test('people read at most two units', () => {
  const rows: readonly [ms: number, text: string][] = [
    [0, '0ms'],
    [2, '2ms'],
    [1.6, '2ms'],
    [999, '999ms'],
    [999.6, '1s'],
    [1000, '1s'],
    [1500, '1.5s'],
    [1234, '1.23s'],
    [9996, '10s'],
    [12_340, '12.3s'],
    [59_940, '59.9s'],
    [59_960, '1m'],
    [60_000, '1m'],
    [90_000, '1m30s'],
    [90_499, '1m30s'],
    [3_599_400, '59m59s'],
    [3_599_600, '1h'],
    [7_500_000, '2h5m'],
    [7_529_000, '2h5m'],
    [86_400_000 - 1, '1d'],
    [86_400_000, '1d'],
    [100_000_000, '1d4h'],
    [7 * 86_400_000, '1w'],
    [8 * 86_400_000, '8d'],
    [90 * 86_400_000, '90d'],
    [91 * 86_400_000, '13w'],
    [100 * 86_400_000 + 5 * 3_600_000, '100d5h'],
    [14 * 86_400_000 + 20 * 60_000, '2w'],
    [14 * 86_400_000 + 40 * 60_000, '14d1h'],
    [604_799_000, '1w'],
    [-1500, '-1.5s'],
  ];
  for (const [ms, text] of rows) assert.equal(formatDuration(ms), text, `${ms}`);
});

test('what people read from a second on is a duration again, off by no more than its last unit rounds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 60_000, max: 10 ** 11 }), (ms) => {
      const back = parseDuration(formatDuration(ms));
      assert.ok(back !== null, formatDuration(ms));
      assert.ok(Math.abs(back - ms) <= Math.max(500, ms / 14), `${ms} ${formatDuration(ms)}`);
    }),
  );
});
