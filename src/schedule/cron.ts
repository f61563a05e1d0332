/**
 * A cron expression as six sorted sets (SPEC 5, "Cron"). Promised to compile.ts: whatever comes back will come due at
 * some time, and everything else is a ScheduleError.
 */
import { DAY, type Field, formatField, HOUR, MINUTE, MONTH, parseField, SECOND, WEEKDAY } from './fields.ts';
import { type FieldSpec, type Hashes, ScheduleError } from './items.ts';

export interface Cron {
  readonly second: Field;
  readonly minute: Field;
  readonly hour: Field;
  readonly day: Field;
  readonly month: Field;
  readonly weekday: Field;
  /** The minute or the hour field starts with `*`: follows real time (SPEC 5, "Daylight saving"). */
  readonly wildcard: boolean;
  /** The day or the weekday field starts with `*`: a date must satisfy both. Else either suffices. */
  readonly bothDays: boolean;
  /** Six fields, seconds first; the same text for the same meaning. */
  readonly normalized: string;
  readonly warnings: readonly string[];
}

/** Each with a hashed second, so that the tasks of a machine spread out. */
const ALIASES: Readonly<Record<string, string>> = {
  '@hourly': 'H H * * * *',
  '@midnight': 'H H H(0-2) * * *',
  '@daily': 'H H H * * *',
  '@weekly': 'H H H * * H',
  '@monthly': 'H H H H * *',
  '@yearly': 'H H H H H *',
  '@annually': 'H H H H H *',
};

/** What may stand in place of fields, as messages name it. */
export const WORDS: readonly string[] = [...Object.keys(ALIASES), '@reboot', '@every'];

const ORDER: readonly FieldSpec[] = [SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY];

/** The days that a month can have at most. */
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Reads an expression of five fields, six fields (seconds first) or an alias. Throws ScheduleError. */
export function parseCron(expression: string, hashes: Hashes): Cron {
  const text = expression.trim();
  if (text.startsWith('@')) {
    const alias = ALIASES[text.toLowerCase()];
    if (alias === undefined) {
      throw new ScheduleError(`expected one of ${WORDS.join(', ')}, found ${JSON.stringify(text)}`);
    }
    return readFields(alias.split(' '), hashes);
  }
  const texts = text === '' ? [] : text.split(/\s+/);
  if (texts.length === 5) return readFields(['0', ...texts], hashes);
  if (texts.length !== 6) {
    const found = texts.length === 0 ? 'none' : `${texts.length} in ${JSON.stringify(text)}`;
    throw new ScheduleError(`expected 5 fields (minute hour day month weekday) or 6 (seconds first), found ${found}`);
  }
  const cron = readFields(texts, hashes);
  const python = secondsLast(texts, hashes);
  if (python === null || python === cron.normalized) return cron;
  const warning =
    'six fields have the seconds first; the Python Fate had them last, ' +
    `and meant by this what is now ${JSON.stringify([...texts.slice(5), ...texts.slice(0, 5)].join(' '))}`;
  return { ...cron, warnings: [...cron.warnings, warning] };
}

/** What the Python Fate would have made of six fields; null when it could not have been written for it. */
function secondsLast(texts: readonly string[], hashes: Hashes): string | null {
  try {
    return readFields([...texts.slice(5), ...texts.slice(0, 5)], hashes).normalized;
  } catch {
    return null;
  }
}

function readFields(texts: readonly string[], hashes: Hashes): Cron {
  const warnings: string[] = [];
  const read = (spec: FieldSpec): Field => parseField(texts[ORDER.indexOf(spec)] ?? '', spec, hashes, warnings);
  const fields = {
    second: read(SECOND),
    minute: read(MINUTE),
    hour: read(HOUR),
    day: read(DAY),
    month: read(MONTH),
    weekday: read(WEEKDAY),
  };
  const cron: Cron = {
    ...fields,
    wildcard: fields.minute.star || fields.hour.star,
    bothDays: fields.day.star || fields.weekday.star,
    normalized: ORDER.map((spec) => formatField(fields[spec.name], spec)).join(' '),
    warnings,
  };
  if (!comes(cron)) {
    const found = JSON.stringify(texts.slice(3).join(' '));
    throw new ScheduleError(`day, month, weekday: expected a date that comes, found ${found}, which never does`);
  }
  return cron;
}

/** Whether any date satisfies the three fields. */
function comes(cron: Cron): boolean {
  const { day, month, weekday, bothDays } = cron;
  // Every weekday falls on every date of the calendar at some time, so only the number of the day counts …
  const dayComes = day.last || month.values.some((of) => (day.values[0] ?? 99) <= (DAYS[of - 1] ?? 0));
  if (!bothDays) return dayComes || weekday.values.length > 0 || weekday.nth.length > 0;
  if (weekday.values.length > 0) return dayComes;
  // … but with `#` and `L` alone the week of the month counts too.
  return weekday.nth.some(({ nth }) => month.values.some((of) => weekHasDay(day, nth, of)));
}

/** Whether a day of the field can be the nth (-1: the last) of its weekday in that month. */
function weekHasDay(day: Field, nth: number, month: number): boolean {
  const longest = DAYS[month - 1] ?? 0;
  const lengths = month === 2 ? [28, 29] : [longest];
  return lengths.some((length) =>
    [...day.values, ...(day.last ? [length] : [])].some(
      (of) => of <= length && (nth < 0 ? of > length - 7 : Math.ceil(of / 7) === nth),
    ),
  );
}
