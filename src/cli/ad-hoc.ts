/** A run that no schedule asked for, and what a bare command is as a task. */
import { LOG_LIMIT } from '../conf/contexts.ts';
import { systemClock } from '../platform/clock.ts';
import { newRunId } from '../scheduler/run-id.ts';
import type { Run, Task } from '../types.ts';

export function adHocRun(task: Task): Run {
  const now = systemClock.now();
  return { id: newRunId(now), task, due: now, attempt: 1, collapsed: 0 };
}

/** What a command is as a task: the defaults of SPEC 3.1, and nothing on its standard input. */
export function adHocTask(name: string): Task {
  return {
    name,
    order: 0,
    file: '',
    enabled: true,
    description: null,
    schedule: {
      kind: 'cron',
      expression: '',
      normalized: '',
      timezone: null,
      fingerprint: '',
      next: () => null,
      latest: () => [],
    },
    missed: 'once',
    missedWithin: null,
    command: { kind: 'exec', argv: [] },
    condition: null,
    timeout: null,
    grace: 10_000,
    successExit: [0],
    param: '',
    formatLog: 'auto',
    separator: 'auto',
    formatResult: { kind: 'auto' },
    formatState: { in: 'json', out: 'auto' },
    resultPath: { kind: 'default' },
    onConflict: 'rename',
    keep: { count: null, age: null, size: null },
    tenancy: 1,
    overlap: 'skip',
    mutex: null,
    maxWait: null,
    retry: null,
    context: {
      env: [],
      envFiles: [],
      cwd: null,
      user: null,
      group: null,
      umask: null,
      nice: null,
      credentials: [],
    },
    limits: { output: null, log: LOG_LIMIT, memory: null, cpu: null, processes: null },
  };
}
