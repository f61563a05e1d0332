/**
 * The times of a schedule on a clock without a time zone: naive wall-clock times in milliseconds, as if it showed UTC.
 * Promised to occurrences.ts: the usual step costs a fraction of a microsecond.
 */
import type { Cron } from './cron.ts';
import { createDays } from './days.ts';

const DAY_MS = 86_400_000;

/** The first wall-clock time (a whole second) strictly after `after`, or null when there is none in a century. */
export type NextWall = (after: number) => number | null;

export function createWalls(cron: Cron): NextWall {
  const days = createDays(cron);
  const seconds = cron.second.values;
  const minutes = cron.minute.values;
  const hours = cron.hour.values;
  const first = 3600 * (hours[0] ?? 0) + 60 * (minutes[0] ?? 0) + (seconds[0] ?? 0);

  /** The first second of the day that matches and is `from` or later; -1 when the day holds none. */
  const inDay = (from: number): number => {
    const hour = Math.floor(from / 3600);
    const minute = Math.floor(from / 60) % 60;
    const atHour = atLeast(hours, hour);
    if (atHour !== hour) return atHour < 0 ? -1 : 3600 * atHour + (first % 3600);
    const atMinute = atLeast(minutes, minute);
    if (atMinute === minute) {
      const atSecond = atLeast(seconds, from % 60);
      if (atSecond >= 0) return 3600 * hour + 60 * minute + atSecond;
    }
    const nextMinute = atMinute === minute ? atLeast(minutes, minute + 1) : atMinute;
    if (nextMinute >= 0) return 3600 * hour + 60 * nextMinute + (seconds[0] ?? 0);
    const nextHour = atLeast(hours, hour + 1);
    return nextHour < 0 ? -1 : 3600 * nextHour + (first % 3600);
  };

  return (after) => {
    const from = Math.floor(after / 1000) + 1;
    const day = Math.floor(from / 86_400);
    const found = days(day);
    if (found === day) {
      const second = inDay(from - day * 86_400);
      if (second >= 0) return day * DAY_MS + second * 1000;
    }
    const later = found === day ? days(day + 1) : found;
    return later === null ? null : later * DAY_MS + first * 1000;
  };
}

/** The smallest of the ascending values that is `least` or more; -1 for none. */
function atLeast(values: readonly number[], least: number): number {
  for (const value of values) if (value >= least) return value;
  return -1;
}
