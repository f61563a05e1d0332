/** The scheduling loop with a fake clock and runs that end when the test says so. */
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import type { Configuration, Cursor, Exit, Outcome, Run, Status, Summary, Task, TaskEvent } from '../../src/types.ts';
import { FakeClock, settled } from './fake-clock.ts';

export interface Rig {
  readonly clock: FakeClock;
  readonly scheduler: Scheduler;
  readonly events: TaskEvent[];
  readonly cursors: Map<string, Cursor>;
  readonly told: string[];
  readonly summaries: Summary[];
  /** Names of tasks that run now, in the order they started. */
  running(): string[];
  /** What was told, short: `started a`, `ended a OK`, `skipped a overlap warning`. */
  story(): string[];
  /** Ends the run of a task. */
  end(task: string, status?: Status): Promise<void>;
  readonly signals: string[];
  room: boolean;
  zonesChanged: boolean;
}

export const START = Date.UTC(2026, 0, 1, 12, 0, 30);

export function configuration(...tasks: readonly Task[]): Configuration {
  return { files: [], tasks: tasks.map((task, order) => ({ ...task, order })), invalid: [], problems: [], log: [] };
}

export function makeRig(mode: 'pass' | 'stay', stored: ReadonlyMap<string, Cursor> = new Map(), start = START): Rig {
  const clock = new FakeClock(start);
  const live = new Map<string, { run: Run; finish(status: Status): void }>();
  const events: TaskEvent[] = [];
  const cursors = new Map(stored);
  const told: string[] = [];
  const summaries: Summary[] = [];
  const signals: string[] = [];
  let ids = 0;
  const rig: Rig = {
    clock,
    events,
    cursors,
    told,
    summaries,
    signals,
    room: true,
    zonesChanged: false,
    running: () => [...live.values()].map(({ run }) => run.task.name),
    story: () =>
      events.map((event) => {
        if (event.type === 'skipped') return `skipped ${event.task.name} ${event.reason} ${event.level}`;
        return event.type === 'ended'
          ? `ended ${event.run.task.name} ${event.status}`
          : `started ${event.run.task.name}`;
      }),
    async end(task, status = 'OK') {
      const found = [...live.values()].find(({ run }) => run.task.name === task);
      if (found === undefined) throw new Error(`${task} does not run; ${rig.running().join(', ') || 'nothing'} does`);
      found.finish(status);
      await settled();
      await settled();
      await settled();
    },
    scheduler: new Scheduler(
      {
        clock,
        start(run) {
          const { promise, resolve } = deferred<Outcome>();
          live.set(run.id, {
            run,
            finish(status) {
              live.delete(run.id);
              resolve(outcome(status, clock));
            },
          });
          return {
            pid: 1,
            over: promise.then(() => {}),
            // As with a real process, the end is known before result and state are recorded.
            done: promise.then(async (ended) => {
              await settled();
              return ended;
            }),
            end: (by) => signals.push(`${by} ${run.task.name}`),
            kill: () => signals.push(`KILL ${run.task.name}`),
          };
        },
        scope: ({ task, due, id, attempt }) => ({
          env: {},
          taskName: task.name,
          zone: 'UTC',
          now: clock.now(),
          due,
          attempt,
          runId: id,
          host: { name: 'h', id: 'i', cpus: 1, uid: 0 },
        }),
        newRunId: () => `r${++ids}`,
        saveCursors(changes) {
          for (const [name, cursor] of changes) {
            if (cursor === null) cursors.delete(name);
            else cursors.set(name, cursor);
          }
        },
        roomToStart: () => rig.room,
        zonesChanged() {
          const changed = rig.zonesChanged;
          rig.zonesChanged = false;
          return changed;
        },
        emit: (event) => events.push(event),
        tellClock: (level, message) => told.push(`${level}: ${message}`),
        passed: (summary) => summaries.push(summary),
      },
      mode,
      stored,
    ),
  };
  return rig;
}

function outcome(status: Status, clock: FakeClock): Outcome {
  const at = clock.now();
  const exit: Exit = {
    code: status === 'OK' ? 0 : 1,
    signal: null,
    endedBy: 'itself',
    failure: null,
    pid: 1,
    startedAt: at,
    endedAt: at,
    duration: 0,
    stdoutBytes: 0,
    stdoutError: null,
    state: null,
    left: 0,
  };
  return { status, level: status === 'OK' ? 'info' : 'error', exit, results: [], reason: null, stdout: '', stderr: '' };
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
