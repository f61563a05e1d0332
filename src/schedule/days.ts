/**
 * Which dates satisfy the day, month and weekday fields. cron-parser enumerates them, on naive midnights in UTC: its
 * own time zones lose runs, and going through the times of a day with it would cost a hundred times more than walls.ts.
 */
import { type CronExpression, CronExpressionParser } from 'cron-parser';
import type { Cron } from './cron.ts';
import { DAY, formatField, WEEKDAY } from './fields.ts';

const DAY_MS = 86_400_000;
/** No date is looked for beyond this many days: the rarest, 29 February on a given weekday, comes every 40 years. */
const HORIZON = 101 * 366;

/** The first date, as days since 1970-01-01, that satisfies the fields and is `from` or later; null for none. */
export type NextDay = (from: number) => number | null;

/** Thousands of tasks share a few sets of dates, such as `H`'s weekdays; so each set is enumerated once. */
const kept = new Map<string, NextDay>();
const KEPT = 1000;

/** Cheap: cron-parser gets to work when a date is first asked for. */
export function createDays(cron: Cron): NextDay {
  if (cron.month.full && everyDay(cron)) return (from) => from;
  const key = cron.normalized.split(' ').slice(3).join(' ');
  return (from) => {
    let days = kept.get(key);
    if (days === undefined) {
      if (kept.size >= KEPT) kept.clear();
      days = united(cron);
      kept.set(key, days);
    }
    return days(from);
  };
}

function united(cron: Cron): NextDay {
  const parts = dateFields(cron).map((fields) => remembered(enumerate(fields)));
  return remembered((from) => {
    let first: number | null = null;
    for (const part of parts) {
      const day = cron.bothDays ? filtered(part, cron, from) : part(from);
      if (day !== null && (first === null || day < first)) first = day;
    }
    return first;
  });
}

/** Keeps the last answer: no date lies in asked..found but `found` itself. */
function remembered(days: NextDay): NextDay {
  let asked = 0;
  let found: number | null = -1;
  return (from) => {
    if (!(from >= asked && found !== null && from <= found)) {
      asked = from;
      found = days(from);
    }
    return found;
  };
}

function everyDay({ day, weekday, bothDays }: Cron): boolean {
  return bothDays ? day.full && weekday.full : day.full || weekday.full;
}

/** The three date fields in cron-parser's words, as expressions whose dates are united. */
function dateFields(cron: Cron): string[] {
  const { day, month, weekday, bothDays } = cron;
  const months = month.full ? '*' : month.values.join(',');
  if (everyDay(cron)) return [`* ${months} *`];
  const days = day.full ? '*' : formatField({ ...day, star: false }, DAY);
  // It reads `L` and `#` wrongly in a list of weekdays, and takes day and weekday to be either-or; so one by one.
  const weekdays = [
    ...(weekday.values.length > 0 ? [weekday.full ? '*' : weekday.values.join(',')] : []),
    ...weekday.nth.map((one) => formatField({ ...weekday, star: false, values: [], nth: [one] }, WEEKDAY)),
  ];
  if (bothDays) return day.full ? weekdays.map((text) => `* ${months} ${text}`) : [`${days} ${months} *`];
  return [`${days} ${months} *`, ...weekdays.map((text) => `* ${months} ${text}`)];
}

/** The dates of one expression; a date that never comes, beside a weekday that does, gives none. */
function enumerate(fields: string): NextDay {
  let expression: CronExpression | null;
  try {
    expression = CronExpressionParser.parse(`0 0 0 ${fields}`, { tz: 'UTC', currentDate: new Date(0) });
  } catch {
    expression = null;
  }
  return (from) => {
    if (expression === null) return null;
    try {
      expression.reset(new Date(from * DAY_MS - 1000));
      return expression.next().getTime() / DAY_MS;
    } catch {
      // Beyond the years that it knows.
      return null;
    }
  };
}

/** The dates of `part` that satisfy the weekday field too. */
function filtered(part: NextDay, { weekday }: Cron, from: number): number | null {
  for (let day = part(from); day !== null && day <= from + HORIZON; day = part(day + 1)) {
    if (weekday.full || fallsOn(weekday, day)) return day;
  }
  return null;
}

function fallsOn(weekday: Cron['weekday'], day: number): boolean {
  const date = new Date(day * DAY_MS);
  const of = date.getUTCDay();
  if (weekday.values.includes(of)) return true;
  const week = Math.ceil(date.getUTCDate() / 7);
  const last = new Date((day + 7) * DAY_MS).getUTCMonth() !== date.getUTCMonth();
  return weekday.nth.some((one) => one.weekday === of && (one.nth === week || (one.nth < 0 && last)));
}
