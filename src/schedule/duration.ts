/** Lengths of time as people write and read them. */
import type { Ms } from '../types.ts';

const SECOND: Ms = 1000;
const MINUTE: Ms = 60 * SECOND;
const HOUR: Ms = 60 * MINUTE;
const DAY: Ms = 24 * HOUR;
const WEEK: Ms = 7 * DAY;
const UNITS = [
  ['w', WEEK],
  ['d', DAY],
  ['h', HOUR],
  ['m', MINUTE],
  ['s', SECOND],
] as const;

/** `1w2d3h4m5s` (units in this order, each at most once, at least one) or whole seconds, in ms; else null. */
export function parseDuration(text: string | number): Ms | null {
  if (typeof text === 'number') return Number.isInteger(text) && text >= 0 ? safe(text * SECOND) : null;
  const parts = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text);
  if (parts === null || text === '') return null;
  return safe(UNITS.reduce((sum, [, unit], index) => sum + unit * Number(parts[index + 1] ?? 0), 0));
}

function safe(ms: number): Ms | null {
  return Number.isSafeInteger(ms) ? ms : null;
}

/**
 * For people: `2ms`, `1.5s`, `1m30s`, `2h5m`, `90d`; from a minute on the two largest units, rounded. Weeks only where it is
 * so many and no more: nobody sees 90 days in `12w6d`.
 */
export function formatDuration(ms: Ms): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (Math.round(ms) < SECOND) return `${Math.round(ms)}ms`;
  const tenths = Math.round(ms / (ms < 10 * SECOND ? 10 : 100)) / (ms < 10 * SECOND ? 100 : 10);
  if (tenths < 60) return `${tenths}s`;
  const weeks = Math.round(ms / HOUR) * HOUR;
  if (weeks >= WEEK && weeks % WEEK === 0) return `${weeks / WEEK}w`;
  let at = UNITS.findIndex(([name, unit]) => name !== 'w' && ms >= unit - SECOND / 2);
  const roundTo = (index: number): Ms => {
    const unit = UNITS[Math.min(index + 1, UNITS.length - 1)]?.[1] ?? SECOND;
    return Math.round(ms / unit) * unit;
  };
  // Rounding may reach the next larger unit: 59m59.9s is an hour.
  let rounded = roundTo(at);
  if (at > 1 && rounded >= (UNITS[at - 1]?.[1] ?? DAY)) {
    at -= 1;
    rounded = roundTo(at);
  }
  let text = '';
  for (const [name, unit] of UNITS.slice(at)) {
    const count = Math.floor(rounded / unit);
    rounded -= count * unit;
    if (count > 0) text += `${count}${name}`;
  }
  return text;
}
