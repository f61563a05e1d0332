/** Run ids: they sort by time, are short enough to type, and no two are the same. */
import { randomBytes } from 'node:crypto';
import type { EpochMs } from '../types.ts';

/** Crockford's base 32, lower case: no i, l, o, u to be misread. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/** 14 characters: 9 of the time (to the year 3084), 5 at random. */
export function newRunId(now: EpochMs): string {
  let id = '';
  for (let rest = now, i = 0; i < 9; i += 1, rest = Math.floor(rest / 32)) id = DIGITS.charAt(rest % 32) + id;
  for (const byte of randomBytes(5)) id += DIGITS.charAt(byte % 32);
  return id;
}
