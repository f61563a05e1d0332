/** SPEC 5, "Missed times". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Arrears, type Lookback, settleArrears } from '../../../src/schedule/missed.ts';
import type { EpochMs, MissedPolicy } from '../../../src/types.ts';
import { compiled, within } from './compiled.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const hourly = compiled('0 * * * *');
const at = (text: string): EpochMs => Date.parse(`2026-03-${text}Z`);

/** Settles an hourly schedule; the cursor is at `seen`. */
function settle(seen: string, now: string, rest: Partial<Lookback> = {}): Arrears {
  const { schedule = hourly } = rest;
  return settleArrears({
    cursor: { fingerprint: schedule.fingerprint, seen: at(seen) },
    now: at(now),
    lateWithin: MINUTE,
    absent: true,
    missed: 'once',
    missedWithin: null,
    schedule,
    ...rest,
  });
}

const plain = { first: false, corrected: false };

test('a task seen for the first time has missed nothing', () => {
  const { cursor, ...rest } = settle('01T00:00', '09T00:00', { cursor: null });
  assert.deepEqual(cursor, { fingerprint: hourly.fingerprint, seen: at('09T00:00') });
  assert.deepEqual(rest, { run: [], skipped: null, first: true, corrected: false });
});

test('a task with another schedule or time zone than before has missed nothing', () => {
  for (const other of [compiled('1 * * * *'), compiled('0 * * * *', { timezone: 'Asia/Kolkata' })]) {
    const arrears = settle('01T00:00', '09T00:00', {
      cursor: { fingerprint: other.fingerprint, seen: at('01T00:00') },
    });
    assert.deepEqual([arrears.run, arrears.first, arrears.cursor.fingerprint], [[], true, hourly.fingerprint]);
  }
  // Written otherwise, it is the same schedule.
  const same = compiled('  00  */1 * JAN-dec *');
  assert.equal(
    settle('01T00:30', '01T01:00', { schedule: same, cursor: { fingerprint: hourly.fingerprint, seen: 0 } }).first,
    false,
  );
});

test('nothing due, nothing run, and the cursor goes on', () => {
  assert.deepEqual(settle('01T00:00', '01T00:59:59.999'), {
    ...plain,
    run: [],
    skipped: null,
    cursor: { fingerprint: hourly.fingerprint, seen: at('01T00:59:59.999') },
  });
});

test('a time that has just come due is run, once', () => {
  const arrears = settle('01T00:00', '01T01:00:00.005', { absent: false });
  assert.deepEqual(arrears.run, [{ due: at('01T01:00'), collapsed: 0 }]);
  assert.deepEqual(settle('01T01:00:00.005', '01T01:00:00.010', { absent: false }).run, []);
  // The instant itself belongs to those that are due, and a cursor on it says that it has run.
  assert.deepEqual(settle('01T00:00', '01T01:00').run, [{ due: at('01T01:00'), collapsed: 0 }]);
  assert.deepEqual(settle('01T01:00', '01T01:00:01').run, []);
});

test('missed: once runs a task once for all that it missed or is late for, told the latest', () => {
  assert.deepEqual(settle('01T00:30', '02T00:00:30').run, [{ due: at('02T00:00'), collapsed: 23 }]);
  assert.deepEqual(settle('01T00:30', '02T00:30').run, [{ due: at('02T00:00'), collapsed: 23 }]);
});

test('missed: skip runs what is late only, and tells of the others', () => {
  assert.deepEqual(settle('01T00:30', '01T05:01', { missed: 'skip' }), {
    ...plain,
    run: [{ due: at('01T05:00'), collapsed: 0 }],
    skipped: { count: 4, latest: at('01T04:00'), why: 'missed: skip' },
    cursor: { fingerprint: hourly.fingerprint, seen: at('01T05:01') },
  });
  // A minute is late, a millisecond more is missed.
  const missed = settle('01T00:30', '01T05:01:00.001', { missed: 'skip' });
  assert.deepEqual([missed.run, missed.skipped], [[], { count: 5, latest: at('01T05:00'), why: 'missed: skip' }]);
  const pass = settle('01T00:30', '01T05:30', { missed: 'skip', lateWithin: HOUR });
  assert.deepEqual([pass.run, pass.skipped?.count], [[{ due: at('01T05:00'), collapsed: 0 }], 4]);
});

test('with somebody there nothing is missed, however late it is', () => {
  const late = settle('01T00:30', '01T05:30', { missed: 'skip', absent: false, missedWithin: 1 });
  assert.deepEqual([late.run, late.skipped], [[{ due: at('01T05:00'), collapsed: 4 }], null]);
});

test('missed: all runs every one, oldest first; late ones do not collapse either', () => {
  const dues = ['01T01:00', '01T02:00', '01T03:00'].map((due) => ({ due: at(due), collapsed: 0 }));
  assert.deepEqual(settle('01T00:30', '01T03:00:10', { missed: 'all' }).run, dues);
  assert.deepEqual(settle('01T00:30', '01T03:00:10', { missed: 'all', absent: false }).run, dues);
});

test('missed: all runs the latest 100 and tells of those beyond', () => {
  const arrears = settle('01T00:30', '06T00:30', { missed: 'all' });
  assert.equal(arrears.run.length, 100);
  assert.deepEqual(arrears.run.at(-1), { due: at('06T00:00'), collapsed: 0 });
  assert.deepEqual(arrears.run[0]?.due, at('06T00:00') - 99 * HOUR);
  assert.deepEqual(arrears.skipped, { count: 20, latest: at('06T00:00') - 100 * HOUR, why: 'more than 100' });
});

test('missed_within bounds the age of what was missed, and of nothing that is merely late', () => {
  const once = settle('01T00:30', '01T12:30', { missedWithin: 3 * HOUR });
  assert.deepEqual(once.run, [{ due: at('01T12:00'), collapsed: 2 }]);
  assert.deepEqual(once.skipped, { count: 9, latest: at('01T09:00'), why: 'older than missed_within (3h)' });
  // Exactly as old as allowed is not too old.
  assert.deepEqual(settle('01T00:30', '01T12:00', { missedWithin: 3 * HOUR }).run, [
    { due: at('01T12:00'), collapsed: 3 },
  ]);
  const all = settle('01T00:30', '01T12:30', { missed: 'all', missedWithin: 3 * HOUR });
  assert.deepEqual([all.run.length, all.skipped?.count], [3, 9]);
  const both = settle('01T00:30', '09T00:30', { missed: 'all', missedWithin: 5 * DAY });
  assert.deepEqual(both.skipped, {
    count: 92,
    latest: at('09T00:00') - 100 * HOUR,
    why: 'older than missed_within (5d); more than 100',
  });
  const late = settle('01T00:30', '01T12:00:50', { missedWithin: 10_000 });
  assert.deepEqual([late.run, late.skipped?.count], [[{ due: at('01T12:00'), collapsed: 0 }], 11]);
  const none = settle('01T00:30', '01T12:30', { missedWithin: 10_000 });
  assert.deepEqual([none.run, none.skipped?.count], [[], 12]);
});

test('a clock set back by up to 3 hours runs nothing twice', () => {
  const before = settle('01T11:30', '01T12:00:01', { absent: false });
  assert.equal(before.run.length, 1);
  let cursor = before.cursor;
  // The clock now goes from 09:00:01 on through 12:00 again.
  for (let now = at('01T09:00:01'); now <= at('01T12:00:01'); now += 10 * MINUTE) {
    const again = settle('01T00:00', '01T00:00', { cursor, now });
    assert.deepEqual([again.run, again.skipped, again.corrected], [[], null, false]);
    assert.equal(again.cursor.seen, at('01T12:00:01'), 'the cursor does not go back');
    cursor = again.cursor;
  }
  assert.deepEqual(settle('01T00:00', '01T13:00:02', { cursor }).run, [{ due: at('01T13:00'), collapsed: 0 }]);
});

test('a cursor more than 3 hours in the future is forgotten, and silences nothing', () => {
  assert.equal(settle('01T15:00', '01T12:00').corrected, false);
  const arrears = settle('01T15:00:00.001', '01T12:00');
  assert.deepEqual(arrears, {
    run: [],
    skipped: null,
    cursor: { fingerprint: hourly.fingerprint, seen: at('01T12:00') },
    first: false,
    corrected: true,
  });
  const years = settleArrears({
    cursor: { fingerprint: hourly.fingerprint, seen: Date.UTC(2091, 0) },
    now: at('01T12:30'),
    lateWithin: MINUTE,
    absent: true,
    missed: 'once',
    missedWithin: null,
    schedule: hourly,
  });
  assert.deepEqual([years.corrected, years.cursor.seen], [true, at('01T12:30')]);
  const { cursor } = years;
  assert.deepEqual(settle('01T00:00', '01T13:00:01', { cursor }).run, [{ due: at('01T13:00'), collapsed: 0 }]);
});

test('occurrences that fall on one instant are one, also among the missed', () => {
  const schedule = compiled('0,30 2 * * *', { timezone: 'Europe/Berlin' });
  const arrears = settle('28T12:00', '29T12:00', { schedule });
  assert.deepEqual(arrears.run, [{ due: at('29T01:00'), collapsed: 0 }]);
});

test('years of absence of a schedule of seconds cost no more than its count', () => {
  const schedule = compiled('* * * * * *');
  const cursor = { fingerprint: schedule.fingerprint, seen: 0 };
  const start = process.cpuUsage();
  const arrears = settle('01T00:00', '01T00:00', { schedule, cursor });
  const { user } = process.cpuUsage(start);
  assert.deepEqual(arrears.run, [{ due: at('01T00:00'), collapsed: 9999 }]);
  assert.ok(user < 2_000_000, `${user} µs`);
  const skip = settle('01T00:00', '01T00:00', { schedule, cursor, missed: 'skip' });
  assert.deepEqual(skip.skipped?.why, 'missed: skip; counted up to 10000 only');
});

test('over any sequence of clocks nothing runs twice, and nothing is lost without being told', () => {
  const schedule = compiled('*/7 * * * *');
  const step = fc.record({
    // Forward by up to a day, or back by less than 3 h.
    by: fc.oneof(
      { weight: 3, arbitrary: fc.integer({ min: 0, max: DAY }) },
      fc.integer({ min: -3 * HOUR + 1, max: 0 }),
    ),
    absent: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.constantFrom<MissedPolicy>('once', 'skip', 'all'),
      fc.option(fc.integer({ min: 0, max: DAY }), { nil: null }),
      (steps, missed, missedWithin) => {
        const start = at('01T00:00');
        let now = start;
        let most = start;
        let cursor = { fingerprint: schedule.fingerprint, seen: start };
        let told = 0;
        let last = start;
        for (const { by, absent } of steps) {
          // No two steps back add up to a correction.
          now = Math.max(now + by, most - 3 * HOUR);
          most = Math.max(most, now);
          const arrears = settleArrears({ cursor, now, absent, lateWithin: MINUTE, missed, missedWithin, schedule });
          assert.equal(arrears.corrected, false);
          assert.equal(arrears.cursor.seen, most);
          for (const { due, collapsed } of arrears.run) {
            assert.ok(due > last && due <= now, 'ascending, and never again');
            last = due;
            told += 1 + collapsed;
          }
          told += arrears.skipped?.count ?? 0;
          cursor = arrears.cursor;
        }
        assert.equal(told, within(schedule, start, most).length);
      },
    ),
  );
});
