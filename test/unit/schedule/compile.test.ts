/** What a compiled schedule promises besides its times. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Zone, ZoneSource } from '../../../src/types.ts';
import { compiled, dues, only, refusal, rule } from './compiled.ts';

test('the fingerprint changes with the meaning, not with white space, case or spelling', () => {
  const { fingerprint } = compiled('30 2 1,15 * mon-fri');
  for (const same of ['30  2 15,1 * Mon-Fri ', '0 30 2 1,15 */1 1-5', '30 2 01,15 1-12 1,2,3,4,5']) {
    assert.equal(compiled(same).fingerprint, fingerprint, same);
  }
  for (const other of ['31 2 1,15 * mon-fri', '1 30 2 1,15 * mon-fri', '30 2 */14 * mon-fri']) {
    assert.notEqual(compiled(other).fingerprint, fingerprint, other);
  }
  assert.notEqual(compiled('30 2 1,15 * mon-fri', { timezone: 'Europe/Berlin' }).fingerprint, fingerprint);
  // The hash id changes what H is; where there is none it changes nothing.
  assert.notEqual(compiled('@daily', { hash: 'one' }).fingerprint, compiled('@daily', { hash: 'two' }).fingerprint);
  assert.equal(compiled('5 4 * * *', { hash: 'one' }).fingerprint, compiled('5 4 * * *', { hash: 'two' }).fingerprint);
});

test('an unknown time zone is refused', () => {
  assert.equal(
    refusal('@daily', { timezone: 'Europe/Berlim' }),
    'timezone: expected an IANA name such as Europe/Berlin, found "Europe/Berlim"',
  );
  assert.match(refusal('@daily', { timezone: '../../etc/passwd' }), /^timezone: expected/);
  assert.match(refusal('@daily', { timezone: '' }), /^timezone: expected/);
});

test('without a time zone the schedule follows the system', () => {
  const schedule = compiled('30 2 * * *', { zones: only(rule('CET-1CEST,M3.5.0,M10.5.0/3')) });
  assert.equal(schedule.timezone, null);
  assert.deepEqual(dues(schedule, '2026-06-01T00:00:00Z', 1), ['2026-06-01T00:30:00Z']);
});

test('a zone that changes takes effect at the next question, and one that goes away serves on', () => {
  let zone: Zone | null = rule('AAA0');
  const source: ZoneSource = { zone: () => zone, changed: () => false };
  const schedule = compiled('0 12 * * *', { zones: source });
  assert.deepEqual(dues(schedule, '2026-06-01T00:00:00Z', 1), ['2026-06-01T12:00:00Z']);
  zone = rule('BBB-2');
  assert.deepEqual(dues(schedule, '2026-06-01T00:00:00Z', 1), ['2026-06-01T10:00:00Z']);
  zone = null;
  assert.deepEqual(dues(schedule, '2026-06-01T00:00:00Z', 1), ['2026-06-01T10:00:00Z']);
});

test('beyond a hundred years there is nothing', () => {
  const schedule = compiled('0 0 1 1 *');
  assert.equal(schedule.next(8.64e15), null);
  assert.deepEqual(schedule.latest(0, -1, 5), []);
  assert.deepEqual(schedule.latest(0, 0, 5), []);
});
