/** A scheduler's surroundings on real files, for runs and for what recovery finds of them after a crash. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { accounts } from '../../../src/platform/accounts.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { native } from '../../../src/platform/native.ts';
import type { Durable } from '../../../src/scheduler/books.ts';
import { newEntry } from '../../../src/scheduler/entries.ts';
import { type Recovered, recover } from '../../../src/scheduler/recovery.ts';
import type { RunParts } from '../../../src/scheduler/run.ts';
import { newRunId } from '../../../src/scheduler/run-id.ts';
import { makeSpool } from '../../../src/scheduler/spool.ts';
import { type Batch, openStore, type Store } from '../../../src/state/store.ts';
import type { Entry, EpochMs, Level, LogEvent, LogFields, Run, Task, Template } from '../../../src/types.ts';
import { makeTask } from '../../helpers/tasks.ts';

export const DUE: EpochMs = Date.UTC(2026, 0, 1, 12, 0, 0);
/** Of this process alone: recovery ends whatever is left of a run, also of a test that goes on beside this one. */
export const ID = newRunId(Date.now());

export interface Told {
  readonly level: Level;
  readonly event: LogEvent;
  readonly fields: LogFields;
}

export function makeRoot(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'fate-run-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, 'id'), newRunId(Date.now()));
  return root;
}

/** The id of the one run there, where the processes of a test are to know it. */
export const idIn = (root: string): string => readFileSync(join(root, 'id'), 'utf8');

const text = (source: string): Template => ({ source, render: () => source });

/** Notes each start, says what it has to say, and ends. `$0` is the root. */
const scripted = (root: string, script: string): Pick<Task, 'command'> => ({
  command: {
    kind: 'exec',
    argv: ['/bin/sh', '-c', `echo "$FATE_RUN_ID $FATE_ATTEMPT" >>"$0/starts"; ${script}`, root].map(text),
  },
});

const GOOD = `echo '{"answer": 42}'; echo 'new state' >&4`;

/** Tasks that end in each of the ways that leave something different behind. */
export const TASKS = {
  result: (root: string) => makeTask('disk', { ...scripted(root, GOOD), tenancy: 1 }),
  numbered: (root: string) =>
    makeTask('disk', {
      ...scripted(root, GOOD),
      resultPath: { kind: 'template', template: text('out.txt') },
      keep: { count: 2, age: null, size: null },
    }),
  replaced: (root: string) =>
    makeTask('disk', {
      ...scripted(root, GOOD),
      resultPath: { kind: 'template', template: text('out.txt') },
      onConflict: 'replace',
    }),
  archive: (root: string) =>
    makeTask('disk', { ...scripted(root, `cat "$0/tar"; echo 'new state' >&4`), formatResult: { kind: 'archive' } }),
  failing: (root: string) => makeTask('disk', scripted(root, 'echo half; echo complaint >&2; exit 3')),
  retried: (root: string) =>
    makeTask('disk', {
      ...scripted(root, `echo 'new state' >&4; exit 42`),
      retry: { limit: 2, delay: 1_000, backoff: 1, maxDelay: 1_000, on: ['retry'] },
    }),
  silent: (root: string) => makeTask('disk', scripted(root, 'true')),
  /** Its result has no place. */
  unplaced: (root: string) =>
    makeTask('disk', {
      ...scripted(root, GOOD),
      resultPath: { kind: 'template', template: text('starts/below/a/file') },
    }),
  // Goes on also where its words find nobody, since its scheduler was killed before they came.
  lasting: (root: string) =>
    makeTask('disk', { ...scripted(root, 'trap "" PIPE; echo early; echo on >&4; exec sleep 300'), grace: 500 }),
} as const;
export type Kind = keyof typeof TASKS;

export interface World {
  readonly root: string;
  readonly store: Store;
  readonly parts: RunParts;
  readonly told: Told[];
  readonly spool: string;
  readonly results: string;
}

export function openWorld(root: string): World {
  const folder = join(root, 'state');
  mkdirSync(folder, { recursive: true });
  const store = openStore(folder);
  const spool = makeSpool(folder);
  const told: Told[] = [];
  const results = join(root, 'result');
  const parts: RunParts = {
    clock: systemClock,
    native,
    env: process.env,
    accounts,
    uid: process.getuid?.() ?? 0,
    controlGroups: () => null,
    credentials: join(root, 'credentials'),
    stored: store,
    async close(batch: Batch): Promise<Durable> {
      store.write(batch);
      return { now: true, later: Promise.resolve() };
    },
    scope: (run) => ({
      env: {},
      taskName: run.task.name,
      zone: 'UTC',
      now: systemClock.now(),
      due: run.due,
      attempt: run.attempt,
      runId: run.id,
      host: { name: 'h', id: 'i', cpus: 1, memory: 1 << 30, uid: 0, boot: { kernel: 'k', id: 'k:1', at: 0 } },
    }),
    log: (level, event, fields) => void told.push({ level, event, fields }),
    resultFolder: results,
    spool,
    stamp: () => () => '20260101T120000',
  };
  return { root, store, parts, told, spool, results };
}

export const runOf = (task: Task, { id, due, attempt }: Entry): Run => ({ id, task, due, attempt, collapsed: 0 });

export function plannedEntry(changes: Partial<Entry> = {}): Entry {
  return { ...newEntry(ID, 'disk', DUE, DUE - 2_000), ...changes };
}

/** As the plan does it. */
export function plan({ store }: World, ...entries: readonly Entry[]): void {
  store.write({
    open: new Map(entries.map((entry) => [entry.id, entry])),
    cursors: new Map(entries.map(({ task, due }) => [task, { fingerprint: 'f', seen: due }])),
  });
}

export async function settleIn(world: World, task: Task | null, sameBoot = true): Promise<Recovered> {
  return recover({
    store: world.store,
    spool: world.spool,
    sameBoot,
    boot: 'b',
    tasks: new Map(task === null ? [] : [[task.name, task]]),
    clock: systemClock,
    log: world.parts.log,
  });
}

/** All names below a folder, hidden ones too. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  } catch {
    return [];
  }
}

export function starts(root: string): string[] {
  try {
    return readFileSync(join(root, 'starts'), 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}

/** Writes a file of the spool as a scheduler that died would have left it. */
export function leave(world: World, name: string, file: string, content: string | Buffer): void {
  mkdirSync(join(world.spool, name), { recursive: true });
  writeFileSync(join(world.spool, name, file), content);
}
