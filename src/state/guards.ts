/**
 * What a stored record may hold, checked value by value. Promises the ledger that nothing read back has a wrong type, whatever
 * a damaged disk, or another version of Fate, has left there.
 */
import type { EpochMs } from '../types.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** The farthest a Date reaches (ECMA-262, "Time Values and Time Range"): beyond it no instant can be shown. */
const FARTHEST: EpochMs = 8.64e15;

/** Null for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function asFields(value: unknown): Fields | null {
  // An object of JSON has no other keys than strings.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

export function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** A text with something in it. */
export function asName(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A whole number of milliseconds that a Date can show; a fraction is rounded. */
export function asInstant(value: unknown): EpochMs | null {
  if (typeof value !== 'number' || !(Math.abs(value) <= FARTHEST)) return null;
  // -0 becomes 0.
  return Math.round(value) + 0;
}

/** A whole number from `least`; a fraction is rounded. */
export function asWhole(value: unknown, least: number): number | null {
  if (typeof value !== 'number') return null;
  const whole = Math.round(value) + 0;
  return Number.isSafeInteger(whole) && whole >= least ? whole : null;
}

export function asOneOf<T extends string>(words: readonly T[], value: unknown): T | null {
  return words.find((word) => word === value) ?? null;
}

/** What of a list can be read; empty for what is no list. */
export function asList<T>(value: unknown, read: (item: unknown) => T | null): T[] {
  if (!Array.isArray(value)) return [];
  return value.map((item) => read(item)).filter((item) => item !== null);
}
