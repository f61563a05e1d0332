/** Times as people write them for the commands that look back, and as these commands write them. */
import { parseDuration } from '../schedule/duration.ts';
import { formatInstant, isoOf, parseInstant } from '../schedule/instant.ts';
import type { Configuration, EpochMs, ZoneSource } from '../types.ts';

/** From `from` until before `until`: as far as a time that was written to the minute, the hour or the day reaches. */
export interface Moment {
  readonly from: EpochMs;
  readonly until: EpochMs;
}

const SECOND = 1000;
const PRECISIONS: readonly [RegExp, number][] = [
  // A fraction of a second is an instant.
  [/\d:\d\d:\d\d[.,]\d/, 1],
  [/\d:\d\d:\d\d|T\d{6}/, SECOND],
  [/\d:\d\d|T\d{4}/, 60 * SECOND],
  [/T\d\d/, 3600 * SECOND],
];
const DAY = 24 * 3600 * SECOND;

/** A time as `parseInstant` takes it. Null when it is none. */
export function parseMoment(text: string, zone: string | null): Moment | null {
  const from = parseInstant(text, zone);
  if (from === null) return null;
  // What says how far the wall clock stands from UTC says nothing of the precision.
  const wall = isoOf(text).replace(/(T.*?)([+-]\d\d(:?\d\d)?|Z)$/i, '$1');
  const length = PRECISIONS.find(([form]) => form.test(wall))?.[1] ?? DAY;
  return { from, until: from + length };
}

/** An instant as `fate next --at` takes it, or a length of time ago such as 2h. Null when it is neither. */
export function parseSince(text: string, now: EpochMs): EpochMs | null {
  const ago = parseDuration(text.trim());
  return ago === null ? parseInstant(text) : now - ago;
}

/** How the times of a task are written: on the wall clock of its zone, or the system's where it has none. */
export interface Wall {
  readonly timezone: string | null;
  /** `Sun 2026-03-29 02:30:00 +02:00`, and the zone where it is not the system's. */
  long(at: EpochMs): string;
  /** `2026-03-29 02:30:00 +02:00` */
  short(at: EpochMs): string;
}

/** @param configuration null where it cannot be read: then every task is shown on the system's wall clock */
export function wallOf(task: string, configuration: Configuration | null, zones: ZoneSource): Wall {
  const timezone = configuration?.tasks.find(({ name }) => name === task)?.schedule.timezone ?? null;
  const offset = (at: EpochMs): number => zones.zone(timezone)?.offsetAt(at) ?? 0;
  return {
    timezone,
    long: (at) => formatInstant(at, offset(at), timezone),
    short: (at) => formatInstant(at, offset(at), null).replace(/^\S+ /, ''),
  };
}
