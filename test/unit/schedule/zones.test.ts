/** SPEC 5, "Daylight saving": every IANA zone and every transition from 2020 to 2037, against an oracle of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createZoneSource } from '../../../src/platform/zone-files.ts';
import { compileSchedule } from '../../../src/schedule/compile.ts';
import type { Schedule } from '../../../src/types.ts';
import { within } from './compiled.ts';
import { dueTimes, minutesOf, offsetAt, simpleCron, type Timeline, timelines, zoneNames } from './oracle.ts';

const HOUR = 3_600_000;
/** Around a transition: enough for the day before and the day after in any zone. */
const AROUND = 30 * HOUR;

const EXPRESSIONS = [
  // fixed times
  '30 2 * * *',
  '0 0 * * *',
  '59 1 * * *',
  '15 2 * * *',
  // lists and ranges
  '0,15,30,45 0,1,2,3 * * *',
  '5-50/15 0-4 * * *',
  // wildcard hours and minutes
  '7 * * * *',
  '0 */2 * * *',
  '*/30 * * * *',
  '*/30 1-3 * * *',
  '*/20 0 * * *',
  // months and weekdays
  '30 2 * 3,4,9-11 *',
  '30 1 * * sun',
  '0 3 1-7 * sun',
  '*/30 * */2 * sat,sun',
  '0 0,12 28-31 mar,oct *',
  // six fields, seconds first
  '15,45 30 2 * * *',
  '*/20 59 0-3 * * *',
  '30 */15 2 * * 0',
];

const zones = zoneNames();
const all = timelines(zones, 2019, 2039);
const source = createZoneSource();
const crons = EXPRESSIONS.map(simpleCron);
const START = Date.UTC(2020, 0);
const END = Date.UTC(2038, 0);

function compiled(expression: string, zone: string): Schedule {
  const result = compileSchedule({ expression, hash: 'x', timezone: zone, deviceId: '' }, source);
  assert.ok(result.ok, `${expression} in ${zone}`);
  return result.schedule;
}

function shown(instants: readonly number[], timeline: Timeline): string[] {
  return instants.map((at) => {
    const wall = new Date(at + offsetAt(timeline, at)).toISOString().slice(0, 19);
    return `${new Date(at).toISOString()} (${wall})`;
  });
}

function compare(timeline: Timeline, schedules: readonly Schedule[], from: number, to: number): number {
  const minutes = minutesOf(timeline, from, to);
  let count = 0;
  for (const [index, cron] of crons.entries()) {
    const schedule = schedules[index];
    assert.ok(schedule);
    const expected = dueTimes(cron, minutes);
    const found = within(schedule, from - 1, to - 1);
    const same = expected.length === found.length && expected.every((at, place) => at === found[place]);
    const where = `${cron.expression} in ${timeline.zone} around ${new Date((from + to) / 2).toISOString()}`;
    if (!same) assert.deepEqual(shown(found, timeline), shown(expected, timeline), where);
    if (index === count % crons.length) {
      assert.deepEqual(schedule.latest(from - 1, to - 1, 5), expected.slice(-5), `the latest of ${where}`);
    }
    count += 1;
  }
  return count;
}

test('tzdata knows the zones and transitions that this test is about', () => {
  assert.ok(zones.length > 150, `${zones.length} different zone files`);
  const count = all.reduce((sum, { transitions }) => sum + transitions.length, 0);
  assert.ok(count > 2000, `${count} transitions`);
});

test('each schedule is due when the oracle says, around every transition of every zone from 2020 to 2037', () => {
  let windows = 0;
  for (const timeline of all) {
    const schedules = EXPRESSIONS.map((expression) => compiled(expression, timeline.zone));
    for (const { at } of timeline.transitions) {
      if (at < START || at >= END) continue;
      compare(timeline, schedules, at - AROUND, at + AROUND);
      windows += 1;
    }
  }
  assert.ok(windows > 2000, `${windows} windows`);
});

test('each schedule is due when the oracle says, in every zone over days without a transition', () => {
  for (const timeline of all) {
    const schedules = EXPRESSIONS.map((expression) => compiled(expression, timeline.zone));
    const start = Date.UTC(2027, 1, 27);
    compare(timeline, schedules, start, start + 2 * AROUND);
  }
});

test('the offsets and the transitions of every zone are those that zdump tells', () => {
  for (const timeline of all) {
    const zone = source.zone(timeline.zone);
    assert.ok(zone);
    const found: { at: number; before: number; after: number }[] = [];
    const end = Date.UTC(2039, 0);
    let at = zone.nextTransition(Date.UTC(2019, 0) - 1);
    while (at !== null && at < end) {
      found.push({ at, before: zone.offsetAt(at - 1), after: zone.offsetAt(at) });
      at = zone.nextTransition(at);
    }
    const expected = timeline.transitions.filter((one) => one.at < end);
    assert.deepEqual(found, expected, timeline.zone);
  }
});
