/** The scheduling loop with a fake clock, runs that end when the test says so, and a ledger in memory. */
import { Books } from '../../src/scheduler/books.ts';
import { conclude } from '../../src/scheduler/conclude.ts';
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import type { Batch } from '../../src/state/store.ts';
import type {
  Boot,
  Configuration,
  Cursor,
  Entry,
  EpochMs,
  Exit,
  Outcome,
  Pause,
  Run,
  Status,
  Summary,
  Task,
  TaskEvent,
} from '../../src/types.ts';
import { FakeClock, settled } from './fake-clock.ts';

export interface Rig {
  readonly clock: FakeClock;
  readonly scheduler: Scheduler;
  readonly events: TaskEvent[];
  readonly cursors: Map<string, Cursor>;
  /** The ledger as it would be found after a crash at this moment. */
  readonly open: Map<string, Entry>;
  readonly closed: Map<string, Entry>;
  /** The phase in the ledger of each run at the moment of its start. */
  readonly startedFrom: (string | undefined)[];
  /** How often it was written to. */
  writes: number;
  /** The disk refuses everything. */
  broken: boolean;
  readonly pauses: Map<string, Pause[]>;
  readonly told: string[];
  readonly logged: string[];
  readonly summaries: Summary[];
  /** Names of tasks that run now, in the order they started. */
  running(): string[];
  /** What was told, short: `started a`, `ended a OK`, `skipped a overlap warning`. */
  story(): string[];
  /** Ends the run of a task. */
  end(task: string, status?: Status): Promise<void>;
  /** The entries of a task, by due time. */
  entries(task: string): Entry[];
  readonly signals: string[];
  room: boolean;
  zonesChanged: boolean;
}

export const START = Date.UTC(2026, 0, 1, 12, 0, 30);
export const BOOT: Boot = { kernel: 'k', id: 'k:1', at: START - 3_600_000 };

export function configuration(...tasks: readonly Task[]): Configuration {
  return {
    files: [],
    tasks: tasks.map((task, order) => ({ ...task, order })),
    invalid: [],
    problems: [],
    log: [],
    patience: 600_000,
    history: { maxRuns: 1000, maxFailures: 1000, maxAge: null },
    controlGroups: true,
    steerGroup: null,
  };
}

export interface RigOptions {
  readonly start?: EpochMs;
  readonly open?: readonly Entry[];
  readonly boot?: Boot;
}

export function makeRig(
  mode: 'pass' | 'stay',
  stored: ReadonlyMap<string, Cursor> = new Map(),
  { start = START, open = [], boot = BOOT }: RigOptions = {},
): Rig {
  const clock = new FakeClock(start);
  const live = new Map<string, { run: Run; finish(status: Status): void }>();
  const logged: string[] = [];
  const events: TaskEvent[] = [];
  const told: string[] = [];
  const summaries: Summary[] = [];
  const signals: string[] = [];
  const ledger = {
    cursors: new Map(stored),
    open: new Map(open.map((entry) => [entry.id, entry])),
    closed: new Map<string, Entry>(),
  };
  let ids = 0;
  const write = (batch: Batch): void => {
    if (rig.broken) throw new Error('the disk refuses');
    rig.writes += 1;
    for (const [name, cursor] of batch.cursors ?? []) put(ledger.cursors, name, cursor);
    for (const [id, entry] of batch.open ?? []) put(ledger.open, id, entry);
    for (const [id, { entry }] of batch.closed ?? []) {
      ledger.open.delete(id);
      ledger.closed.set(id, entry);
    }
  };
  const books = new Books({
    clock,
    store: { write, state: () => null, results: () => [] },
    log: (level, event, { msg }) => logged.push(`${level} ${event} ${msg}`),
  });
  const rig: Rig = {
    clock,
    events,
    ...ledger,
    startedFrom: [],
    writes: 0,
    broken: false,
    pauses: new Map(),
    told,
    logged,
    summaries,
    signals,
    room: true,
    zonesChanged: false,
    running: () => [...live.values()].map(({ run }) => run.task.name),
    story: () =>
      events.map((event) => {
        if (event.type === 'skipped') return `skipped ${event.task} ${event.reason} ${event.level}`;
        return event.type === 'ended'
          ? `ended ${event.run.task.name} ${event.status}`
          : `started ${event.run.task.name}`;
      }),
    async end(task, status = 'OK') {
      const found = [...live.values()].find(({ run }) => run.task.name === task);
      if (found === undefined) throw new Error(`${task} does not run; ${rig.running().join(', ') || 'nothing'} does`);
      found.finish(status);
      for (let i = 0; i < 5; i += 1) await settled();
    },
    entries: (task) =>
      [...ledger.open.values(), ...ledger.closed.values()]
        .filter((entry) => entry.task === task)
        .sort((a, b) => a.due - b.due),
    scheduler: new Scheduler(
      {
        clock,
        books,
        boot,
        start(run, entry) {
          rig.startedFrom.push(ledger.open.get(run.id)?.phase);
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
              const concluded = conclude(entry, run.task, ended);
              const batch =
                concluded.phase === 'retry'
                  ? { open: new Map([[run.id, concluded]]) }
                  : { closed: new Map([[run.id, { entry: concluded, output: null }]]) };
              await books.settle(batch);
              return { outcome: { ...ended, retryAt: concluded.retryAt }, entry: concluded };
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
          host: { name: 'h', id: 'i', cpus: 1, memory: 1 << 30, uid: 0, boot },
        }),
        newRunId: () => `r${++ids}`,
        pausesOf: (task) => rig.pauses.get(task) ?? [],
        roomToStart: () => rig.room,
        zonesChanged() {
          const changed = rig.zonesChanged;
          rig.zonesChanged = false;
          return changed;
        },
        emit: (event) => events.push(event),
        tellClock: (level, message) => told.push(`${level}: ${message}`),
        longestWait: 30_000,
        turned: () => {},
        passed: (summary) => summaries.push(summary),
      },
      mode,
      { cursors: stored, open },
    ),
  };
  return rig;
}

function put<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

function outcome(status: Status, clock: FakeClock): Outcome {
  const at = clock.now();
  const exit: Exit = {
    code: status === 'OK' ? 0 : 1,
    signal: null,
    endedBy: 'itself',
    limit: null,
    failure: null,
    pid: 1,
    startedAt: at,
    endedAt: at,
    duration: 0,
    stdoutBytes: 0,
    stdoutError: null,
    state: null,
    stderrDropped: 0,
    left: 0,
    usage: { memory: null, cpu: null, outOfMemory: 0 },
  };
  const level = status === 'OK' ? 'info' : 'error';
  return { status, level, exit, results: [], reason: null, retryAt: null, stdout: '', stderr: '' };
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
