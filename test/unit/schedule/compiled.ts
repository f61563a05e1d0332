/** Compiling and asking schedules in a line. */
import assert from 'node:assert/strict';
import { createZoneSource } from '../../../src/platform/zone-files.ts';
import { compileSchedule } from '../../../src/schedule/compile.ts';
import { posixZone } from '../../../src/schedule/zone.ts';
import type { Schedule, Zone, ZoneSource } from '../../../src/types.ts';

/** The system's zone is UTC here, whatever the machine says. */
export const zones = createZoneSource({ env: { TZ: 'UTC0' } });

export interface Options {
  readonly hash?: string;
  readonly timezone?: string | null;
  readonly deviceId?: string;
  readonly zones?: ZoneSource;
}

function compile(expression: string, { hash = 'a', timezone = null, deviceId = 'device', ...rest }: Options) {
  return compileSchedule({ expression, hash, timezone, deviceId }, rest.zones ?? zones);
}

export function compiled(expression: string, options: Options = {}): Schedule {
  const result = compile(expression, options);
  assert.ok(result.ok, result.ok ? '' : `${expression}: ${result.message}`);
  return result.schedule;
}

/** The message of an expression that must not compile. */
export function refusal(expression: string, options: Options = {}): string {
  const result = compile(expression, options);
  assert.ok(!result.ok, `${expression} compiles`);
  return result.message;
}

export function warningsOf(expression: string, options: Options = {}): string[] {
  const result = compile(expression, options);
  assert.ok(result.ok, result.ok ? '' : result.message);
  return result.warnings;
}

/** The first `count` occurrences after an instant, as `2026-03-29T01:00:00Z`. */
export function dues(schedule: Schedule, after: string, count: number): string[] {
  const found = enumerate(schedule, Date.parse(after), Number.POSITIVE_INFINITY, count);
  return found.map((at) => new Date(at).toISOString().replace('.000Z', 'Z'));
}

/** All occurrences in (after, until]. */
export function within(schedule: Schedule, after: number, until: number): number[] {
  return enumerate(schedule, after, until, Number.POSITIVE_INFINITY);
}

/** Fails where `next` does not go on, so that a fault cannot hang a test. */
function enumerate(schedule: Schedule, after: number, until: number, count: number): number[] {
  const found: number[] = [];
  let at = after;
  while (found.length < count) {
    const next = schedule.next(at);
    if (next === null || next > until) break;
    assert.ok(next > at, `${schedule.expression}: ${next} does not come after ${at}`);
    found.push(next);
    at = next;
  }
  return found;
}

/** A source that answers one zone to every name. */
export function only(zone: Zone): ZoneSource {
  return { zone: () => zone, changed: () => false };
}

export function rule(text: string): Zone {
  const zone = posixZone(text, text);
  assert.ok(zone, text);
  return zone;
}
