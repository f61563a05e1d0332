/** Resolved tasks for tests, without a configuration file. */
import type { EpochMs, ExecutionContext, Limits, Ms, Schedule, Task } from '../../src/types.ts';

/** Due at every multiple of `period` since the epoch, moved by `offset`. */
export function every(period: Ms, offset: Ms = 0): Schedule {
  const next = (after: EpochMs): EpochMs => Math.floor((after - offset) / period) * period + period + offset;
  return {
    kind: 'every',
    expression: `every ${period} + ${offset}`,
    normalized: `every ${period} + ${offset}`,
    timezone: 'UTC',
    fingerprint: `every ${period} + ${offset}`,
    next,
    latest(after, until, limit) {
      const found: EpochMs[] = [];
      for (let at = next(until) - period; at > after && found.length < limit; at -= period) found.unshift(at);
      return found;
    },
  };
}

export const NO_CONTEXT: ExecutionContext = {
  env: [],
  envFiles: [],
  cwd: null,
  user: null,
  group: null,
  umask: null,
  nice: null,
  credentials: [],
};
export const NO_LIMITS: Limits = { output: null, log: null, memory: null, cpu: null, processes: null };

export function makeTask(name: string, changes: Partial<Task> = {}): Task {
  return {
    name,
    order: 0,
    file: 'tasks.toml',
    enabled: true,
    description: null,
    schedule: every(60_000),
    missed: 'once',
    missedWithin: null,
    command: { kind: 'command', program: `fate-${name}` },
    condition: null,
    timeout: null,
    grace: 10_000,
    successExit: [0],
    param: '{}',
    formatLog: 'auto',
    separator: 'auto',
    formatResult: { kind: 'auto' },
    formatState: { in: 'json', out: 'auto' },
    resultPath: { kind: 'default' },
    onConflict: 'rename',
    keep: { count: null, age: null, size: null },
    tenancy: 3,
    overlap: 'skip',
    mutex: null,
    maxWait: null,
    retry: null,
    context: NO_CONTEXT,
    limits: NO_LIMITS,
    ...changes,
  };
}
