/**
 * One field of a cron expression, from its text to a sorted set and back to the one text of that set (SPEC 5, "Cron").
 * Promised to cron.ts: throws ScheduleError and nothing else.
 */
import { type FieldSpec, fail, type Hashes, type NthWeekday, parseItem } from './items.ts';

const MONTHS = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

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

/** Reads one field, in any case; warnings, each a sentence, are added to `warnings`. */
export function parseField(text: string, spec: FieldSpec, hashes: Hashes, warnings: string[]): Field {
  const values = new Set<number>();
  const nth = new Map<string, NthWeekday>();
  let last = false;
  for (const written of text.split(',')) {
    if (written === '') fail(spec, 'a list without empty items and blanks', text);
    const item = parseItem(written, spec, hashes);
    if (item.kind === 'last') last = true;
    else if (item.kind === 'nth') nth.set(`${item.nth.weekday}#${item.nth.nth}`, item.nth);
    else {
      const { from, to, step, length, whole } = item;
      for (let value = from; value <= to; value += step) values.add(spec === WEEKDAY ? value % 7 : value);
      const shown = `${spec.name}: ${JSON.stringify(written)}`;
      if (step > 1 && step > length)
        warnings.push(`${shown} has a step beyond its range, so it selects one value alone`);
      else if (whole && step > 1 && spec.size % step !== 0) {
        warnings.push(`${shown} is not every ${step} ${spec.name}s, since it begins anew each ${spec.cycle}`);
      }
    }
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
  // In these two fields a leading `*` means no more than the whole range.
  if (field.full && (field.star || spec === SECOND || spec === MONTH)) return '*';
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
