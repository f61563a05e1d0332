/** SPEC 5, "Daylight saving": the cases that other schedulers get wrong, one by one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scheduleWarnings } from '../../../src/schedule/warnings.ts';
import type { Zone } from '../../../src/types.ts';
import { runs } from '../../helpers/runs.ts';
import { compiled, dues, only, within, zones } from './compiled.ts';
import { dueTimes, minutesOf, offsetAt, simpleCron, type Timeline } from './oracle.ts';

const rows: readonly [what: string, zone: string, expression: string, after: string, due: string[]][] = [
  [
    'Berlin, gap: a fixed time inside runs at its end',
    'Europe/Berlin',
    '30 2 * * *',
    '2026-03-28T12:00:00Z',
    ['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
  ],
  [
    'Berlin, gap: several fixed times inside, and one at its end, are one',
    'Europe/Berlin',
    '0,30 2,3 * * *',
    '2026-03-28T12:00:00Z',
    ['2026-03-29T01:00:00Z', '2026-03-29T01:30:00Z', '2026-03-30T00:00:00Z'],
  ],
  [
    'Berlin, gap: a wildcard hour gets nothing extra',
    'Europe/Berlin',
    '0 */2 * * *',
    '2026-03-28T22:30:00Z',
    ['2026-03-28T23:00:00Z', '2026-03-29T02:00:00Z'],
  ],
  [
    'Berlin, gap: a wildcard minute of a fixed hour loses the day',
    'Europe/Berlin',
    '*/30 2 * * *',
    '2026-03-28T12:00:00Z',
    ['2026-03-30T00:00:00Z', '2026-03-30T00:30:00Z'],
  ],
  [
    'Berlin, overlap: a fixed time runs at its first pass',
    'Europe/Berlin',
    '30 2 * * *',
    '2026-10-24T12:00:00Z',
    ['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
  ],
  [
    'Berlin, overlap: the time at which the first pass ends is not in it',
    'Europe/Berlin',
    '0 3 * * *',
    '2026-10-24T12:00:00Z',
    ['2026-10-25T02:00:00Z', '2026-10-26T02:00:00Z'],
  ],
  [
    'Berlin, overlap: a wildcard hour runs in both passes',
    'Europe/Berlin',
    '30 * * * *',
    '2026-10-25T00:00:00Z',
    ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:30:00Z'],
  ],
  [
    'New York, gap: a list of fixed times',
    'America/New_York',
    '0,30 2 * * *',
    '2026-03-07T12:00:00Z',
    ['2026-03-08T07:00:00Z', '2026-03-09T06:00:00Z'],
  ],
  [
    'New York, gap: 02:00 and 03:00 are one',
    'America/New_York',
    '0 2,3 * * *',
    '2026-03-07T12:00:00Z',
    ['2026-03-08T07:00:00Z', '2026-03-09T06:00:00Z'],
  ],
  [
    'New York, overlap: a wildcard minute of a fixed hour runs in both passes',
    'America/New_York',
    '*/30 1 * * *',
    '2026-10-31T12:00:00Z',
    ['2026-11-01T05:00:00Z', '2026-11-01T05:30:00Z', '2026-11-01T06:00:00Z', '2026-11-01T06:30:00Z'],
  ],
  [
    'New York, overlap: a range of fixed hours runs each once',
    'America/New_York',
    '0 0-3 * * *',
    '2026-10-31T12:00:00Z',
    ['2026-11-01T04:00:00Z', '2026-11-01T05:00:00Z', '2026-11-01T07:00:00Z', '2026-11-01T08:00:00Z'],
  ],
  [
    'Lord Howe, a gap of half an hour',
    'Australia/Lord_Howe',
    '15 2 * * *',
    '2026-10-03T00:00:00Z',
    ['2026-10-03T15:30:00Z', '2026-10-04T15:15:00Z'],
  ],
  [
    'Lord Howe, an overlap of half an hour',
    'Australia/Lord_Howe',
    '45 1 * * *',
    '2026-04-04T00:00:00Z',
    ['2026-04-04T14:45:00Z', '2026-04-05T15:15:00Z'],
  ],
  [
    'Santiago, a gap at midnight',
    'America/Santiago',
    '0 0 * * *',
    '2026-09-05T12:00:00Z',
    ['2026-09-06T04:00:00Z', '2026-09-07T03:00:00Z'],
  ],
  [
    'Santiago, a gap at midnight of the weekday that is meant',
    'America/Santiago',
    '30 0 * * sun',
    '2026-09-05T12:00:00Z',
    ['2026-09-06T04:00:00Z', '2026-09-13T03:30:00Z'],
  ],
  [
    'Troll, a gap of two hours',
    'Antarctica/Troll',
    '30 1 * * *',
    '2026-03-28T12:00:00Z',
    ['2026-03-29T01:00:00Z', '2026-03-29T23:30:00Z'],
  ],
  [
    'Dublin, where winter is the exception: gap',
    'Europe/Dublin',
    '30 1 * * *',
    '2026-03-28T12:00:00Z',
    ['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
  ],
  [
    'Dublin, where winter is the exception: overlap',
    'Europe/Dublin',
    '30 1 * * *',
    '2026-10-24T12:00:00Z',
    ['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
  ],
  [
    'Apia, a day that never was: a fixed time runs at its end',
    'Pacific/Apia',
    '0 12 * * *',
    '2011-12-29T12:00:00Z',
    ['2011-12-29T22:00:00Z', '2011-12-30T10:00:00Z', '2011-12-30T22:00:00Z'],
  ],
  [
    'Apia, a day that never was: a year does not pass without its run',
    'Pacific/Apia',
    '0 12 30 12 *',
    '2011-01-01T00:00:00Z',
    ['2011-12-30T10:00:00Z', '2012-12-29T22:00:00Z'],
  ],
  [
    'Apia, a day that never was: a wildcard has no more runs than hours',
    'Pacific/Apia',
    '30 */12 * * *',
    '2011-12-29T12:00:00Z',
    ['2011-12-29T22:30:00Z', '2011-12-30T10:30:00Z', '2011-12-30T22:30:00Z'],
  ],
  [
    'seconds inside a gap are one run at its end',
    'Europe/Berlin',
    '*/10 30 2 * * *',
    '2026-03-29T00:00:00Z',
    ['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
  ],
];

for (const [what, timezone, expression, after, due] of rows) {
  test(`${what} (${expression})`, () => {
    const schedule = compiled(expression, { timezone });
    assert.deepEqual(dues(schedule, after, due.length), due);
    const [from, to] = [Date.parse(after), Date.parse(due.at(-1) ?? '')];
    assert.deepEqual(
      schedule.latest(from, to, 10),
      due.map((one) => Date.parse(one)),
    );
  });
}

test('the fields meant are those after H was replaced: a hashed hour is a fixed time', () => {
  // `H` is 30 2 here, which lies in the gap.
  const schedule = compiled('H(30-30) H(2-2) * * *', { timezone: 'Europe/Berlin' });
  assert.deepEqual(dues(schedule, '2026-03-29T00:00:00Z', 1), ['2026-03-29T01:00:00Z']);
});

function zoneOf({ zone, offset, transitions }: Timeline): Zone {
  const timeline = { zone, offset, transitions };
  return {
    name: zone,
    offsetAt: (instant) => offsetAt(timeline, instant),
    nextTransition: (instant) => transitions.find(({ at }) => at > instant)?.at ?? null,
  };
}

test('in any zone, however its gaps and overlaps follow each other, the oracle agrees', () => {
  const start = Date.UTC(2026, 2, 1);
  const minute = 60_000;
  const steps = fc.array(
    fc.record({ wait: fc.integer({ min: 1, max: 20 * 60 }), offset: fc.integer({ min: -12 * 4, max: 14 * 4 }) }),
    { minLength: 1, maxLength: 6 },
  );
  const expression = fc.constantFrom(
    '30 2 * * *',
    '0 0 * * *',
    '0,20,40 */3 * * *',
    '7 * * * *',
    '*/30 1-5 * * *',
    '15,45 10 12,18 * * *',
    '0 6 2 * *',
    '*/30 * * * 1',
  );
  fc.assert(
    fc.property(steps, expression, (walk, text) => {
      // Far enough from the window's edge that no overlap goes back behind it.
      let at = start + 60 * 60 * minute;
      let offset = 0;
      const transitions = [];
      for (const step of walk) {
        at += step.wait * minute;
        const after = step.offset * 15 * minute;
        if (after !== offset) transitions.push({ at, before: offset, after });
        offset = after;
      }
      const timeline = { zone: 'made up', offset: 0, transitions };
      const schedule = compiled(text, { zones: only(zoneOf(timeline)) });
      const end = at + 60 * 60 * minute;
      const expected = dueTimes(simpleCron(text), minutesOf(timeline, start, end));
      assert.deepEqual(within(schedule, start - 1, end - 1), expected);
      assert.deepEqual(schedule.latest(start - 1, end - 1, 7), expected.slice(-7));
    }),
    runs(150),
  );
});

function warned(expression: string, timezone: string, now: string): string[] {
  const zone = zones.zone(timezone);
  assert.ok(zone);
  return scheduleWarnings(compiled(expression, { timezone }), zone, Date.parse(now));
}

test('check says which fixed times of the next year lie in a gap or come twice', () => {
  assert.deepEqual(warned('30 2 * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z'), [
    'there is no 2026-03-29 02:30; it runs at the end of the gap, at 03:00 (Europe/Berlin)',
    '2026-10-25 02:30 comes twice; it runs at the first only (Europe/Berlin)',
  ]);
  assert.deepEqual(warned('0,10,20,30,40 2 * * *', 'Europe/Berlin', '2026-06-01T00:00:00Z').slice(0, 1), [
    '2026-10-25 02:00, 02:10, 02:20 and more comes twice; it runs at the first only (Europe/Berlin)',
  ]);
  assert.deepEqual(warned('0 12 30 * *', 'Pacific/Apia', '2011-11-01T00:00:00Z'), [
    'there is no 2011-12-30 12:00; it runs at the end of the gap, at 2011-12-31 00:00 (Pacific/Apia)',
  ]);
  assert.deepEqual(warned('30 4 * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z'), []);
  assert.deepEqual(warned('30 2 * * *', 'Asia/Tokyo', '2026-01-01T00:00:00Z'), []);
});

test('check says when a schedule that starts with * loses a whole day', () => {
  assert.deepEqual(warned('*/30 2 * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z'), [
    'it runs at no time on 2026-03-29, since the clock leaps from 02:00 to 03:00 (Europe/Berlin)',
    '2026-10-25 02:00, 02:30 comes twice; it runs both times (Europe/Berlin)',
  ]);
  assert.deepEqual(warned('*/30 2,3 * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z').length, 1);
  assert.deepEqual(warned('*/30 * * * *', 'Europe/Berlin', '2026-01-01T00:00:00Z'), []);
  assert.deepEqual(warned('0 * * * 5', 'Pacific/Apia', '2011-06-01T00:00:00Z'), [
    'it runs at no time on 2011-12-30, since the clock leaps from 00:00 to 2011-12-31 00:00 (Pacific/Apia)',
  ]);
});
