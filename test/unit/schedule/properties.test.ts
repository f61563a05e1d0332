/** What must hold of every schedule that compiles: checked against a reading of SPEC 5 that knows no parser of ours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileSchedule } from '../../../src/schedule/compile.ts';
import { runs } from '../../helpers/runs.ts';
import { compiled, within, zones } from './compiled.ts';

const DAY = 86_400_000;

/** One item of a field, as text and as what it selects. */
interface Part {
  readonly text: string;
  readonly holds: (value: number, date: Date) => boolean;
}

/** A field is a list of items; `star` when its text starts with one. */
interface FieldOf {
  readonly text: string;
  readonly star: boolean;
  readonly holds: (value: number, date: Date) => boolean;
}

function plainPart(lowest: number, highest: number, names: readonly string[]): fc.Arbitrary<Part> {
  const value = fc.integer({ min: lowest, max: highest });
  const word = (of: number, named: boolean): string => (named ? (names[of] ?? `${of}`) : `${of}`);
  const step = fc.integer({ min: 1, max: highest + 3 });
  return fc.oneof<fc.Arbitrary<Part>[]>(
    fc.constant<Part>({ text: '*', holds: () => true }),
    fc.tuple(value, fc.boolean()).map(([of, named]) => ({ text: word(of, named), holds: (it) => it === of })),
    step.map((by) => ({ text: `*/${by}`, holds: (it) => (it - lowest) % by === 0 })),
    fc.tuple(value, step).map(([of, by]) => ({ text: `${of}/${by}`, holds: (it) => it >= of && (it - of) % by === 0 })),
    fc.tuple(value, value, fc.option(step, { nil: 0 })).map(([one, two, by]) => {
      const [from, to] = [Math.min(one, two), Math.max(one, two)];
      const text = `${from}-${to}${by === 0 ? '' : `/${by}`}`;
      return { text, holds: (it: number) => it >= from && it <= to && (it - from) % (by || 1) === 0 };
    }),
  );
}

const lengthOf = (date: Date): number =>
  new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
const lastDay: Part = { text: 'L', holds: (_, date) => date.getUTCDate() === lengthOf(date) };
const weekdayPart: fc.Arbitrary<Part> = fc
  .tuple(fc.nat({ max: 7 }), fc.integer({ min: 1, max: 5 }), fc.constantFrom('#', 'nL', 'Ln'))
  .map(([weekday, nth, kind]) => ({
    text: kind === '#' ? `${weekday}#${nth}` : kind === 'nL' ? `${weekday}l` : `L${weekday}`,
    holds: (_, date) =>
      date.getUTCDay() === weekday % 7 &&
      (kind === '#' ? Math.ceil(date.getUTCDate() / 7) === nth : date.getUTCDate() > lengthOf(date) - 7),
  }));

function field(part: fc.Arbitrary<Part>): fc.Arbitrary<FieldOf> {
  return fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => {
    const text = parts.map((one) => one.text).join(',');
    return { text, star: text.startsWith('*'), holds: (value, date) => parts.some((one) => one.holds(value, date)) };
  });
}

const MONTHS = ' jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const WEEKDAYS = 'Sun MON tue wed thu fri sat'.split(' ');
const fields = fc.record({
  second: fc.oneof(
    fc.constant<FieldOf>({ text: '0', star: false, holds: (value) => value === 0 }),
    field(plainPart(0, 59, [])),
  ),
  minute: field(plainPart(0, 59, [])),
  hour: field(plainPart(0, 23, [])),
  day: field(fc.oneof({ weight: 5, arbitrary: plainPart(1, 31, []) }, fc.constant(lastDay))),
  month: field(plainPart(1, 12, MONTHS)),
  weekday: field(fc.oneof({ weight: 3, arbitrary: plainPart(0, 7, WEEKDAYS) }, weekdayPart)),
});
type Fields = typeof fields extends fc.Arbitrary<infer Of> ? Of : never;

const textOf = ({ second, minute, hour, day, month, weekday }: Fields): string =>
  [second, minute, hour, day, month, weekday].map(({ text }) => text).join(' ');

/** The first `count` times of the days in [from, to), seen without a time zone, by looking at every day. */
function naive(of: Fields, from: number, to: number, count: number): number[] {
  const found: number[] = [];
  const none = new Date(0);
  const values = (one: FieldOf, most: number): number[] =>
    Array.from({ length: most + 1 }, (_, value) => value).filter((value) => one.holds(value, none));
  const [hours, minutes, seconds] = [values(of.hour, 23), values(of.minute, 59), values(of.second, 59)];
  for (let midnight = from; midnight < to && found.length < count; midnight += DAY) {
    const date = new Date(midnight);
    if (!of.month.holds(date.getUTCMonth() + 1, date)) continue;
    const day = of.day.holds(date.getUTCDate(), date);
    const weekday = of.weekday.holds(date.getUTCDay(), date) || (date.getUTCDay() === 0 && of.weekday.holds(7, date));
    if (!(of.day.star || of.weekday.star ? day && weekday : day || weekday)) continue;
    for (const hour of hours) {
      for (const minute of minutes) {
        for (const second of seconds) {
          if (found.length < count) found.push(midnight + 1000 * (3600 * hour + 60 * minute + second));
        }
      }
    }
  }
  return found;
}

const start = fc.integer({ min: -30_000, max: 60_000 }).map((day) => day * DAY);

test('in UTC a schedule is due at exactly the times that its fields name', () => {
  let compiling = 0;
  fc.assert(
    fc.property(fields, start, (of, from) => {
      const text = textOf(of);
      const result = compileSchedule({ expression: text, hash: '', timezone: null, deviceId: '' }, zones);
      if (!result.ok) {
        // The only thing wrong that these can have: 41 years hold every date on every weekday.
        assert.match(result.message, /^day, month, weekday: expected a date that comes/, text);
        assert.deepEqual(naive(of, 0, 15_000 * DAY, 1), [], text);
        return;
      }
      compiling += 1;
      const to = from + 1500 * DAY;
      const expected = naive(of, from, to, 60);
      const found: number[] = [];
      for (let at = from - 1; found.length < 60; at = found.at(-1) ?? at) {
        const next = result.schedule.next(at);
        if (next === null || next >= to) break;
        assert.ok(next > at, text);
        found.push(next);
      }
      assert.deepEqual(found, expected, text);
    }),
    runs(400),
  );
  assert.ok(compiling > 300);
});

const someZone = fc.constantFrom(
  null,
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Africa/Casablanca',
  'Pacific/Apia',
);
const expression = fields
  .map(textOf)
  .filter((text) => compileSchedule({ expression: text, hash: '', timezone: null, deviceId: '' }, zones).ok);
const instant = fc.integer({ min: Date.UTC(1900, 0), max: Date.UTC(2200, 0) });

test('next is strictly later, and nothing lies between', () => {
  fc.assert(
    fc.property(expression, someZone, instant, fc.nat(), (text, timezone, after, part) => {
      const schedule = compiled(text, { timezone });
      let at = after;
      for (let index = 0; index < 5; index += 1) {
        const next = schedule.next(at);
        if (next === null) return;
        assert.ok(next > at && next % 1000 === 0, `${text} in ${timezone} after ${at}`);
        assert.equal(schedule.next(at + (part % (next - at))), next);
        at = next;
      }
    }),
  );
});

test('latest is the end of what next enumerates', () => {
  const span = fc.oneof(fc.nat({ max: 3_600_000 }), fc.nat({ max: 40 * DAY }));
  fc.assert(
    fc.property(expression, someZone, instant, span, fc.nat({ max: 40 }), (text, timezone, after, length, limit) => {
      const schedule = compiled(text, { timezone });
      const all: number[] = [];
      for (let at = schedule.next(after); at !== null && at <= after + length; at = schedule.next(at)) {
        all.push(at);
        // Only the end is compared.
        if (all.length > 5000) return;
      }
      assert.deepEqual(schedule.latest(after, after + length, limit), limit === 0 ? [] : all.slice(-limit));
    }),
  );
});

test('latest costs what its limit says, not what the span holds', () => {
  for (const text of ['* * * * * *', '* * * 1 1 *', '* 0 0 29 2 *', '30 2 * * 1#1', '* * * * * 0']) {
    const schedule = compiled(text, { timezone: 'Europe/Berlin' });
    const until = Date.UTC(2026, 6, 5, 12);
    const used = process.cpuUsage();
    const found = schedule.latest(Date.UTC(1950, 0), until, 3);
    assert.ok(process.cpuUsage(used).user < 2_000_000, text);
    assert.equal(found.length, 3, text);
    const first = found[0] ?? 0;
    const last = found[2] ?? 0;
    assert.deepEqual(within(schedule, first - 1, last), found, text);
    assert.ok((schedule.next(last) ?? 0) > until, text);
  }
});

test('the normalized text means the same, and is its own normalized text', () => {
  fc.assert(
    fc.property(expression, instant, (text, after) => {
      const schedule = compiled(text);
      const again = compiled(schedule.normalized);
      assert.equal(again.normalized, schedule.normalized, text);
      assert.equal(again.fingerprint, schedule.fingerprint);
      let at: number | null = after;
      for (let index = 0; index < 20 && at !== null; index += 1) {
        const next = schedule.next(at);
        assert.equal(again.next(at), next, text);
        at = next;
      }
    }),
  );
});

test('no text throws or hangs, and what is refused is refused in one sentence', () => {
  const word = fc.string({ unit: fc.constantFrom(...'0123456789*/-,#LHUhu()@?Wjanmosut ~é'), maxLength: 8 });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), fc.string(), (words, hash) => {
      const source = { expression: words.join(' '), hash, timezone: null, deviceId: '' };
      const result = compileSchedule(source, zones);
      if (result.ok) assert.equal(typeof result.schedule.next(0), 'number', source.expression);
      else assert.match(result.message, /^[^\n]*expected .*, found [^\n]*[^.]$/, source.expression);
    }),
    runs(3000),
  );
});
