/**
 * The end of one attempt, after its process: outcome, results, ledger, in the order that lets recovery finish it from any
 * point (docs/durability.md). Promises that it never rejects, and that what was not kept is logged with the reason.
 */
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { outOfMemory } from '../execution/limits.ts';
import { statusOf } from '../execution/status.ts';
import { faultPoint } from '../faults.ts';
import { type Preparation, prepareResults, publishResults } from '../output/result.ts';
import { reasonOf } from '../output/result-file.ts';
import { discardAll } from '../output/result-publish.ts';
import { formatSize } from '../schedule/size.ts';
import { MOST } from '../state/entry.ts';
import type { Batch, StoredState } from '../state/store.ts';
import { decodeState } from '../state/task-state.ts';
import type {
  Concluded,
  Entry,
  Excerpt,
  Exit,
  Identity,
  Level,
  LogEvent,
  Outcome,
  Output,
  RecordedResult,
  Run,
  Task,
} from '../types.ts';
import type { Durable } from './books.ts';
import { conclude } from './conclude.ts';
import { EMPTY, headOf, readExcerpt } from './excerpt.ts';
import { inTurn, keepsCount, withRecorded } from './known-results.ts';
import { writeOutcome } from './marks.ts';
import type { RunParts } from './run.ts';
import { clearAttempt, freeOutput, keepOutput, STDOUT } from './spool.ts';

export interface Ended {
  readonly run: Run;
  /** As it stood while the process went. */
  readonly entry: Entry;
  readonly exit: Exit;
  /** Of the attempt, in the spool. */
  readonly folder: string;
  /** The task's state before, and what fd 3 was given of it. */
  readonly before: StoredState | null;
  readonly sent: string;
  /** As whom it ran, to whom its results are to belong; null where that was the scheduler. */
  readonly identity: Identity | null;
  readonly stderr: () => Excerpt;
}

type Tell = (level: Level, msg: string, event?: LogEvent) => void;

/** The outcome with its entry; a Retry is no reason to worry while there is one left (SPEC 7). */
export function concluded(entry: Entry, task: Task | null, outcome: Outcome): Concluded {
  const after = conclude(entry, task, outcome);
  const { retryAt } = after;
  const level = outcome.status === 'Retry' && retryAt !== null ? 'info' : outcome.level;
  return { outcome: { ...outcome, level, retryAt }, entry: after };
}

/** Closes the entry, or leaves it open for its next attempt; what it wrote can be looked at meanwhile. */
export function closingOf(entry: Entry, output: Output | null): Batch {
  const { id, phase } = entry;
  if (phase !== 'retry') return { closed: new Map([[id, { entry, output }]]) };
  return { open: new Map([[id, entry]]), ...(output !== null && { outputs: new Map([[id, output]]) }) };
}

export async function closeEntry(
  parts: RunParts,
  entry: Entry,
  output: Output | null,
  more: Pick<Batch, 'states' | 'results'>,
): Promise<Durable> {
  faultPoint('run.closing');
  const durable = await parts.close({ ...closingOf(entry, output), ...more });
  faultPoint('run.closed');
  return durable;
}

/** Nothing is worth keeping of what was never written. */
export function outputOf(stdout: Excerpt, stderr: Excerpt): Output | null {
  return stdout.size + stderr.size === 0 ? null : { stdout, stderr };
}

export function withResults(entry: Entry, recorded: readonly RecordedResult[], kept: string | null): Entry {
  const results = recorded.slice(0, MOST.results);
  return { ...entry, results, resultCount: recorded.length, kept: kept ?? entry.kept };
}

export async function settle(ended: Ended, parts: RunParts): Promise<Concluded> {
  const { run, exit, entry } = ended;
  const tell: Tell = (level, msg, event = 'result') =>
    parts.log(level, event, { msg, task: run.task.name, run: run.id });
  const outcome = (stdout: string, stderr: string): Outcome => {
    const base = { ...statusOf(exit, run.task.successExit), exit, results: [], reason: whyOf(exit, run.task) };
    return { ...base, retryAt: null, stdout, stderr };
  };
  if (exit.stderrDropped > 0) tell('warning', dropped(exit, run.task), 'log');
  try {
    faultPoint('run.ended');
    const good = statusOf(exit, run.task.successExit).status === 'OK';
    const stdout = good ? EMPTY : await readExcerpt(join(ended.folder, STDOUT));
    const stderr = good ? EMPTY : ended.stderr();
    faultPoint('run.output');
    return await record(ended, outcome(headOf(stdout), headOf(stderr)), outputOf(stdout, stderr), parts, tell);
  } catch (error) {
    // Nothing below is meant to throw; if it does all the same, the run still has its end.
    tell('error', `not recorded: ${messageOf(error)}`);
    const end = concluded(entry, run.task, outcome('', ''));
    await closeEntry(parts, end.entry, null, {}).catch(() => {});
    return end;
  }
}

/** What there is to say of an end besides its status. */
function whyOf({ failure, limit, usage }: Exit, { limits }: Task): string | null {
  // One that is good, or that Fate ended, has met no limit, and lost processes all the same.
  return failure ?? limit ?? (usage.outOfMemory === 0 ? null : outOfMemory(usage, limits.memory));
}

function dropped({ stderrDropped }: Exit, { limits }: Task): string {
  const past = limits.log === null ? 'its limit' : `limits.log (${formatSize(limits.log)})`;
  const be = stderrDropped === 1 ? 'was' : 'were';
  return `${formatSize(stderrDropped)} of standard error past ${past} ${be} dropped`;
}

async function record(
  ended: Ended,
  outcome: Outcome,
  output: Output | null,
  parts: RunParts,
  tell: Tell,
): Promise<Concluded> {
  const { run, exit, folder } = ended;
  const { task } = run;
  const state = outcome.status === 'OK' || outcome.status === 'Retry' ? newState(ended, tell) : null;
  const preparation = outcome.status === 'OK' ? await prepare(ended, parts, tell) : NO_RESULTS;
  const { prepared, problems } = preparation;
  const end = concluded(ended.entry, task, outcome);
  const stderr = output?.stderr ?? null;
  const note = { entry: end.entry, results: prepared, keep: problems.length > 0, state, stderr };
  // Half an output is no result, and where there was no room for it there is none for what follows.
  if (exit.stdoutError !== null) await freeOutput(folder, exit.stdoutBytes);
  await writeOutcome(folder, note).catch((error: unknown) => {
    tell('warning', `a crash now would lose the run, since its end could not be noted: ${reasonOf(error)}`);
  });
  const published = await publishResults(prepared);
  for (const problem of published.problems) tell('error', problem);
  let kept: string | null = null;
  if (problems.length + published.problems.length > 0) {
    kept = await keepOutput(folder);
    if (kept !== null) tell('error', `the output is kept for 7 days in ${kept}`);
    await discardAll(published.failed);
  }
  const { recorded } = published;
  const entry = withResults(end.entry, recorded, kept);
  const close = async (): Promise<Durable> => {
    const times = { at: exit.endedAt, now: parts.clock.now() };
    const known = parts.stored.results(task.name);
    const after = await withRecorded(task, known, recorded, times, ended.identity?.uid ?? null);
    for (const problem of after.problems) tell('warning', problem);
    return closeEntry(parts, entry, output, {
      ...(state === null ? {} : { states: new Map([[task.name, state]]) }),
      ...(after.known === null ? {} : { results: new Map([[task.name, after.known]]) }),
    });
  };
  const durable = await (keepsCount(task) && recorded.length > 0 ? inTurn(task.name, close) : close());
  // Until then the folder is all that a crash would leave of this end.
  const cleared = durable.later.then(() => clearAttempt(folder, exit.stdoutBytes));
  if (durable.now) await cleared;
  else await freeOutput(folder, exit.stdoutBytes);
  faultPoint('run.removed');
  return { outcome: { ...end.outcome, results: recorded }, entry };
}

const NO_RESULTS: Preparation = { prepared: [], problems: [], warnings: [] };

/** Prepares the result, or says why there is none. */
async function prepare({ run, exit, folder, identity }: Ended, parts: RunParts, tell: Tell): Promise<Preparation> {
  const { task } = run;
  if (task.resultPath.kind === 'none') return NO_RESULTS;
  if (exit.stdoutError !== null) {
    tell('error', `not recorded, since the output is not whole: ${exit.stdoutError}`);
    return NO_RESULTS;
  }
  const preparation = await prepareResults({
    file: join(folder, STDOUT),
    size: exit.stdoutBytes,
    task,
    scope: parts.scope(run),
    endedAt: exit.endedAt,
    resultFolder: parts.resultFolder,
    spool: folder,
    owner: identity,
    stamp: parts.stamp(task.schedule.timezone),
  });
  for (const warning of preparation.warnings) tell('warning', warning);
  for (const problem of preparation.problems) tell('error', problem);
  return preparation;
}

function newState({ run, exit, before, sent }: Ended, tell: Tell): StoredState | null {
  const complain = (msg: string): null => {
    tell('error', `the old state is kept: ${msg}`, 'state');
    return null;
  };
  if (exit.state === null) return complain('the new one is over 16 MiB');
  const decoded = decodeState(exit.state, run.task.formatState.out, { stored: before, sent });
  if (decoded.kind === 'bad') return complain(decoded.message);
  return decoded.kind === 'store' ? decoded.state : null;
}
