/** SPEC 5, "Missed times". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Arrears, COUNTED, type Lookback, type Span, settleArrears } from '../../../src/schedule/missed.ts';
import type { EpochMs, MissedPolicy, Schedule } from '../../../src/types.ts';
import { compiled } from './compiled.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const hourly = compiled('0 * * * *');
const at = (text: string): EpochMs => Date.parse(`2026-03-${text}Z`);

/** Settles what has come due after `seen`, of an hourly schedule. */
function settle(seen: string, now: string, rest: Partial<Lookback> = {}, schedule: Schedule = hourly): Arrears {
  return settleArrears({
    dues: schedule.latest(at(seen), at(now), COUNTED),
    now: at(now),
    lateWithin: MINUTE,
    absent: true,
    missed: 'once',
    missedWithin: null,
    ...rest,
  });
}

const span = (first: string, due: string, count: number): Span => ({ first: at(first), due: at(due), count });
const one = (due: string): Span => span(due, due, 1);

test('nothing due, nothing run', () => {
  for (const missed of ['once', 'skip', 'all'] as const) {
    const nothing = settle('01T00:00', '01T00:59:59.999', { missed, missedWithin: HOUR });
    assert.deepEqual(nothing, { run: [], skipped: [] });
  }
});

test('a time that has just come due is run', () => {
  assert.deepEqual(settle('01T00:00', '01T01:00:00.005', { absent: false }), { run: [one('01T01:00')], skipped: [] });
  // The instant itself belongs to those that are due.
  assert.deepEqual(settle('01T00:00', '01T01:00').run, [one('01T01:00')]);
});

test('missed: once runs a task once for all that it missed or is late for, told the latest', () => {
  const all = { run: [span('01T01:00', '02T00:00', 24)], skipped: [] };
  assert.deepEqual(settle('01T00:30', '02T00:00:30'), all);
  assert.deepEqual(settle('01T00:30', '02T00:30'), all);
});

test('missed: skip runs what is late only, and tells of the others', () => {
  assert.deepEqual(settle('01T00:30', '01T05:01', { missed: 'skip' }), {
    run: [one('01T05:00')],
    skipped: [{ span: span('01T01:00', '01T04:00', 4), why: 'missed: skip' }],
  });
  // A minute is late, a millisecond more is missed.
  assert.deepEqual(settle('01T00:30', '01T05:01:00.001', { missed: 'skip' }), {
    run: [],
    skipped: [{ span: span('01T01:00', '01T05:00', 5), why: 'missed: skip' }],
  });
  const pass = settle('01T00:30', '01T05:30', { missed: 'skip', lateWithin: HOUR });
  assert.deepEqual([pass.run, pass.skipped[0]?.span.count], [[one('01T05:00')], 4]);
  const late = settle('01T03:30', '01T05:30', { missed: 'skip', lateWithin: 2 * HOUR });
  assert.deepEqual(late, { run: [span('01T04:00', '01T05:00', 2)], skipped: [] }, 'late times are one run');
});

test('with somebody there nothing is missed, however late it is', () => {
  const late = settle('01T00:30', '01T05:30', { missed: 'skip', absent: false, missedWithin: 1 });
  assert.deepEqual(late, { run: [span('01T01:00', '01T05:00', 5)], skipped: [] });
});

test('missed: all runs every one, oldest first; late ones do not collapse either', () => {
  const run = ['01T01:00', '01T02:00', '01T03:00'].map(one);
  for (const absent of [true, false]) {
    assert.deepEqual(settle('01T00:30', '01T03:00:10', { missed: 'all', absent }), { run, skipped: [] });
  }
});

test('missed: all runs the latest 100 and tells of those beyond', () => {
  const { run, skipped } = settle('01T00:30', '06T00:30', { missed: 'all' });
  assert.equal(run.length, 100);
  assert.deepEqual([run[0], run.at(-1)], [one('01T21:00'), one('06T00:00')]);
  assert.deepEqual(skipped, [{ span: span('01T01:00', '01T20:00', 20), why: 'more than 100' }]);
});

test('missed_within bounds the age of what was missed, and of nothing that is merely late', () => {
  const why = 'older than missed_within (3h)';
  assert.deepEqual(settle('01T00:30', '01T12:30', { missedWithin: 3 * HOUR }), {
    run: [span('01T10:00', '01T12:00', 3)],
    skipped: [{ span: span('01T01:00', '01T09:00', 9), why }],
  });
  // Exactly as old as allowed is not too old.
  assert.deepEqual(settle('01T00:30', '01T12:00', { missedWithin: 3 * HOUR }).run, [span('01T09:00', '01T12:00', 4)]);
  const all = settle('01T00:30', '01T12:30', { missed: 'all', missedWithin: 3 * HOUR });
  assert.deepEqual([all.run.length, all.skipped[0]?.span.count], [3, 9]);
  const late = settle('01T00:30', '01T12:00:50', { missedWithin: 10_000 });
  assert.deepEqual([late.run, late.skipped[0]?.span.count], [[one('01T12:00')], 11]);
  const none = settle('01T00:30', '01T12:30', { missedWithin: 10_000 });
  assert.deepEqual([none.run, none.skipped[0]?.span.count], [[], 12]);
});

test('each reason has a span of its own', () => {
  assert.deepEqual(settle('01T00:30', '09T00:30', { missed: 'all', missedWithin: 5 * DAY }).skipped, [
    { span: span('01T01:00', '04T00:00', 72), why: 'older than missed_within (5d)' },
    { span: span('04T01:00', '04T20:00', 20), why: 'more than 100' },
  ]);
  assert.deepEqual(settle('01T00:30', '01T12:30', { missed: 'skip', missedWithin: 3 * HOUR }).skipped, [
    { span: span('01T01:00', '01T09:00', 9), why: 'older than missed_within (3h)' },
    { span: span('01T10:00', '01T12:00', 3), why: 'missed: skip' },
  ]);
});

test('occurrences that fall on one instant are one, also among the missed', () => {
  const schedule = compiled('0,30 2 * * *', { timezone: 'Europe/Berlin' });
  assert.deepEqual(settle('28T12:00', '29T12:00', {}, schedule).run, [one('29T01:00')]);
});

test('years of absence of a schedule of seconds cost no more than its count, and the oldest reason says so', () => {
  const schedule = compiled('* * * * * *');
  const start = process.cpuUsage();
  const dues = schedule.latest(0, at('01T00:00'), COUNTED);
  const { run } = settle('01T00:00', '01T00:00', { dues });
  const { user } = process.cpuUsage(start);
  assert.deepEqual(run, [{ first: at('01T00:00') - 9_999_000, due: at('01T00:00'), count: COUNTED }]);
  assert.ok(user < 2_000_000, `${user} µs`);
  const whys = (rest: Partial<Lookback>): string[] =>
    settle('01T00:00', '01T00:00', { dues, ...rest }).skipped.map(({ why }) => why);
  assert.deepEqual(whys({ missed: 'skip' }), ['missed: skip; counted up to 10000 only']);
  assert.deepEqual(whys({ missed: 'all', missedWithin: 1_000_000 }), [
    'older than missed_within (16m40s); counted up to 10000 only',
    'more than 100',
  ]);
  assert.deepEqual(whys({ missed: 'skip', dues: dues.slice(1) }), ['missed: skip']);
});

test('whatever the dues and the rules, the spans hold every due time once, and what runs comes last', () => {
  const some = fc.record({
    gaps: fc.array(fc.integer({ min: 1, max: 2 * HOUR }), { maxLength: 250 }),
    since: fc.nat({ max: 3 * HOUR }),
    absent: fc.boolean(),
    lateWithin: fc.constantFrom(MINUTE, HOUR),
    missed: fc.constantFrom<MissedPolicy>('once', 'skip', 'all'),
    missedWithin: fc.option(fc.integer({ min: 0, max: 5 * DAY }), { nil: null }),
  });
  fc.assert(
    fc.property(some, ({ gaps, since, ...rules }) => {
      let due = at('01T00:00');
      const dues = gaps.map((gap) => {
        due += gap;
        return due;
      });
      const now = due + since;
      const { run, skipped } = settleArrears({ dues, now, ...rules });
      const spans = [...skipped.map((skip) => skip.span), ...run];
      const covered = spans.flatMap(({ first, due: last, count }) => {
        const within = dues.filter((of) => of >= first && of <= last);
        assert.deepEqual([within[0], within.at(-1), within.length], [first, last, count]);
        return within;
      });
      assert.deepEqual(covered, dues);
      assert.equal(new Set(skipped.map(({ why }) => why)).size, skipped.length);
      // Who is late runs, whatever the rules; who is too old does not.
      const late = dues.filter((of) => !rules.absent || of >= now - rules.lateWithin);
      if (rules.missed !== 'all') {
        assert.ok(run.length <= 1);
        assert.ok(late.every((of) => run.some(({ first, due: last }) => of >= first && of <= last)));
      }
      if (rules.absent && rules.missedWithin !== null) {
        const oldest = now - Math.max(rules.missedWithin, rules.lateWithin);
        assert.ok(run.every(({ first }) => first >= oldest));
      }
      assert.ok(run.length <= 100);
    }),
  );
});
