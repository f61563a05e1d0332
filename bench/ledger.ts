/**
 * What the ledger costs: runs per second with it and without it (the same loop, whose writes then go nowhere), its size per
 * run, and the start of a scheduler that has a million runs recorded against one that has none.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { accounts } from '../src/platform/accounts.ts';
import { systemClock } from '../src/platform/clock.ts';
import { native } from '../src/platform/native.ts';
import { Books } from '../src/scheduler/books.ts';
import { newEntry } from '../src/scheduler/entries.ts';
import { startRun } from '../src/scheduler/run.ts';
import { newRunId } from '../src/scheduler/run-id.ts';
import { Scheduler } from '../src/scheduler/scheduler.ts';
import { scopeOf } from '../src/scheduler/scope.ts';
import { makeSpool } from '../src/scheduler/spool.ts';
import { type Batch, type Closing, openStore, type Store } from '../src/state/store.ts';
import type { Entry, Host, Task } from '../src/types.ts';
import { repo } from '../test/helpers/repo.ts';
import { every, makeTask } from '../test/helpers/tasks.ts';
import { measure, median, ratio, seconds, tell, withPrefix } from './measure.ts';

const TASKS = 500;
const TENANCY = 8;
const MILLION = 1_000_000;
const BATCH = 2_000;
const HISTORY = { maxRuns: MILLION, maxFailures: MILLION, maxAge: null };
const HOST: Host = { name: 'bench', id: '', cpus: 2, memory: 1 << 30, uid: 0, boot: { kernel: 'k', id: 'k', at: 0 } };

const tasks: readonly Task[] = Array.from({ length: TASKS }, (_, order) =>
  makeTask(`t${order}`, {
    order,
    tenancy: TENANCY,
    schedule: every(3_600_000),
    command: { kind: 'exec', argv: [{ source: 'true', render: () => 'true' }] },
  }),
);

/** One pass over all tasks, in this process; runs per second. */
async function passOver(folder: string, store: Store, write: (batch: Batch) => void): Promise<number> {
  const clock = systemClock;
  const log = (): void => {};
  const books = new Books({ clock, store: { ...store, write }, log, group: 20 });
  const scope = scopeOf({}, HOST, clock);
  const parts = {
    clock,
    native,
    env: process.env,
    accounts,
    uid: HOST.uid,
    controlGroups: () => null,
    credentials: join(folder, 'credentials'),
    stored: store,
    close: books.settle.bind(books),
    scope,
    log,
    resultFolder: join(folder, 'result'),
    spool: makeSpool(folder),
    stamp: () => () => '',
  };
  const seen = clock.now() - 3_600_000;
  const cursors = new Map(tasks.map(({ name, schedule: { fingerprint } }) => [name, { fingerprint, seen }]));
  const scheduler = new Scheduler(
    {
      ...parts,
      books,
      boot: HOST.boot,
      start: (run, entry) => startRun(run, entry, parts),
      newRunId: () => newRunId(clock.now()),
      pausesOf: () => [],
      roomToStart: () => true,
      zonesChanged: () => false,
      emit: log,
      tellClock: log,
      longestWait: 30_000,
      turned: log,
      passed: log,
    },
    'pass',
    { cursors, open: [] },
  );
  const rest = { files: [], invalid: [], problems: [], log: [], controlGroups: true, steerGroup: null };
  scheduler.load({ ...rest, tasks, patience: 600_000, history: HISTORY });
  const start = performance.now();
  const { executions } = await scheduler.run();
  books.end();
  return executions / ((performance.now() - start) / 1000);
}

const folder = mkdtempSync(join(tmpdir(), 'fate-ledger-'));
try {
  const store = openStore(folder);
  const [on, off]: [number[], number[]] = [[], []];
  // The first warms up the code.
  for (let i = 0; i < 6; i += 1) {
    const [with_, without] = [await passOver(folder, store, store.write), await passOver(folder, store, () => {})];
    if (i > 0) on.push(with_);
    if (i > 0) off.push(without);
  }
  await store.close();
  const [a, b] = [median(on), median(off)];
  tell(
    'runs of `true` per second, 8 at a time: with the ledger / without',
    `${a.toFixed(0)} / ${b.toFixed(0)} = ${ratio(a / b)}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function ended(task: string, due: number): Entry {
  const ending = { attempt: 1, startedAt: due + 4, endedAt: due + 40, duration: 36, status: 'OK', code: 0 } as const;
  const result = { path: `/var/log/fate/result/result-${due}-${task}.json`, label: '', ext: '.json', size: 123 };
  return {
    ...newEntry(newRunId(due), task, due, due - 2_500),
    phase: 'ended',
    queuedAt: due,
    ending: { ...ending, signal: null, endedBy: 'itself', reason: null, memory: null, cpu: null },
    results: [result],
    resultCount: 1,
    stdoutBytes: 123,
  };
}

function fill(stateFolder: string, count: number): void {
  const store = openStore(stateFolder);
  store.keepHistory(HISTORY);
  for (let at = 0; at < count; at += BATCH) {
    const closed = new Map<string, Closing>();
    for (let i = at; i < at + BATCH; i += 1) {
      const entry = ended(`t${i % 100}`, 1_700_000_000_000 + i * 600);
      closed.set(entry.id, { entry, output: null });
    }
    store.write({ closed });
  }
  void store.close();
}

// A pass with nothing due is a start and a stop.
await withPrefix({ 'tasks.toml': '[t]\nschedule = "@yearly"\nexec = "true"\n' }, async (prefix) => {
  await prefix.run('fates');
  const start = async (): Promise<number> => {
    const walls: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      walls.push((await measure(process.execPath, [join(repo, 'dist', 'fates.js')], { env: prefix.env })).wall);
    }
    return median(walls);
  };
  const empty = await start();
  const data = join(prefix.stateFolder(), 'data.mdb');
  const before = statSync(data).size;
  fill(prefix.stateFolder(), MILLION);
  const perRun = (statSync(data).size - before) / MILLION;
  const full = await start();
  tell(
    'start and stop of a scheduler: a million runs recorded / none',
    `${seconds(full)} / ${seconds(empty)} = ${ratio(full / empty)}`,
  );
  tell('size of the ledger per run with one result', `${perRun.toFixed(0)} bytes`);
});
