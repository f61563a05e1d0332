/**
 * What recovery does about one attempt that a crash broke off: finishes it from its outcome, or gives it up as lost. Promises
 * that doing it again, as after a crash in the middle of it, changes nothing more.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { faultPoint } from '../faults.ts';
import { removeBeside } from '../output/result-beside.ts';
import { finishResults } from '../output/result-finish.ts';
import type { Entry, EpochMs, Level, LogEvent, LogFields, Output, RecordedResult, Task } from '../types.ts';
import { EMPTY, readExcerpt } from './excerpt.ts';
import type { Attempt, LostAttempt } from './leftovers.ts';
import type { AttemptEnd } from './marks.ts';
import { lostOutcome } from './outcome.ts';
import { concluded, outputOf, withResults } from './settle.ts';
import { KEPT, keepOutput, keptIn, STDOUT } from './spool.ts';

export type Log = (level: Level, event: LogEvent, fields: LogFields) => void;

export interface Settled {
  readonly entry: Entry;
  readonly output: Output | null;
  readonly recorded: readonly RecordedResult[];
  /** The uid of the task's user, to whom they belong; null where it ran as the scheduler. */
  readonly owner: number | null;
}

/** Links the results that are not in place yet. */
export async function finishAttempt({ folder, end }: Attempt & { end: AttemptEnd }, log: Log): Promise<Settled> {
  faultPoint('recovery.outcome');
  const { id, task, ending } = end.entry;
  const tell = (level: Level, msg: string): void => log(level, 'result', { msg, task, run: id });
  const { recorded, problems, gone } = await finishResults(end.results, join(folder, STDOUT));
  for (const problem of problems) tell('error', problem);
  for (const target of gone) tell('info', `the result for ${target} was moved or deleted meanwhile`);
  // Before the crash it may have been kept already.
  const kept = end.keep || problems.length > 0 ? await keepOutput(folder) : await keptIn(folder);
  if (kept !== null) tell('error', `the output is kept for 7 days in ${kept}`);
  await removeTemporaries(id, folder, tell);
  const output = ending?.status === 'OK' ? null : outputOf(await outputFile(folder), end.stderr ?? EMPTY);
  // Of one run all have the same.
  const owner = end.results[0]?.owner ?? null;
  return { entry: withResults(end.entry, recorded, kept), output, recorded, owner };
}

const DIED = 'the scheduler died while it ran';
const WENT_DOWN = 'the machine went down while it ran';
const PRESUMED = 'the machine went down when it was due; it may have been started';

/** Keeps what it wrote and says how it ended; a retry is made only where the task wants one for lost runs. */
export async function loseAttempt(
  { entry, folder, presumed }: LostAttempt,
  task: Task | null,
  around: { readonly sameBoot: boolean; readonly now: EpochMs },
  log: Log,
): Promise<Settled> {
  faultPoint('recovery.lost');
  if (folder !== null) {
    await removeTemporaries(entry.id, folder, (level, msg) => {
      log(level, 'result', { msg, task: entry.task, run: entry.id });
    });
  }
  const stdout = folder === null ? EMPTY : await outputFile(folder);
  const startedAt = entry.startedAt ?? entry.retryAt ?? entry.due;
  const outcome = lostOutcome({
    reason: presumed ? PRESUMED : around.sameBoot ? DIED : WENT_DOWN,
    pid: entry.pid,
    startedAt,
    heardAt: folder === null ? startedAt : await lastWritten(folder, startedAt),
    at: around.now,
    stdoutBytes: stdout.size,
  });
  const kept = folder === null || stdout.size === 0 ? null : await keepOutput(folder);
  const after = concluded(entry, task, outcome).entry;
  return { entry: withResults(after, [], kept), output: outputOf(stdout, EMPTY), recorded: [], owner: null };
}

async function removeTemporaries(id: string, folder: string, tell: (level: Level, msg: string) => void): Promise<void> {
  for (const path of await removeBeside(id, folder)) tell('warning', `${path} is left over and could not be removed`);
}

/** Under the name that it has by now. */
async function outputFile(folder: string): ReturnType<typeof readExcerpt> {
  const kept = await readExcerpt(join(folder, KEPT));
  return kept.size > 0 ? kept : readExcerpt(join(folder, STDOUT));
}

async function lastWritten(folder: string, startedAt: EpochMs): Promise<EpochMs> {
  for (const name of [KEPT, STDOUT]) {
    const found = await stat(join(folder, name)).catch(() => null);
    if (found !== null) return Math.max(startedAt, found.mtimeMs);
  }
  return startedAt;
}
