/**
 * A daemon under load for long: looks at its memory, descriptors, ledger and folders while it runs, and at what is left when
 * it has stopped. Promises its caller figures as they were measured, and a sentence for each that grew.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openReader } from '../../src/state/reader.ts';
import { startDaemon } from '../crash/daemon.ts';
import { makePrefix } from '../helpers/prefix.ts';
import { configurationFiles, KEPT_RESULTS } from './load.ts';

export interface Sample {
  /** Runs that had ended. */
  readonly runs: number;
  /** MiB; VmRSS of proc_pid_status(5). */
  readonly memory: number;
  readonly descriptors: number;
  /** MiB; data.mdb. */
  readonly ledger: number;
  readonly spool: number;
}

export interface SoakOptions {
  readonly runs: number;
  readonly tasks: number;
  /** What the ledger keeps of each task of each kind; they must have run more often than that. */
  readonly kept: number;
  /** Too short a soak says nothing of memory, which V8 lets grow until it pays to collect. */
  readonly memory: boolean;
  tell(sample: Sample): void;
}

export interface Soak {
  readonly seconds: number;
  readonly samples: readonly Sample[];
  /** Closed entries in the ledger at the end. */
  readonly entries: number;
  readonly problems: readonly string[];
}

/** A second and a bit, so that the looks fall on all parts of a second. */
const LOOK = 1_070;

export async function soak({ runs, tasks, kept, memory, tell }: SoakOptions): Promise<Soak> {
  const cleanups: (() => unknown)[] = [];
  const prefix = makePrefix({ after: (cleanup) => cleanups.push(cleanup) });
  const files = configurationFiles(tasks, kept, join(prefix.paths.data, 'fate.log'));
  for (const [name, text] of Object.entries({ ...files, 'tasks.toml': NOTHING })) prefix.write(name, text);
  const daemon = startDaemon(prefix.root, prefix.env);
  const started = performance.now();
  try {
    if (!(await daemon.ready)) throw new Error(daemon.lines.map(({ text }) => text).join('\n'));
    const samples: Sample[] = [];
    const problems: string[] = [];
    const state = prefix.stateFolder();
    const pid = daemon.child.pid ?? 0;
    const reload = (text: string): void => {
      prefix.write('tasks.toml', text);
      daemon.child.kill('SIGHUP');
    };
    const before = await atRest(pid, state);
    reload(files['tasks.toml'] ?? '');
    let ended = 0;
    const count = (): number => {
      // What it said is taken away as it is read, so that this process does not grow either.
      for (const { fields, text } of daemon.lines.splice(0)) {
        if (fields.event === 'ended') ended += 1;
        if (fields.level === 'error' && fields.event !== 'ended') problems.push(text);
      }
      return ended;
    };
    while (count() < runs && daemon.child.exitCode === null) {
      await pause(LOOK);
      const sample = look(pid, state, count());
      samples.push(sample);
      tell(sample);
    }
    reload(NOTHING);
    const after = await atRest(pid, state);
    if (after > before + LATER) problems.push(`at rest the daemon has ${after} descriptors, and had ${before}`);
    daemon.child.kill('SIGTERM');
    const { code } = await daemon.exited;
    if (code !== 0) problems.push(`the daemon ended with ${code}`);
    count();
    const seconds = (performance.now() - started) / 1000;
    const entries = await leftovers(prefix.paths, state, { tasks, kept }, problems);
    return { seconds, samples, entries, problems: [...problems, ...growth(samples, memory)] };
  } finally {
    daemon.child.kill('SIGKILL');
    await daemon.exited;
    for (const cleanup of cleanups) await cleanup();
  }
}

const MIB = 1_048_576;

const NOTHING = '[nothing]\nschedule = "@yearly"\nexec = "true"\n';
/** What is loaded with the first run (a worker's thread, native parts); a leak of one for each run were a thousand. */
const LATER = 20;
const RESTS_WITHIN = 60_000;

/** The descriptors of the daemon at a moment at which nothing runs and nothing is left to be recorded. */
async function atRest(pid: number, state: string): Promise<number> {
  const children = (): string => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  let quiet = 0;
  for (const end = performance.now() + RESTS_WITHIN; quiet < 5 && performance.now() < end; await pause(100)) {
    quiet = children() === '' && readdirSync(join(state, 'spool')).length === 0 ? quiet + 1 : 0;
  }
  return readdirSync(`/proc/${pid}/fd`).length;
}

function look(pid: number, state: string, runs: number): Sample {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    runs,
    memory: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    ledger: statSync(join(state, 'data.mdb')).size / MIB,
    spool: readdirSync(join(state, 'spool')).length,
  };
}

/** What there may be at most, once nothing goes on. Answers how many closed entries there are. */
async function leftovers(
  paths: { readonly data: string; readonly run: string },
  state: string,
  { tasks, kept }: Pick<SoakOptions, 'tasks' | 'kept'>,
  problems: string[],
): Promise<number> {
  const reader = openReader(state);
  const closed = new Map<string, number>();
  let entries = 0;
  for (const { task, phase, ending } of reader?.closed() ?? []) {
    entries += 1;
    const kind = `${task} ${phase === 'skipped' ? 'not run' : ending?.status === 'OK' ? 'good' : 'not good'}`;
    closed.set(kind, (closed.get(kind) ?? 0) + 1);
  }
  for (const [kind, number] of closed) if (number > kept) problems.push(`${number} entries of ${kind} in the ledger`);
  if (entries < tasks * kept) problems.push(`the ledger has only ${entries} entries of ${tasks} tasks`);
  const going = (reader?.openEntries() ?? []).filter(({ phase }) => phase === 'started');
  if (going.length > 0) problems.push(`${going.length} entries are open as started`);
  await reader?.close();

  const spool = readdirSync(join(state, 'spool'));
  if (spool.length > 0) problems.push(`${spool.length} folders are left in the spool: ${spool.slice(0, 5).join(', ')}`);
  const run = readdirSync(paths.run);
  if (run.length > 0) problems.push(`left in the run folder: ${run.join(', ')}`);
  const byTask = new Map<string, number>();
  for (const name of readdirSync(join(paths.data, 'result'))) {
    const task = /task-\d+/.exec(name)?.[0] ?? name;
    byTask.set(task, (byTask.get(task) ?? 0) + 1);
  }
  for (const [task, number] of byTask) if (number > KEPT_RESULTS) problems.push(`${number} results of ${task}`);
  return entries;
}

/**
 * What may differ between the second and the last third, in which all caches are full. Memory goes up and down with V8's
 * young generation (16 MiB a semi-space); of a soak of 100,000 runs this much would be 250 bytes for each run. Of
 * descriptors the smallest number counts: that of a moment at which nothing ran.
 */
const TOLERANCE = { memory: 8, descriptors: 2, ledger: 0.25 } as const;

export function growth(samples: readonly Sample[], memory: boolean): string[] {
  const third = Math.floor(samples.length / 3);
  const [second, last] = [samples.slice(third, 2 * third), samples.slice(2 * third)];
  const problems: string[] = [];
  const compare = (what: string, of: (part: readonly Sample[]) => number, tolerance: number): void => {
    const [before, after] = [of(second), of(last)];
    if (after > before + tolerance) problems.push(`${what} grew from ${before.toFixed(1)} to ${after.toFixed(1)}`);
  };
  const least = (of: (sample: Sample) => number) => (part: readonly Sample[]) => Math.min(...part.map(of));
  const middle = (of: (sample: Sample) => number) => (part: readonly Sample[]) => median(part.map(of));
  if (memory)
    compare(
      'memory (MiB)',
      middle((sample) => sample.memory),
      TOLERANCE.memory,
    );
  // A short soak may have no moment at rest in each third; it has one at its end.
  if (memory)
    compare(
      'descriptors',
      least((sample) => sample.descriptors),
      TOLERANCE.descriptors,
    );
  if (memory)
    compare(
      'the ledger (MiB)',
      middle((sample) => sample.ledger),
      TOLERANCE.ledger,
    );
  return problems;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
