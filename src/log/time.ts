/** Times as the log writes them, on the wall clock of the process. */
import type { EpochMs } from '../types.ts';

const two = (n: number): string => String(n).padStart(2, '0');

/** Of one minute, in which no offset changes: what stands before the seconds, and behind them. */
interface Minute {
  readonly minute: number;
  readonly before: string;
  readonly offset: string;
}
let last: Minute | null = null;

function minuteOf(at: EpochMs): Minute {
  const minute = Math.floor(at / 60_000);
  if (last?.minute === minute) return last;
  const date = new Date(at);
  const east = -date.getTimezoneOffset();
  const abs = Math.abs(east);
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  last = {
    minute,
    before: `${day}T${two(date.getHours())}:${two(date.getMinutes())}:`,
    offset: `${east < 0 ? '-' : '+'}${two(Math.floor(abs / 60))}:${two(abs % 60)}`,
  };
  return last;
}

/** RFC 3339 with milliseconds and the local offset: `2026-11-22T20:13:00.123+01:00`. */
export function localTime(at: EpochMs): string {
  const { minute, before, offset } = minuteOf(at);
  const ms = Math.floor(at) - minute * 60_000;
  return `${before}${two(Math.floor(ms / 1000))}.${String(ms % 1000).padStart(3, '0')}${offset}`;
}

/** `20:13:00` */
export function shortTime(at: EpochMs): string {
  return localTime(at).slice(11, 19);
}

/** `20261122T201300`, as in the default names of results. */
export function stamp(at: EpochMs): string {
  return localTime(at).slice(0, 19).replaceAll(/[-:]/g, '');
}
