/** What templates and conditions of a run may see (SPEC 4), and times on the wall clock of a task. */
import type { Clock, EpochMs, Host, Run, Scope, ZoneSource } from '../types.ts';

export function scopeOf(env: Scope['env'], host: Host, clock: Clock): (run: Run) => Scope {
  return (run) => ({
    env,
    taskName: run.task.name,
    zone: run.task.schedule.timezone,
    now: clock.now(),
    due: run.due,
    attempt: run.attempt,
    runId: run.id,
    host,
  });
}

/** YYYYmmddTHHMMSS on the wall clock of a zone (null: the system's), for names of files. */
export function stampIn(zones: ZoneSource): (zone: string | null) => (at: EpochMs) => string {
  return (name) => (at) => {
    const offset = zones.zone(name)?.offsetAt(at) ?? 0;
    return new Date(at + offset).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  };
}
