/** Instants as people write and read them on the command line. */
import { DateTime } from 'luxon';
import type { EpochMs, Ms } from '../types.ts';

/**
 * ISO 8601, with a `T` or a space, and what `formatInstant` writes. Null when it is no time.
 * @param zone whose wall clock a time without an offset means; null: the system's
 */
export function parseInstant(written: string, zone: string | null = null): EpochMs | null {
  const text = isoOf(written);
  // Luxon takes any offset; none is further from UTC than 14 hours.
  if (/[+-](1[5-9]|[2-9]\d)(:?\d\d)?$/.test(text) && /T/.test(text)) return null;
  const time = DateTime.fromISO(text, zone === null ? {} : { zone });
  return time.isValid ? time.toMillis() : null;
}

/** In ISO 8601: without the day of the week, the space before the offset and the name of the zone behind it. */
export function isoOf(written: string): string {
  return written
    .trim()
    .replace(/^(mon|tue|wed|thu|fri|sat|sun)\s+(?=\d)/i, '')
    .replace(/\s+([+-]\d\d:\d\d)(\s+\S+)?$/, '$1')
    .replace(' ', 'T');
}

/** `Sun 2026-03-29 02:30:00 +02:00`, and the zone where it is not the system's. */
export function formatInstant(at: EpochMs, offset: Ms, zone: string | null): string {
  const wall = DateTime.fromMillis(at, { zone: `UTC${sign(offset)}`, locale: 'en' });
  return `${wall.toFormat('EEE yyyy-MM-dd HH:mm:ss ZZ')}${zone === null ? '' : ` ${zone}`}`;
}

function sign(offset: Ms): string {
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
