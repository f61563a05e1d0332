/**
 * The rule text of POSIX `TZ` (`CET-1CEST,M3.5.0,M10.5.0/3`), which also ends TZif files (RFC 9636, 3.3.1) and tells
 * their far future. Promised to zone.ts.
 */
import type { EpochMs, Ms } from '../types.ts';

/** A stretch of constant offset: start <= instant < end; either may be infinite. */
export interface Segment {
  readonly start: EpochMs;
  readonly end: EpochMs;
  readonly offset: Ms;
}

export type SegmentAt = (instant: EpochMs) => Segment;

const DAY_MS = 86_400_000;
const NAME = '(?:<[A-Za-z0-9+-]+>|[A-Za-z]{3,})';
const TIME = '[+-]?\\d{1,3}(?::\\d{1,2}(?::\\d{1,2})?)?';
const DATE = '(?:M\\d{1,2}\\.[1-5]\\.[0-6]|J?\\d{1,3})';
const RULE = new RegExp(
  `^${NAME}(${TIME})(?:${NAME}(${TIME})?(?:,(${DATE})(?:/(${TIME}))?,(${DATE})(?:/(${TIME}))?)?)?$`,
);
const STANDARD_ONLY = new RegExp(`^${NAME}${TIME}$`);

/** Null when the text is no such rule. */
export function parsePosixRule(text: string): SegmentAt | null {
  const parts = RULE.exec(text);
  if (parts === null) return null;
  // POSIX counts west of Greenwich.
  const standard = 0 - duration(parts[1] ?? '0');
  const always: Segment = { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY, offset: standard };
  if (STANDARD_ONLY.test(text)) return () => always;
  const summer = parts[2] === undefined ? standard + 3_600_000 : 0 - duration(parts[2]);
  // tzset(3): without dates, those of the United States.
  const begins = yearly(parts[3] ?? 'M3.2.0', parts[4]);
  const ends = yearly(parts[5] ?? 'M11.1.0', parts[6]);
  return (instant) =>
    segmentAt(instant, (year) => [
      { at: begins(year) - standard, offset: summer },
      { at: ends(year) - summer, offset: standard },
    ]);
}

/** `[+-]h[:m[:s]]` in ms. */
function duration(text: string): Ms {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, '').split(':').map(Number);
  return (text.startsWith('-') ? -1000 : 1000) * (3600 * hours + 60 * minutes + seconds);
}

/** The wall-clock time of a rule's date in a year. */
function yearly(date: string, time = '2'): (year: number) => number {
  const ofDay = duration(time);
  const month = /^M(\d+)\.(\d)\.(\d)$/.exec(date)?.slice(1).map(Number);
  if (month) {
    const [of = 1, week = 1, weekday = 0] = month;
    return (year) => {
      const first = new Date(Date.UTC(year, of - 1, 1)).getUTCDay();
      const days = new Date(Date.UTC(year, of, 0)).getUTCDate();
      const day = 1 + ((weekday - first + 7) % 7) + 7 * (week - 1);
      // The fifth is the last.
      return Date.UTC(year, of - 1, day > days ? day - 7 : day) + ofDay;
    };
  }
  const number = Number(date.replace('J', ''));
  if (!date.startsWith('J')) return (year) => Date.UTC(year, 0, 1 + number) + ofDay;
  // `Jn` never counts 29 February: the day of a common year.
  const common = new Date(Date.UTC(2001, 0, number));
  return (year) => Date.UTC(year, common.getUTCMonth(), common.getUTCDate()) + ofDay;
}

interface Change {
  readonly at: EpochMs;
  readonly offset: Ms;
}

function segmentAt(instant: EpochMs, changesOf: (year: number) => Change[]): Segment {
  const year = new Date(instant).getUTCFullYear();
  const changes: Change[] = [];
  for (let of = year - 3; of <= year + 3; of += 1) changes.push(...changesOf(of));
  // The sort keeps the order of equal instants, so that an end at a year's end comes before the next year's start: the
  // offset of an everlasting summer time (RFC 9636, 3.3.1) never changes.
  changes.sort((a, b) => a.at - b.at);
  const real: Change[] = [];
  for (const change of changes) {
    if (real.at(-1)?.at === change.at) real.pop();
    if (real.at(-1)?.offset !== change.offset) real.push(change);
  }
  const before = real.findLast((change) => change.at <= instant);
  const after = real.find((change) => change.at > instant);
  const near = (change: Change | undefined): change is Change =>
    // What lies further away is the edge of the years looked at.
    change !== undefined && Math.abs(change.at - instant) < 500 * DAY_MS;
  return {
    start: near(before) ? before.at : Number.NEGATIVE_INFINITY,
    end: near(after) ? after.at : Number.POSITIVE_INFINITY,
    offset: before?.offset ?? real[0]?.offset ?? 0,
  };
}
