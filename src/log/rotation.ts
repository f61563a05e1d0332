/** When a log file is rotated, and what the rotated ones are called (SPEC 10). Pure. */
import { parse } from 'node:path';
import type { EpochMs, Ms, Rotation } from '../types.ts';
import { stamp } from './time.ts';

/** Monday 1970-01-05: intervals are counted from its midnight on the wall clock, so that weeks begin on Mondays. */
const ORIGIN: EpochMs = 4 * 86_400_000;

/**
 * The first instant after `since` at which the time of day or the interval asks for a new file; null when neither does.
 * A file that was last written before that instant is rotated by the first record after it: no timer, and no empty files.
 */
export function nextRotation({ at, interval }: Pick<Rotation, 'at' | 'interval'>, since: EpochMs): EpochMs | null {
  const times: EpochMs[] = [];
  if (at !== null) times.push(nextTimeOfDay(at, since));
  if (interval !== null) times.push(nextMultiple(interval, since));
  return times.length === 0 ? null : Math.min(...times);
}

function nextTimeOfDay(minutes: number, since: EpochMs): EpochMs {
  const date = new Date(since);
  date.setHours(0, minutes, 0, 0);
  while (date.getTime() <= since) {
    date.setDate(date.getDate() + 1);
    date.setHours(0, minutes, 0, 0);
  }
  return date.getTime();
}

function nextMultiple(interval: Ms, since: EpochMs): EpochMs {
  const wall = since - new Date(since).getTimezoneOffset() * 60_000;
  const next = new Date(ORIGIN + (Math.floor((wall - ORIGIN) / interval) + 1) * interval);
  const [hours, minutes, seconds, ms] = [
    next.getUTCHours(),
    next.getUTCMinutes(),
    next.getUTCSeconds(),
    next.getUTCMilliseconds(),
  ];
  const day = [next.getUTCFullYear(), next.getUTCMonth(), next.getUTCDate()] as const;
  const local = new Date(...day, hours, minutes, seconds, ms).getTime();
  // In the second pass of an hour that the clocks repeat, the wall clock's time names an instant of the first.
  return local > since ? local : since + interval;
}

/** `fate.log` becomes `fate.20261122T201300.log`, or `fate.20261122T201300-1.log` where that is taken. */
export function rotatedName(file: string, at: EpochMs, nth: number): string {
  const { dir, name, ext } = parse(file);
  return `${dir === '' || dir.endsWith('/') ? dir : `${dir}/`}${name}.${stamp(at)}${nth === 0 ? '' : `-${nth}`}${ext}`;
}

/** Matches the base names that `rotatedName` gives, those that were compressed, and nothing else. */
export function rotatedPattern(file: string): RegExp {
  const { name, ext } = parse(file);
  const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal(name)}\\.\\d{8}T\\d{6}(-\\d+)?${literal(ext)}(\\.gz)?$`);
}
