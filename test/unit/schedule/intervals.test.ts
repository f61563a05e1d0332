/** SPEC 5: `@every`, each multiple of a length since the epoch, and `@reboot`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scheduleWarnings } from '../../../src/schedule/warnings.ts';
import { compiled, dues, refusal, rule, warningsOf, within } from './compiled.ts';

test('@every is due at every multiple of its length since the epoch', () => {
  const schedule = compiled('@every 90s');
  assert.equal(schedule.kind, 'every');
  assert.deepEqual(dues(schedule, '2026-03-29T00:00:00Z', 3), [
    '2026-03-29T00:01:30Z',
    '2026-03-29T00:03:00Z',
    '2026-03-29T00:04:30Z',
  ]);
  assert.deepEqual([schedule.next(-1), schedule.next(0), schedule.next(89_999.5)], [0, 90_000, 90_000]);
  assert.equal(compiled('@every 1w').next(0), 7 * 86_400_000);
});

test('what @every answers is what arithmetic on the epoch says', () => {
  const length = fc.integer({ min: 1, max: 100_000 });
  const instant = fc.integer({ min: -1e12, max: 4e12 });
  fc.assert(
    fc.property(length, instant, fc.nat({ max: 40 }), fc.nat({ max: 50 }), (seconds, after, periods, limit) => {
      const schedule = compiled(`@every ${seconds}s`);
      const until = after + periods * seconds * 1000 + 7;
      const all = within(schedule, after, until);
      assert.ok(all.every((due) => due % (seconds * 1000) === 0 && due > after && due <= until));
      assert.ok(all.length === periods || all.length === periods + 1);
      assert.deepEqual(schedule.latest(after, until, limit), limit === 0 ? [] : all.slice(-limit));
      assert.deepEqual(schedule.latest(until, after, limit), []);
    }),
  );
});

test('the latest of a year of seconds cost no more than their count', () => {
  const found = compiled('@every 1s').latest(0, Date.UTC(2026, 0), 10_000);
  assert.deepEqual([found.length, found[0], found.at(-1)], [10_000, Date.UTC(2026, 0) - 9_999_000, Date.UTC(2026, 0)]);
});

test('@every and @reboot mean the same in any case and spelling, and in every time zone', () => {
  const every = compiled('@every 90s');
  for (const same of ['@EVERY 1M30S', ' @every   90s ']) {
    assert.equal(compiled(same).fingerprint, every.fingerprint, same);
    assert.equal(compiled(same).normalized, '@every 90s');
    assert.equal(compiled(same).expression, same);
  }
  assert.notEqual(compiled('@every 91s').fingerprint, every.fingerprint);
  assert.equal(compiled('@every 90s', { timezone: 'Europe/Berlin', hash: 'b' }).fingerprint, every.fingerprint);
  assert.equal(compiled('@every 90s', { timezone: 'Europe/Berlin' }).timezone, 'Europe/Berlin');
  assert.match(refusal('@every 90s', { timezone: 'Mars/Olympus' }), /^timezone: expected/);
  assert.equal(compiled('@Reboot', { timezone: 'Europe/Berlin' }).fingerprint, '@reboot');
  assert.deepEqual(warningsOf('@every 7m'), []);
});

test('@reboot has no times', () => {
  const schedule = compiled('@reboot');
  assert.deepEqual([schedule.kind, schedule.normalized, schedule.next(0)], ['reboot', '@reboot', null]);
  assert.deepEqual(schedule.latest(0, 4e12, 10), []);
});

test('neither is touched by daylight saving', () => {
  const zone = rule('CET-1CEST,M3.5.0,M10.5.0/3');
  for (const expression of ['@every 24h', '@reboot']) {
    assert.deepEqual(scheduleWarnings(compiled(expression), zone, Date.UTC(2026, 0)), []);
  }
});

test('a wrong length is told with what is expected', () => {
  const wrong = ['@every', '@every 0', '@every 0s', '@every 90', '@every 5 minutes', '@every 1.5h', '@every -5s'];
  for (const expression of [...wrong, '@every 5s 5s', '@every5m', '@every 5221w', '@every 99999999999999999999w']) {
    assert.equal(
      refusal(expression),
      `expected @every and a length of time from 1s on, such as "@every 1h30m", found ${JSON.stringify(expression)}`,
    );
  }
  assert.match(refusal('@reboot 5'), /^expected one of @hourly, .*, @reboot, @every, found "@reboot 5"$/);
});
