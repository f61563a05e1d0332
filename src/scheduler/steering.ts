/** The loop as the control socket steers it (SPEC 12): requests are checked against the configuration, answers put together. */
import { setImmediate as turn } from 'node:timers/promises';
import { FateError } from '../errors.ts';
import type {
  Asked,
  Configuration,
  DaemonStatus,
  Entry,
  EpochMs,
  LiveRow,
  PendingRestart,
  Reloaded,
  Restarting,
  Steering,
  Task,
  TaskRow,
} from '../types.ts';
import type { Scheduler } from './scheduler.ts';
import { type RowSource, taskRows } from './task-rows.ts';

export interface SteeringParts {
  readonly about: Pick<DaemonStatus, 'program' | 'version' | 'pid' | 'startedAt'>;
  readonly scheduler: Scheduler;
  configuration(): Configuration;
  reload(): Promise<Reloaded>;
  /** The last reload. */
  reloaded(): DaemonStatus['reloaded'];
  readonly restart: { readonly pending: PendingRestart | null; ask(whenIdle: boolean): Promise<Restarting> };
  /** The entries of a task that are closed, the latest first. */
  closed(task: string): Iterable<Entry>;
  /** Until when a task is paused, Infinity until it is resumed; null where it is not. */
  pausedUntil(task: string, at: EpochMs): EpochMs | null;
  now(): EpochMs;
}

/** So many rows are made in one turn of the event loop. */
const SLICE = 50;

export function steer(parts: SteeringParts): Steering {
  const { scheduler } = parts;
  return {
    status(): DaemonStatus {
      const { files, tasks, invalid } = parts.configuration();
      const { executions, failures, next } = scheduler.summary;
      return {
        ...parts.about,
        stopping: scheduler.stopping,
        files,
        tasks: tasks.length,
        invalid: invalid.length,
        running: scheduler.rows.running(),
        waiting: scheduler.rows.waiting(),
        next,
        executions,
        failures,
        reloaded: parts.reloaded(),
        restart: parts.restart.pending,
      };
    },
    async *list(): AsyncGenerator<TaskRow> {
      let made = 0;
      for (const row of taskRows(sourceOf(parts))) {
        yield row;
        made += 1;
        if (made % SLICE === 0) await turn();
      }
    },
    async reload(): Promise<Reloaded> {
      demandTime(scheduler);
      return parts.reload();
    },
    restart: (whenIdle) => parts.restart.ask(whenIdle),
    run(name: string): Asked {
      demandTime(scheduler);
      return scheduler.ask(demandTask(name, parts.configuration()));
    },
    kill(what: string): readonly LiveRow[] {
      const { tasks, invalid } = parts.configuration();
      return scheduler.kill(
        what,
        [...tasks, ...invalid].some(({ name }) => name === what),
      );
    },
  };
}

/** @throws FateError TEMPORARY */
function demandTime({ stopping }: Scheduler): void {
  if (stopping) throw new FateError('TEMPORARY', 'the daemon is stopping: nothing new starts');
}

/** @throws FateError TASK_UNKNOWN, or CONF_INVALID for one that is not scheduled */
function demandTask(name: string, { tasks, invalid }: Configuration): Task {
  const task = tasks.find((one) => one.name === name);
  if (task?.enabled) return task;
  if (task !== undefined)
    throw new FateError('CONF_INVALID', `${name} is disabled; fate debug run runs it all the same`);
  if (invalid.some((one) => one.name === name)) {
    throw new FateError('CONF_INVALID', `${name} is invalid and was set aside; fate check says why`);
  }
  throw new FateError('TASK_UNKNOWN', `no task of the name ${name}`);
}

function sourceOf(parts: SteeringParts): RowSource {
  const count = (rows: readonly LiveRow[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const { task } of rows) counts.set(task, (counts.get(task) ?? 0) + 1);
    return counts;
  };
  const [running, waiting] = [count(parts.scheduler.rows.running()), count(parts.scheduler.rows.waiting())];
  return {
    configuration: parts.configuration(),
    now: parts.now(),
    last: (task) => firstOf(parts.closed(task)),
    pausedUntil: (task) => parts.pausedUntil(task, parts.now()),
    live: (task) => ({ running: running.get(task) ?? 0, waiting: waiting.get(task) ?? 0 }),
  };
}

function firstOf<T>(all: Iterable<T>): T | null {
  for (const one of all) return one;
  return null;
}
