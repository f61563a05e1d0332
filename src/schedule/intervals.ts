/**
 * The two schedules that are no wall-clock times (SPEC 5): `@every 90s`, each multiple of a length since the epoch, and
 * `@reboot`, once per boot. Promised to compile.ts: no zone changes what they mean.
 */
import type { EpochMs, Ms, Schedule } from '../types.ts';
import { parseDuration } from './duration.ts';
import { ScheduleError } from './items.ts';
import { CENTURY } from './occurrences.ts';

type Source = Pick<Schedule, 'expression' | 'timezone'>;

/**
 * In any case. Null when the expression is neither of the two.
 * @throws ScheduleError for an `@every` without a length from 1 s to a hundred years
 */
export function readInterval(source: Source): Schedule | null {
  const text = source.expression.trim().toLowerCase();
  if (text === '@reboot') return rebootSchedule(source);
  if (!text.startsWith('@every')) return null;
  const length = parseDuration(/^@every\s+(\S+)$/.exec(text)?.[1] ?? '');
  if (length === null || length < 1000 || length > CENTURY) {
    const expected = '@every and a length of time from 1s on, such as "@every 1h30m"';
    throw new ScheduleError(`expected ${expected}, found ${JSON.stringify(source.expression.trim())}`);
  }
  return everySchedule(source, length);
}

function everySchedule({ expression, timezone }: Source, length: Ms): Schedule {
  // One text for one meaning: `1m30s` and `90s` are the same schedule.
  const normalized = `@every ${length / 1000}s`;
  return {
    kind: 'every',
    expression,
    normalized,
    timezone,
    fingerprint: normalized,
    next: (after) => (Math.floor(after / length) + 1) * length,
    latest: (after, until, limit) => {
      const last = Math.floor(until / length);
      const count = Math.min(Math.floor(limit), last - Math.floor(after / length));
      return count > 0 ? Array.from({ length: count }, (_, i): EpochMs => (last - count + 1 + i) * length) : [];
    },
  };
}

function rebootSchedule({ expression, timezone }: Source): Schedule {
  return {
    kind: 'reboot',
    expression,
    normalized: '@reboot',
    timezone,
    fingerprint: '@reboot',
    next: () => null,
    latest: () => [],
  };
}
