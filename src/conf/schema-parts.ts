/**
 * The kinds of values that schemas are made of; each takes, as its message, what is expected. For the schemas, and the words
 * also for who tells of a value. Pure.
 */
import * as z from 'zod/mini';
import { parseLength, parseSize } from './sizes.ts';

/** What stands after "expected" in messages; here where hints or other modules need the same words. */
export const EXPECTED = {
  expression: 'a cron expression such as "5 4 * * *" or "@daily"',
  schedule: 'a cron expression such as "5 4 * * *" or "@daily", or a mapping with expression',
  timezone: 'the name of a time zone such as Europe/Berlin',
  length: 'whole seconds or a length of time such as 1h30m',
  positive: 'whole seconds from 1 or a length of time such as 1h30m',
  timeout: 'whole seconds or a length of time such as 1h30m, or 0 for none',
  age: 'whole seconds from 1 or a length of time such as 90d, or false for any age',
  size: 'a size such as 512M or whole bytes from 1',
  exec: 'a program or a list of a program and its arguments',
  item: 'a string',
  shell: 'a script, or a mapping with script and executable',
  condition: 'true, false or a JavaScript expression',
} as const;

/** Whether a parsed value is a mapping: not a list, a time, binary data or null. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

export const text = (expected: string) => z.string(expected).check(z.refine((s) => s.trim() !== '', expected));
/** A key that may be left out. */
export const own = <S extends z.core.$ZodType>(schema: S) => z.optional(schema);
/** A key that has a default: `null` switches that of the defaults file off. */
export const off = <S extends z.core.$ZodType>(schema: S) => z.optional(z.nullable(schema));
/** A mapping and nothing else: for Zod a Date is an object too. */
export const mapping = <S extends z.core.$ZodShape>(shape: S, expected: string) =>
  z.strictObject(shape, expected).check(z.refine(isMapping, expected));
export const word = <const W extends readonly string[]>(words: W, expected: string) => z.enum(words, expected);
export const whole = (least: number, expected: string) => z.int(expected).check(z.minimum(least, expected));

export function length(least: number, expected: string) {
  const fits = (value: string | number) => (parseLength(value) ?? -1) >= least;
  return z.union(
    [z.int(expected).check(z.refine(fits, expected)), z.string(expected).check(z.refine(fits, expected))],
    expected,
  );
}

export function size(expected: string) {
  const fits = (value: string | number) => (parseSize(value) ?? 0) > 0;
  return z.union(
    [z.int(expected).check(z.refine(fits, expected)), z.string(expected).check(z.refine(fits, expected))],
    expected,
  );
}
