/**
 * From what stands in a configuration to a Schedule. Promised to conf: never throws, costs some tens of microseconds,
 * and asks no zone for its transitions before an occurrence is wanted.
 */
import type { EpochMs, Schedule, ZoneSource } from '../types.ts';
import { type Cron, parseCron } from './cron.ts';
import { hashOf } from './hash.ts';
import { readInterval } from './intervals.ts';
import { ScheduleError } from './items.ts';
import { latestOccurrences, nextOccurrence } from './occurrences.ts';
import { createWalls } from './walls.ts';

export interface ScheduleSource {
  readonly expression: string;
  /** What `H` hashes: `schedule.hash`, which is the task's name by default. */
  readonly hash: string;
  /** IANA name, or null for the system's zone. */
  readonly timezone: string | null;
  /** What `U` hashes besides; '' where the machine has none. */
  readonly deviceId: string;
}

export type Compiled =
  | { readonly ok: true; readonly schedule: Schedule; readonly warnings: string[] }
  | { readonly ok: false; readonly message: string };

/** Never throws. Pure: zones come in. `message` is one sentence with what was expected and what was found. */
export function compileSchedule(source: ScheduleSource, zones: ZoneSource): Compiled {
  const warnings: string[] = [];
  try {
    const schedule = readInterval(source) ?? scheduleOf(source, readExpression(source, warnings), zones);
    if (zones.zone(source.timezone) === null) {
      const found = JSON.stringify(source.timezone);
      return { ok: false, message: `timezone: expected an IANA name such as Europe/Berlin, found ${found}` };
    }
    return { ok: true, schedule, warnings };
  } catch (thrown) {
    if (thrown instanceof ScheduleError) return { ok: false, message: thrown.message };
    throw thrown;
  }
}

function readExpression({ expression, hash, deviceId }: ScheduleSource, warnings: string[]): Cron {
  let hasH = false;
  let hasU = false;
  const cron = parseCron(expression, {
    H: () => {
      hasH = true;
      return hashOf(hash);
    },
    U: () => {
      hasU = true;
      return hashOf(`${hash}.${deviceId}`);
    },
  });
  warnings.push(...cron.warnings);
  if (hasH && hasU) {
    throw new ScheduleError(`expected either H or U, found both in ${JSON.stringify(expression)}`);
  }
  if (hasU && deviceId === '') {
    warnings.push('U tells machines apart by a device id, and this one has none: set FATE_DEVICE_ID');
  }
  return cron;
}

function scheduleOf(source: ScheduleSource, cron: Cron, zones: ZoneSource): Schedule {
  const { expression, timezone } = source;
  const walls = createWalls(cron);
  // Asked anew each time, since an update of tzdata changes it; where the file has gone, the last one known serves.
  let known = zones.zone(timezone);
  const next = (after: EpochMs): EpochMs | null => {
    known = zones.zone(timezone) ?? known;
    return known === null ? null : nextOccurrence(walls, cron.wildcard, known, after);
  };
  return {
    kind: 'cron',
    expression,
    normalized: cron.normalized,
    timezone,
    fingerprint: timezone === null ? cron.normalized : `${cron.normalized} ${timezone}`,
    next,
    latest: (after, until, limit) => latestOccurrences(next, after, until, limit),
  };
}
