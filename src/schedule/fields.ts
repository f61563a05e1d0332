/**
 * One field of a cron expression, from its text to a sorted set (SPEC 5, "Cron"). Promised to cron.ts: throws
 * ScheduleError, and nothing else, with what was expected and what was found.
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
  readonly names: readonly string[];
  /** What the field's steps begin anew with, and how many values that has. */
  readonly cycle: string;
  readonly size: number;
}

const MONTHS = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

export const MINUTE: FieldSpec = { name: 'minute', index: 0, min: 0, max: 59, names: [], cycle: 'hour', size: 60 };
export const HOUR: FieldSpec = { name: 'hour', index: 1, min: 0, max: 23, names: [], cycle: 'day', size: 24 };
export const DAY: FieldSpec = { name: 'day', index: 2, min: 1, max: 31, names: [], cycle: 'month', size: 31 };
export const MONTH: FieldSpec = { name: 'month', index: 3, min: 1, max: 12, names: MONTHS, cycle: 'year', size: 12 };
export const WEEKDAY: FieldSpec = {
  name: 'weekday',
  index: 4,
  min: 0,
  max: 7,
  names: WEEKDAYS,
  cycle: 'week',
  size: 7,
};
export const SECOND: FieldSpec = { name: 'second', index: 5, min: 0, max: 59, names: [], cycle: 'minute', size: 60 };

/** The `nth` weekday of a month; -1 is its last. */
export interface NthWeekday {
  readonly weekday: number;
  readonly nth: number;
}

export interface Field {
  /** Ascending, without duplicates; Sunday is 0. */
  readonly values: readonly number[];
  /** The text starts with `*`: decides the day rule and the DST rule (SPEC 5). */
  readonly star: boolean;
  /** The step of that `*`. */
  readonly starStep: number;
  /** `L` in the day field. */
  readonly last: boolean;
  /** `n#k` and `nL` in the weekday field. */
  readonly nth: readonly NthWeekday[];
  /** Every value that the field can have is in `values`. */
  readonly full: boolean;
}

/** How `H` and `U` are replaced while an expression is read; asked only where the letter stands. */
export interface Hashes {
  readonly H: () => Hash;
  readonly U: () => Hash;
}

function fail(spec: FieldSpec, expected: string, found: string): never {
  throw new ScheduleError(`${spec.name}: expected ${expected}, found ${JSON.stringify(found)}`);
}

function rangeOf(spec: FieldSpec): string {
  const name = spec.names.at(-1);
  return `${spec.min} to ${spec.max}${name === undefined ? '' : ` or a name such as ${name}`}`;
}

function number(spec: FieldSpec, text: string, item: string): number {
  const named = text === '' ? -1 : spec.names.indexOf(text);
  if (named >= 0) return named;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= spec.min && value <= spec.max)) fail(spec, rangeOf(spec), item);
  return value;
}

function range(spec: FieldSpec, first: string, second: string, item: string): { from: number; to: number } {
  const from = number(spec, first, item);
  // The name of Sunday is both 0 and 7 (SPEC 5), so that `fri-sun` is a range that runs forward.
  const to = second === 'sun' && from > 0 ? 7 : number(spec, second, item);
  if (from > to) fail(spec, 'a range that runs forward', item);
  return { from, to };
}

function stepOf(spec: FieldSpec, text: string, item: string): number {
  const step = /^\d+$/.test(text) ? Number(text) : 0;
  if (!(step >= 1)) fail(spec, 'a step that is a whole number of 1 or more', item);
  return step;
}

/** Reads one field, in any case; warnings, each a sentence, are added to `warnings`. */
export function parseField(text: string, spec: FieldSpec, hashes: Hashes, warnings: string[]): Field {
  const values = new Set<number>();
  const nth = new Map<string, NthWeekday>();
  let last = false;

  const add = (from: number, to: number, step = 1): void => {
    for (let value = from; value <= to; value += step) values.add(spec === WEEKDAY ? value % 7 : value);
  };

  /** `length`: how far the range reaches beyond its first value; `whole`: it is the whole field. */
  const warnOfStep = (step: number, length: number, whole: boolean, item: string): void => {
    const shown = `${spec.name}: the step of ${JSON.stringify(item)}`;
    if (step > 1 && step > length) warnings.push(`${shown} is beyond its range, so that one value alone is selected`);
    else if (whole && step > 1 && spec.size % step !== 0) {
      warnings.push(`${shown} begins anew each ${spec.cycle}, so that the last gap of a ${spec.cycle} is another one`);
    }
  };

  const hashed = (low: string, item: string): void => {
    const parts = /^([hu])(?:\(([^()-]*)-([^()-]*)\))?(?:\/(.*))?$/.exec(low);
    if (parts === null) return fail(spec, 'H, H(a-b), H/n or H(a-b)/n (or the same with U)', item);
    const [, letter, first, second, every] = parts;
    const hash = letter === 'h' ? hashes.H() : hashes.U();
    const within = first === undefined || second === undefined ? null : range(spec, first, second, item);
    if (every === undefined) {
      const value = within
        ? hash.value(spec.index, within.from, within.to)
        : plainValue(hash, spec.index, spec.min, spec.max);
      return add(value, value);
    }
    const step = stepOf(spec, every, item);
    const { from, to } = within ?? { from: spec.min, to: spec.max };
    warnOfStep(step, to - from, within === null, item);
    add(stepStart(hash, spec.index, spec, within, step), to, step);
  };

  /** `n#k`, `nL` and `Ln`; false when it is none of them. */
  const weekdayOfMonth = (low: string, item: string): boolean => {
    const counted = /^([^#/-]*)#(.*)$/.exec(low);
    const lasts = /^(?:([^/-]+)l|l([^/-]+))$/.exec(low);
    if (counted === null && lasts === null) return false;
    const weekday = number(spec, counted?.[1] ?? lasts?.[1] ?? lasts?.[2] ?? '', item) % 7;
    if (counted !== null && !/^[1-5]$/.test(counted[2] ?? '')) fail(spec, 'a number of 1 to 5 after #', item);
    const which = counted === null ? -1 : Number(counted[2]);
    nth.set(`${weekday}#${which}`, { weekday, nth: which });
    return true;
  };

  const plain = (low: string, item: string): void => {
    const parts = /^([^/-]*)(?:-([^/]*))?(?:\/(.*))?$/.exec(low);
    if (parts === null) return fail(spec, rangeOf(spec), item);
    const [, first = '', second, every] = parts;
    const step = every === undefined ? 1 : stepOf(spec, every, item);
    if (second !== undefined) {
      const { from, to } = range(spec, first, second, item);
      warnOfStep(step, to - from, false, item);
      return add(from, to, step);
    }
    const from = first === '*' ? spec.min : number(spec, first, item);
    const to = first !== '*' && every === undefined ? from : spec.max;
    warnOfStep(step, to - from, from < spec.min + step, item);
    add(from, to, step);
  };

  for (const item of text.split(',')) {
    const low = item.toLowerCase();
    if (item === '') fail(spec, 'a list without empty items and blanks', text);
    else if (/^[hu]/.test(low)) hashed(low, item);
    else if (spec === DAY && low === 'l') last = true;
    else if (spec === WEEKDAY && low === 'l') fail(spec, 'a weekday with L, such as 5L for the last Friday', item);
    else if (spec !== WEEKDAY || !weekdayOfMonth(low, item)) plain(low, item);
  }
  return {
    values: [...values].sort((a, b) => a - b),
    star: text.startsWith('*'),
    starStep: Number(/^\*\/(\d+)/.exec(text)?.[1] ?? 1),
    last,
    nth: [...nth.values()].sort((a, b) => a.nth - b.nth || a.weekday - b.weekday),
    full: values.size === spec.size,
  };
}

/**
 * The one text of a field that means the same: a leading `*` is kept, since two rules hang on it; names and hashes are
 * numbers; the rest is sorted, three or more in a row being a range. Reading it again gives the same field.
 */
export function formatField(field: Field, spec: FieldSpec): string {
  if (field.star && field.full) return '*';
  const items: string[] = [];
  let rest = field.values;
  if (field.star) {
    // A step beyond the range selects the first value, whatever its size.
    const step = Math.min(field.starStep, spec.max - spec.min + 1);
    items.push(`*/${step}`);
    const covered = new Set<number>();
    for (let value = spec.min; value <= spec.max; value += step) covered.add(spec === WEEKDAY ? value % 7 : value);
    rest = rest.filter((value) => !covered.has(value));
  }
  for (let at = 0; at < rest.length; ) {
    let end = at;
    while (end + 1 < rest.length && rest[end + 1] === (rest[end] ?? 0) + 1) end += 1;
    if (end - at < 2) end = at;
    items.push(end === at ? `${rest[at]}` : `${rest[at]}-${rest[end]}`);
    at = end + 1;
  }
  if (field.last) items.push('L');
  for (const { weekday, nth } of field.nth) items.push(nth < 0 ? `${weekday}L` : `${weekday}#${nth}`);
  return items.join(',');
}
