/**
 * Settles at the start what a crash left, before anything is fired (SPEC 11, crash safety). Promises the daemon that what had
 * begun is never started again unless `retry.on` has `lost`, that what had ended is finished once, and that what had not
 * begun goes on. Only to be called by who holds the lock: all that it finds in the spool counts as nobody's.
 */
import { messageOf } from '../errors.ts';
import { endSurvivors } from '../execution/survivors.ts';
import { faultPoint } from '../faults.ts';
import type { Batch, Closing, Store, StoredState } from '../state/store.ts';
import type { Clock, ControlGroups, Cursor, Entry, EpochMs, KnownResult, Ms, Output, Task } from '../types.ts';
import { finishAttempt, type Log, loseAttempt, type Settled } from './finishing.ts';
import { withRecorded } from './known-results.ts';
import { type Leftovers, sortLeftovers } from './leftovers.ts';
import { closingOf } from './settle.ts';
import { clearAttempt } from './spool.ts';

/** For the processes of tasks that the configuration has no more. */
const GRACE: Ms = 10_000;
/** So many of the newest entries of a task are looked through for its last good end. */
const LOOKED_THROUGH = 100;

export interface RecoveryParts {
  readonly store: Store;
  /** `<state folder>/spool` */
  readonly spool: string;
  /** Whether the kernel is the one that ran when the store was last used. */
  readonly sameBoot: boolean;
  /** `Boot.id`, for `@reboot`. */
  readonly boot: string;
  readonly tasks: ReadonlyMap<string, Task>;
  readonly clock: Clock;
  readonly log: Log;
  /** Between SIGTERM and SIGKILL for what is left of lost runs whose task is no more; default 10 s. */
  readonly grace?: Ms;
  /** Where the runs of the scheduler that died may have had groups of their own; they tell of its processes as well. */
  readonly groups?: Pick<ControlGroups, 'find'> | null;
}

export interface Recovered {
  /** Open entries that go on: planned (pending), waiting, retry. */
  readonly open: readonly Entry[];
  /**
   * Null when all is settled. Else the disk refused it: the daemon goes on with `open`, which is right in memory, and hands
   * this batch to the books, which write it when there is room; only then the spool may be cleared. Until then every
   * start settles the same once more. The store's boot must not be set before either, or what a power cut has
   * made doubtful would pass for pending at the next start.
   */
  readonly unwritten: { readonly batch: Batch; clear(): Promise<void> } | null;
}

/** Rejects only where the spool cannot be read: without it nobody knows what had begun. */
export async function recover(parts: RecoveryParts): Promise<Recovered> {
  const left = sortLeftovers(parts.store, parts.spool, parts.sameBoot);
  const survivors = await endProcesses(left, parts);
  const settling = new Settling(parts);
  for (const attempt of left.ended) {
    const settled = await finishAttempt(attempt, parts.log);
    await settling.take(settled, attempt.end.state, attempt.superseded);
  }
  const around = { sameBoot: parts.sameBoot, now: parts.clock.now() };
  for (const lost of left.lost) {
    const task = parts.tasks.get(lost.entry.task) ?? null;
    await settling.take(await loseAttempt(lost, task, around, parts.log), null, false);
  }
  const batch = settling.batch(left);
  const clear = async (): Promise<void> => {
    for (const { folder } of left.ended) await clearAttempt(folder, 0);
    for (const { folder } of left.lost) if (folder !== null) await clearAttempt(folder, 0);
  };
  const written = write(batch, parts);
  faultPoint('recovery.written');
  for (const folder of left.stale) await clearAttempt(folder, 0);
  if (written) await clear();
  tell(settling.settled, survivors, parts.log);
  const going = settling.settled.filter(({ phase }) => phase === 'retry');
  return { open: [...left.open, ...going], unwritten: written ? null : { batch, clear } };
}

/** What survived is ended first, each run's processes with the grace of its task. */
async function endProcesses({ lost }: Leftovers, parts: RecoveryParts): Promise<ReadonlyMap<string, number>> {
  const byGrace = new Map<Ms, Set<string>>();
  for (const { entry, presumed } of lost) {
    if (presumed) continue;
    const grace = parts.tasks.get(entry.task)?.grace ?? parts.grace ?? GRACE;
    byGrace.set(grace, (byGrace.get(grace) ?? new Set()).add(entry.id));
  }
  const { clock, groups = null } = parts;
  const counts = await Promise.all([...byGrace].map(([grace, ids]) => endSurvivors(ids, grace, clock, groups)));
  return new Map(counts.flatMap((found) => [...found]));
}

function write(batch: Batch, { store, log }: RecoveryParts): boolean {
  try {
    store.write(batch);
    return true;
  } catch (error) {
    log('error', 'recovered', { msg: `what was settled is not stored yet: ${messageOf(error)}` });
    return false;
  }
}

function tell(settled: readonly Entry[], survivors: ReadonlyMap<string, number>, log: Log): void {
  for (const { id: run, task, due, ending, results, kept, retryAt } of settled) {
    const attempt = (ending?.attempt ?? 1) > 1 ? ending?.attempt : undefined;
    const what = { task, run, due: new Date(due).toISOString(), attempt };
    if (ending?.status === 'Lost') {
      const more = { survivors: survivors.get(run), output: kept ?? undefined };
      const retry = retryAt === null ? undefined : new Date(retryAt).toISOString();
      log('error', 'ended', {
        msg: ending.reason ?? undefined,
        ...what,
        status: 'Lost',
        ended_by: 'lost',
        ...more,
        retry,
      });
    } else {
      const paths = results.map(({ path }) => path);
      const msg = 'it had ended before the scheduler died; its end is recorded now';
      log('info', 'recovered', { msg, ...what, status: ending?.status, result: paths.length > 1 ? paths : paths[0] });
    }
  }
}

/** Gathers what is settled into the one transaction that makes it so. */
class Settling {
  readonly #parts: RecoveryParts;
  readonly #entries = new Map<string, { readonly entry: Entry; readonly output: Output | null }>();
  readonly #states = new Map<string, StoredState>();
  readonly #results = new Map<string, readonly KnownResult[]>();

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  get settled(): Entry[] {
    return [...this.#entries.values()].map(({ entry }) => entry);
  }

  /** @param superseded a later attempt of the run began, whose entry tells of this one */
  async take(
    { entry, output, recorded, owner }: Settled,
    state: StoredState | null,
    superseded: boolean,
  ): Promise<void> {
    if (!superseded) this.#entries.set(entry.id, { entry, output });
    const endedAt = entry.ending?.endedAt ?? entry.due;
    if (state !== null && endedAt >= this.#lastGoodEnd(entry)) this.#states.set(entry.task, state);
    const { tasks, store, clock } = this.#parts;
    const task = tasks.get(entry.task);
    if (task === undefined) return;
    const known = this.#results.get(task.name) ?? store.results(task.name);
    const times = { at: endedAt, now: clock.now() };
    const after = await withRecorded(task, known, recorded, times, owner);
    for (const msg of after.problems) this.#parts.log('warning', 'result', { msg, task: task.name, run: entry.id });
    if (after.known !== null) this.#results.set(task.name, after.known);
  }

  /** The state of a later run may be stored already, where the ledger has forgotten this one by its history. */
  #lastGoodEnd({ id, task }: Entry): EpochMs {
    let looked = 0;
    for (const { id: other, ending } of this.#parts.store.closed(task)) {
      if (other !== id && (ending?.status === 'OK' || ending?.status === 'Retry')) return ending.endedAt;
      looked += 1;
      if (looked === LOOKED_THROUGH) break;
    }
    return Number.NEGATIVE_INFINITY;
  }

  batch({ covered, restored }: Leftovers): Required<Batch> {
    const open = new Map<string, Entry | null>(restored.map((entry) => [entry.id, entry]));
    for (const { id } of covered) open.set(id, null);
    const outputs = new Map<string, Output>();
    const closed = new Map<string, Closing>();
    for (const { entry, output } of this.#entries.values()) {
      const batch = closingOf(entry, output);
      for (const [id, waiting] of batch.open ?? []) open.set(id, waiting);
      for (const [id, kept] of batch.outputs ?? []) outputs.set(id, kept);
      for (const [id, closing] of batch.closed ?? []) closed.set(id, closing);
    }
    return { cursors: this.#cursors(), states: this.#states, results: this.#results, open, outputs, closed };
  }

  /** Where the plan could not be written, the due times of what began are not to be handed out again. */
  #cursors(): Map<string, Cursor> {
    const cursors = new Map<string, Cursor>();
    for (const { task: name, due, byHand } of this.settled) {
      // Of what was asked for the schedule knows nothing.
      if (byHand) continue;
      const cursor = cursors.get(name) ?? this.#parts.store.cursor(name);
      const schedule = this.#parts.tasks.get(name)?.schedule;
      const fingerprint = cursor?.fingerprint ?? schedule?.fingerprint;
      if (fingerprint !== undefined && (cursor?.seen ?? Number.NEGATIVE_INFINITY) < due) {
        const booted = schedule?.kind === 'reboot' && this.#parts.sameBoot ? { boot: this.#parts.boot } : {};
        cursors.set(name, { ...cursor, ...booted, fingerprint, seen: due });
      }
    }
    return cursors;
  }
}
