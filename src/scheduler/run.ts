/**
 * One run from its start to its recorded end: command, process, log records, result, state. Promises the loop that
 * nothing a task does, and no full disk, ever throws or rejects here; what was not kept is logged with the reason.
 */
import { rmdirSync, unlinkSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { resolveCommand, taskEnvironment } from '../execution/command.ts';
import { launch } from '../execution/launch.ts';
import { statusOf } from '../execution/status.ts';
import { makeFoldersSync } from '../folders.ts';
import { prepareResults, pruneResults, publishResults } from '../output/result.ts';
import type { Batch, KnownResult, StoredState } from '../state/store.ts';
import { decodeState, encodeState } from '../state/task-state.ts';
import type {
  Bytes,
  Clock,
  EpochMs,
  Exit,
  Level,
  LogEvent,
  LogFields,
  Native,
  Outcome,
  RecordedResult,
  Run,
  RunHandle,
  Scope,
} from '../types.ts';
import { headOf, readHead } from './head.ts';
import { failedOutcome } from './outcome.ts';
import { logTaskRecords } from './task-log.ts';

export interface RunParts {
  readonly clock: Clock;
  readonly native: Native;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The task's stored state and the results it is known to have. */
  readonly stored: { state(task: string): StoredState | null; results(task: string): KnownResult[] };
  /** Resolves when it is on the disk; rejects with a sentence. */
  commit(batch: Batch): Promise<void>;
  scope(run: Run): Scope;
  log(level: Level, event: LogEvent, fields: LogFields): void;
  /** `<data>/result` */
  readonly resultFolder: string;
  /** `<state folder>/spool` */
  readonly spool: string;
  /** YYYYmmddTHHMMSS on the task's wall clock. */
  stamp(zone: string | null): (at: EpochMs) => string;
}

function failedHandle(reason: string, since: EpochMs, parts: RunParts): RunHandle {
  const done = Promise.resolve(failedOutcome(reason, parts.clock.now(), since));
  return { pid: null, over: done.then(() => {}), done, end() {}, kill() {} };
}

export function startRun(run: Run, parts: RunParts): RunHandle {
  const { task } = run;
  const since = parts.clock.now();
  const command = resolveCommand(task, parts.scope(run), parts.env);
  if (!command.ok) return failedHandle(command.message, since, parts);
  const spool = join(parts.spool, run.id);
  const before = parts.stored.state(task.name);
  let sent: string;
  try {
    sent = encodeState(before, task.formatState.in);
    makeFoldersSync(spool, 0o700);
  } catch (error) {
    return failedHandle(messageOf(error), since, parts);
  }
  const records = logTaskRecords(run, parts);
  const launched = launch({
    program: command.program,
    argv: command.argv,
    env: taskEnvironment(parts.env, run),
    param: task.param,
    state: sent,
    stdout: join(spool, 'stdout'),
    timeout: task.timeout,
    grace: task.grace,
    clock: parts.clock,
    native: parts.native,
    onStderr: records.push,
  });
  const done = launched.exit.then(async (exit): Promise<Outcome> => {
    records.end();
    try {
      return await settle(run, exit, { spool, before, sent, stderr: records.head() }, parts);
    } catch (error) {
      // Nothing below is meant to throw; if it does all the same, the run still has its end.
      parts.log('error', 'result', { msg: `not recorded: ${messageOf(error)}`, task: task.name, run: run.id });
      return { ...statusOf(exit, task.successExit), exit, results: [], reason: null, stdout: '', stderr: '' };
    }
  });
  return {
    pid: launched.pid,
    over: launched.exit.then(() => {}),
    done,
    end: (by) => launched.end(by),
    kill: () => launched.kill(),
  };
}

interface Started {
  readonly spool: string;
  readonly before: StoredState | null;
  readonly sent: string;
  readonly stderr: string;
}

/** After the end of the process: records what the exit table of SPEC 7 says is to be recorded. */
async function settle(run: Run, exit: Exit, started: Started, parts: RunParts): Promise<Outcome> {
  const { status, level } = statusOf(exit, run.task.successExit);
  const stdoutFile = join(started.spool, 'stdout');
  const keepsState = status === 'OK' || status === 'Retry';
  const state = keepsState ? newState(run, exit, started, parts) : null;
  const recorded = status === 'OK' ? await record(run, exit, started.spool, parts) : { results: [], lost: false };
  const known = await knownResults(run, recorded.results, exit.endedAt, parts);
  if (state !== null || known !== null) {
    const { name } = run.task;
    const batch: Batch = {
      ...(state === null ? {} : { states: new Map([[name, state]]) }),
      ...(known === null ? {} : { results: new Map([[name, known]]) }),
    };
    await parts.commit(batch).catch((error: unknown) => {
      parts.log('error', 'state', { msg: `not stored: ${messageOf(error)}`, task: name, run: run.id });
    });
  }
  const good = status === 'OK';
  const stdout = good ? '' : await readHead(stdoutFile);
  if (!recorded.lost) await removeSpool(started.spool, exit.stdoutBytes);
  return {
    status,
    level,
    exit,
    results: recorded.results,
    reason: exit.failure,
    stdout,
    stderr: good ? '' : headOf(started.stderr),
  };
}

/** What takes no time to free; a large file, or more than the one, is left to other threads. */
const FREED_AT_ONCE: Bytes = 1 << 20;

async function removeSpool(spool: string, stdoutBytes: Bytes): Promise<void> {
  if (stdoutBytes <= FREED_AT_ONCE) {
    try {
      unlinkSync(join(spool, 'stdout'));
      rmdirSync(spool);
      return;
    } catch {
      // There is more in it.
    }
  }
  await rm(spool, { recursive: true, force: true }).catch(() => {});
}

function newState(run: Run, exit: Exit, started: Started, parts: RunParts): StoredState | null {
  const complain = (msg: string): null => {
    parts.log('error', 'state', { msg: `the old state is kept: ${msg}`, task: run.task.name, run: run.id });
    return null;
  };
  if (exit.state === null) return complain('the new one is over 16 MiB');
  const decoded = decodeState(exit.state, run.task.formatState.out, { stored: started.before, sent: started.sent });
  if (decoded.kind === 'bad') return complain(decoded.message);
  return decoded.kind === 'store' ? decoded.state : null;
}

/** Records the result, or keeps the output and says where (SPEC 8, last sentence but one). */
async function record(
  run: Run,
  exit: Exit,
  spool: string,
  parts: RunParts,
): Promise<{ results: readonly RecordedResult[]; lost: boolean }> {
  const { task } = run;
  if (task.resultPath.kind === 'none') return { results: [], lost: false };
  const tell = (level: Level, msg: string): void => parts.log(level, 'result', { msg, task: task.name, run: run.id });
  const file = join(spool, 'stdout');
  if (exit.stdoutError !== null) {
    tell('error', `not recorded, since the output is not whole: ${exit.stdoutError}`);
    return { results: [], lost: false };
  }
  const preparation = await prepareResults({
    file,
    size: exit.stdoutBytes,
    task,
    scope: parts.scope(run),
    endedAt: exit.endedAt,
    resultFolder: parts.resultFolder,
    spool,
    stamp: parts.stamp(task.schedule.timezone),
  });
  for (const warning of preparation.warnings) tell('warning', warning);
  const published = await publishResults(preparation.prepared);
  const problems = [...preparation.problems, ...published.problems];
  for (const problem of problems) tell('error', problem);
  if (problems.length === 0) return { results: published.recorded, lost: false };
  const kept = await keepOutput(file, spool);
  if (kept !== null) tell('error', `the output is kept for 7 days in ${kept}`);
  return { results: published.recorded, lost: kept !== null };
}

/** Leaves nothing but the output in the run's spool folder. */
async function keepOutput(file: string, spool: string): Promise<string | null> {
  const kept = join(spool, 'output');
  try {
    await rename(file, kept);
    for (const name of await readdir(spool)) {
      if (name !== 'output') await rm(join(spool, name), { recursive: true, force: true });
    }
    return kept;
  } catch {
    return null;
  }
}

/** What the task is known to have recorded, after `path.keep`; null when nothing is to be remembered. */
async function knownResults(
  run: Run,
  recorded: readonly RecordedResult[],
  at: EpochMs,
  parts: RunParts,
): Promise<readonly KnownResult[] | null> {
  const { keep, name } = run.task;
  if (recorded.length === 0 || (keep.count === null && keep.age === null && keep.size === null)) return null;
  const known = [...parts.stored.results(name), ...recorded.map(({ path, size }) => ({ path, size, at }))];
  const { left, problems } = await pruneResults(known, keep, parts.clock.now());
  for (const msg of problems) parts.log('warning', 'result', { msg, task: name, run: run.id });
  return left;
}
