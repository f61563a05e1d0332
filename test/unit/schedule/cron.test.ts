/** SPEC 5, "Cron", clause by clause. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiled, dues, refusal, warningsOf } from './compiled.ts';

/** Times of day on the day after `after`, which is midnight. */
function timesOf(expression: string, count: number): string[] {
  return dues(compiled(expression), '2026-03-01T00:00:00Z', count).map((due) => due.slice(11, 19));
}

/** Dates in the months from March 2026 on; the expression runs once a day. */
function datesOf(expression: string, count: number): string[] {
  return dues(compiled(expression), '2026-02-28T23:59:59Z', count).map((due) => due.slice(0, 10));
}

const normal: readonly [written: string, normalized: string][] = [
  ['* * * * *', '0 * * * * *'],
  ['5 4 3 2 1', '0 5 4 3 2 1'],
  ['05 004 * * *', '0 5 4 * * *'],
  ['  5   4\t3  2 1 ', '0 5 4 3 2 1'],
  ['1-3 * * * *', '0 1-3 * * * *'],
  ['1-10/3 * * * *', '0 1,4,7,10 * * * *'],
  ['*/20 * * * *', '0 */20 * * * *'],
  ['5/20 * * * *', '0 5,25,45 * * * *'],
  ['0,30 * * * *', '0 0,30 * * * *'],
  ['30,0,30 * * * *', '0 0,30 * * * *'],
  ['1,2,3,5 * * * *', '0 1-3,5 * * * *'],
  ['1-5,3-8 * * * *', '0 1-8 * * * *'],
  ['0-59 0-23 * * *', '0 0-59 0-23 * * *'],
  ['*/1 */1 */1 */1 */1', '0 * * * * *'],
  ['*/20,5 * * * *', '0 */20,5 * * * *'],
  ['5,*/20 * * * *', '0 0,5,20,40 * * * *'],
  ['0 0 * JAN,Mar-may Mon-FRI', '0 0 0 * 1,3-5 1-5'],
  ['0 0 * * 0', '0 0 0 * * 0'],
  ['0 0 * * 7', '0 0 0 * * 0'],
  ['0 0 * * 0,7', '0 0 0 * * 0'],
  ['0 0 * * 5-7', '0 0 0 * * 0,5,6'],
  ['0 0 * * fri-sun', '0 0 0 * * 0,5,6'],
  ['0 0 * * sun-tue', '0 0 0 * * 0-2'],
  ['0 0 * * 0-7', '0 0 0 * * 0-6'],
  ['0 0 * * sun,thu', '0 0 0 * * 0,4'],
  ['0 0 1 jul *', '0 0 0 1 7 *'],
  ['0 0 L * *', '0 0 0 L * *'],
  ['0 0 l,15 * *', '0 0 0 15,L * *'],
  ['0 0 * * 1#2', '0 0 0 * * 1#2'],
  ['0 0 * * mon#2,7#1,0#1', '0 0 0 * * 0#1,1#2'],
  ['0 0 * * 5L', '0 0 0 * * 5L'],
  ['0 0 * * L5', '0 0 0 * * 5L'],
  ['0 0 * * friL,Lmon', '0 0 0 * * 1L,5L'],
  ['0 0 * * 1,5#3', '0 0 0 * * 1,5#3'],
  ['15 30 2 * * *', '15 30 2 * * *'],
  ['*/10 * * * * *', '*/10 * * * * *'],
];

for (const [written, normalized] of normal) {
  test(`${JSON.stringify(written)} means ${normalized}, which means itself`, () => {
    const schedule = compiled(written);
    assert.equal(schedule.normalized, normalized);
    assert.equal(schedule.expression, written);
    const again = compiled(normalized);
    assert.equal(again.normalized, normalized);
    assert.deepEqual(dues(again, '2026-03-01T00:00:00Z', 5), dues(schedule, '2026-03-01T00:00:00Z', 5));
  });
}

test('five fields run at second 0, six have their seconds first', () => {
  assert.deepEqual(timesOf('30 2 * * *', 1), ['02:30:00']);
  assert.deepEqual(timesOf('15 30 2 * * *', 1), ['02:30:15']);
  assert.deepEqual(timesOf('*/20 59 23 * * *', 3), ['23:59:00', '23:59:20', '23:59:40']);
});

test('a list, a range, a step and a range with a step select what they name', () => {
  assert.deepEqual(timesOf('0,20 1-2 * * *', 4), ['01:00:00', '01:20:00', '02:00:00', '02:20:00']);
  assert.deepEqual(timesOf('0 */8 * * *', 3), ['08:00:00', '16:00:00', '00:00:00']);
  assert.deepEqual(timesOf('0 20/2 * * *', 3), ['20:00:00', '22:00:00', '20:00:00']);
});

test('L in the day field is the last day of each month', () => {
  assert.deepEqual(datesOf('0 0 L * *', 3), ['2026-03-31', '2026-04-30', '2026-05-31']);
  assert.deepEqual(dues(compiled('0 0 L 2 *'), '2027-01-01T00:00:00Z', 2), [
    '2027-02-28T00:00:00Z',
    '2028-02-29T00:00:00Z',
  ]);
  assert.deepEqual(datesOf('0 0 15,L * *', 3), ['2026-03-15', '2026-03-31', '2026-04-15']);
  // A day that is listed and last at once is one.
  assert.deepEqual(datesOf('0 0 31,L * *', 2), ['2026-03-31', '2026-04-30']);
});

test('n#k is the k-th such weekday of the month, nL and Ln the last', () => {
  assert.deepEqual(datesOf('0 0 * * 1#1', 2), ['2026-03-02', '2026-04-06']);
  assert.deepEqual(datesOf('0 0 * * 1#5', 2), ['2026-03-30', '2026-06-29']);
  assert.deepEqual(datesOf('0 0 * * 5L', 2), ['2026-03-27', '2026-04-24']);
  assert.deepEqual(datesOf('0 0 * * L5', 2), ['2026-03-27', '2026-04-24']);
  assert.deepEqual(datesOf('0 0 * * 0L,7#1', 3), ['2026-03-01', '2026-03-29', '2026-04-05']);
  assert.deepEqual(datesOf('0 0 * * 3,1#2', 3), ['2026-03-04', '2026-03-09', '2026-03-11']);
});

test('with neither day field starting with * either suffices', () => {
  assert.deepEqual(datesOf('0 0 13 * 5', 5), ['2026-03-06', '2026-03-13', '2026-03-20', '2026-03-27', '2026-04-03']);
  assert.deepEqual(datesOf('0 0 1-31 * 1', 3), ['2026-03-01', '2026-03-02', '2026-03-03']);
  assert.deepEqual(datesOf('0 0 15 * 0-7', 2), ['2026-03-01', '2026-03-02']);
  assert.deepEqual(datesOf('0 0 L * 1#1', 3), ['2026-03-02', '2026-03-31', '2026-04-06']);
  assert.deepEqual(datesOf('0 0 5,*/10 * 1', 4), ['2026-03-01', '2026-03-02', '2026-03-05', '2026-03-09']);
  // The day never comes, the weekday does.
  assert.deepEqual(dues(compiled('0 0 30 2 1'), '2026-02-24T00:00:00Z', 2), [
    '2027-02-01T00:00:00Z',
    '2027-02-08T00:00:00Z',
  ]);
});

test('if the day or the weekday field starts with *, also with a step, both must hold', () => {
  assert.deepEqual(datesOf('0 0 * * 1', 2), ['2026-03-02', '2026-03-09']);
  assert.deepEqual(datesOf('0 0 13 * *', 2), ['2026-03-13', '2026-04-13']);
  assert.deepEqual(datesOf('0 0 */2 * 1', 3), ['2026-03-09', '2026-03-23', '2026-04-13']);
  assert.deepEqual(datesOf('0 0 13 * */5', 3), ['2026-03-13', '2026-09-13', '2026-11-13']);
  assert.deepEqual(datesOf('0 0 */10,5 * 4', 3), ['2026-03-05', '2026-05-21', '2026-06-11']);
  assert.deepEqual(datesOf('0 0 */7 * 0L', 2), ['2026-03-29', '2026-11-29']);
});

test('rare dates are found, and those of the next century too', () => {
  assert.deepEqual(dues(compiled('0 0 29 2 *'), '2096-03-01T00:00:00Z', 1), ['2104-02-29T00:00:00Z']);
  assert.deepEqual(dues(compiled('0 0 29 2 */7'), '2026-01-01T00:00:00Z', 3), [
    '2032-02-29T00:00:00Z',
    '2060-02-29T00:00:00Z',
    '2088-02-29T00:00:00Z',
  ]);
  assert.deepEqual(dues(compiled('0 0 * 2 1#5'), '2026-01-01T00:00:00Z', 2), [
    '2044-02-29T00:00:00Z',
    '2072-02-29T00:00:00Z',
  ]);
});

const refused: readonly [expression: string, message: string][] = [
  ['', 'expected 5 fields (minute hour day month weekday) or 6 (seconds first), found none'],
  ['   ', 'expected 5 fields (minute hour day month weekday) or 6 (seconds first), found none'],
  ['* * * *', 'expected 5 fields (minute hour day month weekday) or 6 (seconds first), found 4 in "* * * *"'],
  [
    '1 2 3 4 5 6 7',
    'expected 5 fields (minute hour day month weekday) or 6 (seconds first), found 7 in "1 2 3 4 5 6 7"',
  ],
  ['60 * * * *', 'minute: expected 0 to 59, found "60"'],
  ['* 24 * * *', 'hour: expected 0 to 23, found "24"'],
  ['* * 0 * *', 'day: expected 1 to 31, found "0"'],
  ['* * 32 * *', 'day: expected 1 to 31, found "32"'],
  ['* * * 13 *', 'month: expected 1 to 12 or a name such as dec, found "13"'],
  ['* * * 0 *', 'month: expected 1 to 12 or a name such as dec, found "0"'],
  ['* * * * 8', 'weekday: expected 0 to 7 or a name such as sat, found "8"'],
  ['60 * * * * *', 'second: expected 0 to 59, found "60"'],
  ['-1 * * * *', 'minute: expected 0 to 59, found "-1"'],
  ['1.5 * * * *', 'minute: expected 0 to 59, found "1.5"'],
  ['99999999999999999999 * * * *', 'minute: expected 0 to 59, found "99999999999999999999"'],
  ['0 0 * Foo *', 'month: expected 1 to 12 or a name such as dec, found "Foo"'],
  ['0 0 * * jan', 'weekday: expected 0 to 7 or a name such as sat, found "jan"'],
  ['mon * * * *', 'minute: expected 0 to 59, found "mon"'],
  ['0 0 * january *', 'month: expected 1 to 12 or a name such as dec, found "january"'],
  ['10-5 * * * *', 'minute: expected a range that runs forward, found "10-5"'],
  ['0 0 * dec-feb *', 'month: expected a range that runs forward, found "dec-feb"'],
  ['0 0 * * 5-0', 'weekday: expected a range that runs forward, found "5-0"'],
  ['5-61 * * * *', 'minute: expected 0 to 59, found "5-61"'],
  ['1-2-3 * * * *', 'minute: expected 0 to 59, found "1-2-3"'],
  ['*-5 * * * *', 'minute: expected 0 to 59, found "*-5"'],
  ['1- * * * *', 'minute: expected 0 to 59, found "1-"'],
  ['*/0 * * * *', 'minute: expected a step that is a whole number of 1 or more, found "*/0"'],
  ['*/ * * * *', 'minute: expected a step that is a whole number of 1 or more, found "*/"'],
  ['*/x * * * *', 'minute: expected a step that is a whole number of 1 or more, found "*/x"'],
  ['*/-5 * * * *', 'minute: expected a step that is a whole number of 1 or more, found "*/-5"'],
  ['1/2/3 * * * *', 'minute: expected one step at most, found "1/2/3"'],
  ['1,,2 * * * *', 'minute: expected a list without empty items and blanks, found "1,,2"'],
  ['0, 30 * * * *', 'second: expected a list without empty items and blanks, found "0,"'],
  ['? * * * *', 'minute: expected 0 to 59, found "?"'],
  ['0 0 ? * 1', 'day: expected 1 to 31, found "?"'],
  ['** * * * *', 'minute: expected 0 to 59, found "**"'],
  ['~ * * * *', 'minute: expected 0 to 59, found "~"'],
  ['0 0 L-3 * *', 'day: expected 1 to 31, found "L-3"'],
  ['0 0 15W * *', 'day: expected 1 to 31, found "15W"'],
  ['0 L * * *', 'hour: expected 0 to 23, found "L"'],
  ['0 0 * * L', 'weekday: expected a weekday with L, such as 5L for the last Friday, found "L"'],
  ['0 0 * * 8L', 'weekday: expected 0 to 7 or a name such as sat, found "8L"'],
  ['0 0 * * 1#6', 'weekday: expected a weekday, # and a number of 1 to 5, found "1#6"'],
  ['0 0 * * 1#0', 'weekday: expected a weekday, # and a number of 1 to 5, found "1#0"'],
  ['0 0 * * 1#', 'weekday: expected a weekday, # and a number of 1 to 5, found "1#"'],
  ['0 0 * * #1', 'weekday: expected 0 to 7 or a name such as sat, found "#1"'],
  ['0 0 * * 1#2#3', 'weekday: expected a weekday, # and a number of 1 to 5, found "1#2#3"'],
  ['0 0 1#2 * *', 'day: expected 1 to 31, found "1#2"'],
  ['0 0 31 2 *', 'day, month, weekday: expected a date that comes, found "31 2 *", which never does'],
  ['0 0 30,31 feb *', 'day, month, weekday: expected a date that comes, found "30,31 feb *", which never does'],
  ['0 0 31 2,4,6,9,11 *', 'day, month, weekday: expected a date that comes, found "31 2,4,6,9,11 *", which never does'],
  ['0 0 30 2 */2', 'day, month, weekday: expected a date that comes, found "30 2 */2", which never does'],
  ['0 0 */31 * 1#2', 'day, month, weekday: expected a date that comes, found "*/31 * 1#2", which never does'],
  ['0 0 */30 2 5L', 'day, month, weekday: expected a date that comes, found "*/30 2 5L", which never does'],
  ['H(5-61) * * * *', 'minute: expected 0 to 59, found "H(5-61)"'],
  ['H(9-5) * * * *', 'minute: expected a range that runs forward, found "H(9-5)"'],
  ['H/0 * * * *', 'minute: expected a step that is a whole number of 1 or more, found "H/0"'],
  ['H(5) * * * *', 'minute: expected H, H(a-b), H/n or H(a-b)/n (or the same with U), found "H(5)"'],
  ['H-5 * * * *', 'minute: expected H, H(a-b), H/n or H(a-b)/n (or the same with U), found "H-5"'],
  ['0 0 * * H#1', 'weekday: expected H, H(a-b), H/n or H(a-b)/n (or the same with U), found "H#1"'],
  ['H U * * *', 'expected either H or U, found both in "H U * * *"'],
  ['H,U * * * *', 'expected either H or U, found both in "H,U * * * *"'],
  [
    '@often',
    'expected one of @hourly, @midnight, @daily, @weekly, @monthly, @yearly, @annually, @reboot, @every, found "@often"',
  ],
  [
    '@daily 5',
    'expected one of @hourly, @midnight, @daily, @weekly, @monthly, @yearly, @annually, @reboot, @every, found "@daily 5"',
  ],
  [
    '@',
    'expected one of @hourly, @midnight, @daily, @weekly, @monthly, @yearly, @annually, @reboot, @every, found "@"',
  ],
];

for (const [expression, message] of refused) {
  test(`${JSON.stringify(expression)} is refused when it is loaded`, () => assert.equal(refusal(expression), message));
}

test('a step beyond the range selects the first value, with a warning', () => {
  assert.deepEqual(timesOf('*/90 * * * *', 2), ['01:00:00', '02:00:00']);
  assert.deepEqual(timesOf('10-20/15 0 * * *', 2), ['00:10:00', '00:10:00']);
  assert.deepEqual(warningsOf('*/60 * * * *'), [
    'minute: "*/60" has a step beyond its range, so it selects one value alone',
  ]);
  assert.deepEqual(warningsOf('10-20/11 * * * *').length, 1);
  assert.deepEqual(warningsOf('10-20/10 * * * *'), []);
  assert.deepEqual(warningsOf('H/60 * * * *'), [
    'minute: "H/60" has a step beyond its range, so it selects one value alone',
  ]);
});

test('a step that does not divide its field gives a warning', () => {
  assert.deepEqual(warningsOf('*/45 * * * *'), [
    'minute: "*/45" is not every 45 minutes, since it begins anew each hour',
  ]);
  assert.deepEqual(warningsOf('0 */5 * * *'), ['hour: "*/5" is not every 5 hours, since it begins anew each day']);
  assert.deepEqual(warningsOf('0 0 */2 * *'), ['day: "*/2" is not every 2 days, since it begins anew each month']);
  assert.deepEqual(warningsOf('H/7 * * * *'), ['minute: "H/7" is not every 7 minutes, since it begins anew each hour']);
  assert.deepEqual(warningsOf('0/7 * * * *').length, 1);
  for (const even of ['*/15 * * * *', '0 */6 * * *', '0 0 1 */3 *', '5-50/7 * * * *', 'H/10 * * * *', '* * * * *']) {
    assert.deepEqual(warningsOf(even), [], even);
  }
});

test('six fields that the Python Fate would have read otherwise give a warning', () => {
  assert.deepEqual(warningsOf('0 0 4 * * *'), [
    'six fields have the seconds first; the Python Fate had them last, and meant by this what is now "* 0 0 4 * *"',
  ]);
  assert.equal(warningsOf('0 4 * * * 0').length, 1);
  // The same either way, or nothing that it could have read.
  assert.deepEqual(warningsOf('* * * * * *'), []);
  assert.deepEqual(warningsOf('0 30 14 * * 1-5'), []);
  assert.deepEqual(warningsOf('0 0 4 * *'), []);
});
