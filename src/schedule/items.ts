/**
 * One item of a field's list: `*`, `n`, `a-b`, each with or without a step, `H` and `U`, and the special forms of days
 * and weekdays (SPEC 5, "Cron"). Promised to fields.ts: throws ScheduleError with what was expected and what was found.
 */
import { type Hash, plainValue, stepStart } from './hash.ts';

/** A schedule that cannot be understood; `message` is one sentence without a final full stop. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

export interface FieldSpec {
  readonly name: 'second' | 'minute' | 'hour' | 'day' | 'month' | 'weekday';
  /** For the hash (SPEC 5). */
  readonly index: number;
  readonly min: number;
  readonly max: number;
  /** In lower case, by value. */
  readonly names: readonly string[];
  /** What the field's steps begin anew with, and how many values that has. */
  readonly cycle: string;
  readonly size: number;
}

/** The `nth` weekday of a month; -1 is its last. */
export interface NthWeekday {
  readonly weekday: number;
  readonly nth: number;
}

export type Item =
  | {
      readonly kind: 'values';
      readonly from: number;
      readonly to: number;
      readonly step: number;
      /** How far the range that the step was written for reaches beyond its first value. */
      readonly length: number;
      /** That range is the whole field. */
      readonly whole: boolean;
    }
  | { readonly kind: 'last' }
  | { readonly kind: 'nth'; readonly nth: NthWeekday };

/** How `H` and `U` are replaced while an expression is read; asked only where the letter stands. */
export interface Hashes {
  readonly H: () => Hash;
  readonly U: () => Hash;
}

/** Reads one item, in any case. */
export function parseItem(item: string, spec: FieldSpec, hashes: Hashes): Item {
  const text = item.toLowerCase();
  if (/^[hu]/.test(text)) return hashedItem(text, spec, hashes, item);
  if (spec.name === 'day' && text === 'l') return { kind: 'last' };
  if (spec.name === 'weekday') {
    if (text === 'l') fail(spec, 'a weekday with L, such as 5L for the last Friday', item);
    if (text.includes('#')) return { kind: 'nth', nth: countedWeekday(text, spec, item) };
    const last = /^([^/-]+)l$|^l([^/-]+)$/.exec(text);
    if (last) return { kind: 'nth', nth: { weekday: number(spec, last[1] ?? last[2] ?? '', item) % 7, nth: -1 } };
  }
  return plainItem(text, spec, item);
}

export function fail(spec: FieldSpec, expected: string, found: string): never {
  throw new ScheduleError(`${spec.name}: expected ${expected}, found ${JSON.stringify(found)}`);
}

function number(spec: FieldSpec, text: string, item: string): number {
  const named = text === '' ? -1 : spec.names.indexOf(text);
  if (named >= 0) return named;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= spec.min && value <= spec.max) return value;
  const name = spec.names.at(-1);
  return fail(spec, `${spec.min} to ${spec.max}${name === undefined ? '' : ` or a name such as ${name}`}`, item);
}

function range(spec: FieldSpec, first: string, second: string, item: string): { from: number; to: number } {
  const from = number(spec, first, item);
  // The name of Sunday is both 0 and 7 (SPEC 5), so that `fri-sun` is a range that runs forward.
  const to = second === 'sun' && from > 0 ? 7 : number(spec, second, item);
  return from <= to ? { from, to } : fail(spec, 'a range that runs forward', item);
}

function stepOf(spec: FieldSpec, text: string, item: string): number {
  const step = /^\d+$/.test(text) ? Number(text) : 0;
  return step >= 1 ? step : fail(spec, 'a step that is a whole number of 1 or more', item);
}

function countedWeekday(text: string, spec: FieldSpec, item: string): NthWeekday {
  const [weekday = '', count = '', ...more] = text.split('#');
  if (!/^[1-5]$/.test(count) || more.length > 0) fail(spec, 'a weekday, # and a number of 1 to 5', item);
  return { weekday: number(spec, weekday, item) % 7, nth: Number(count) };
}

function hashedItem(text: string, spec: FieldSpec, hashes: Hashes, item: string): Item {
  const parts = /^([hu])(?:\(([^()-]*)-([^()-]*)\))?(?:\/(.*))?$/.exec(text);
  if (parts === null) return fail(spec, 'H, H(a-b), H/n or H(a-b)/n (or the same with U)', item);
  const [, letter, first, second, every] = parts;
  const hash = letter === 'h' ? hashes.H() : hashes.U();
  const within = first === undefined || second === undefined ? null : range(spec, first, second, item);
  const { from, to } = within ?? { from: spec.min, to: spec.max };
  const shape = { kind: 'values', length: to - from, whole: within === null } as const;
  if (every === undefined) {
    const value = within ? hash.value(spec.index, from, to) : plainValue(hash, spec.index, from, to);
    return { ...shape, from: value, to: value, step: 1 };
  }
  const step = stepOf(spec, every, item);
  return { ...shape, from: stepStart(hash, spec.index, spec, within, step), to, step };
}

function plainItem(text: string, spec: FieldSpec, item: string): Item {
  const [values = '', every, ...more] = text.split('/');
  if (more.length > 0) fail(spec, 'one step at most', item);
  const [first = '', second, ...rest] = values.split('-');
  const step = every === undefined ? 1 : stepOf(spec, every, item);
  if (second !== undefined) {
    const { from, to } = range(spec, first, [second, ...rest].join('-'), item);
    return { kind: 'values', from, to, step, length: to - from, whole: false };
  }
  const from = first === '*' ? spec.min : number(spec, first, item);
  const to = first === '*' || every !== undefined ? spec.max : from;
  return { kind: 'values', from, to, step, length: to - from, whole: from < spec.min + step };
}
