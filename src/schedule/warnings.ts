/**
 * What daylight saving does to a schedule in the next year, for `fate check` alone (SPEC 12): it goes through a zone's
 * transitions, which loading thousands of tasks must not.
 */
import type { EpochMs, Ms, Schedule, Zone } from '../types.ts';
import { type Cron, parseCron } from './cron.ts';
import { hashOf } from './hash.ts';
import { createWalls, type NextWall } from './walls.ts';

const DAY: Ms = 86_400_000;
/** Times named in one warning. */
const SHOWN = 3;

/** One sentence per transition in (now, now + 366 days] that changes when the schedule runs. `now` in epoch ms. */
export function scheduleWarnings(schedule: Schedule, zone: Zone, now: EpochMs): string[] {
  // The others follow no wall clock.
  if (schedule.kind !== 'cron') return [];
  const hash = () => hashOf('');
  const cron = parseCron(schedule.normalized, { H: hash, U: hash });
  const walls = createWalls(cron);
  const warnings: string[] = [];
  let at = zone.nextTransition(now);
  while (at !== null && at <= now + 366 * DAY) {
    const before = at + zone.offsetAt(at - 1);
    const after = at + zone.offsetAt(at);
    const warning =
      after > before ? gapWarning(cron, walls, before, after) : overlapWarning(cron, walls, after, before);
    if (warning !== null) warnings.push(`${warning} (${zone.name})`);
    at = zone.nextTransition(at);
  }
  return warnings;
}

/** The wall clock leaps from `from` to `to`. */
function gapWarning(cron: Cron, walls: NextWall, from: number, to: number): string | null {
  const end = date(from) === date(to) ? clock(to) : `${date(to)} ${clock(to)}`;
  if (!cron.wildcard) {
    const times = timesIn(walls, from, to);
    return times === null ? null : `there is no ${times}; it runs at the end of the gap, at ${end}`;
  }
  const days: string[] = [];
  for (let day = Math.floor(from / DAY) * DAY; day < to; day += DAY) {
    const first = walls(day - 1);
    if (first === null || first >= day + DAY || first < from || first >= to) continue;
    const rest = walls(to - 1);
    if (rest === null || rest >= day + DAY) days.push(date(day));
  }
  if (days.length === 0) return null;
  return `it runs at no time on ${days.join(' and ')}, since the clock leaps from ${clock(from)} to ${end}`;
}

/** The wall clock goes back from `to` to `from`. */
function overlapWarning(cron: Cron, walls: NextWall, from: number, to: number): string | null {
  // A wildcard hour is meant to run in every hour that passes.
  if (cron.hour.star) return null;
  const times = timesIn(walls, from, to);
  if (times === null) return null;
  return `${times} comes twice; it runs ${cron.wildcard ? 'both times' : 'at the first only'}`;
}

/** The first times of the schedule in from..to, and that there are more; null for none. */
function timesIn(walls: NextWall, from: number, to: number): string | null {
  const times: string[] = [];
  let at = walls(from - 1);
  while (at !== null && at < to && times.length <= SHOWN) {
    times.push(times.length === 0 ? `${date(at)} ${clock(at)}` : clock(at));
    at = walls(at);
  }
  if (times.length === 0) return null;
  return times.length > SHOWN ? `${times.slice(0, SHOWN).join(', ')} and more` : times.join(', ');
}

function date(wall: number): string {
  return new Date(wall).toISOString().slice(0, 10);
}

function clock(wall: number): string {
  const time = new Date(wall).toISOString().slice(11, 19);
  return time.endsWith(':00') ? time.slice(0, 5) : time;
}
