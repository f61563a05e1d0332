/**
 * The start of one run: context, command, mark, process. Promises the loop that nothing ever throws or rejects here, and that there is
 * a mark in the spool before there is a process, so that after a crash no run is started twice. Its end is in settle.ts.
 */
import { basename, join } from 'node:path';
import { messageOf } from '../errors.ts';
import { resolveCommand } from '../execution/command.ts';
import { settleContext } from '../execution/context.ts';
import { placeCredentials, removeCredentials } from '../execution/credentials.ts';
import { launch } from '../execution/launch.ts';
import { faultPoint } from '../faults.ts';
import { makeFoldersSync } from '../folders.ts';
import { reasonOf } from '../output/result-file.ts';
import type { Batch, StoredState } from '../state/store.ts';
import { encodeState } from '../state/task-state.ts';
import type {
  Accounts,
  Bytes,
  Clock,
  Concluded,
  ControlGroups,
  Entry,
  EpochMs,
  Exit,
  KnownResult,
  Level,
  LogEvent,
  LogFields,
  Native,
  Run,
  RunHandle,
  Scope,
} from '../types.ts';
import type { Durable } from './books.ts';
import { writeMark } from './marks.ts';
import { failedOutcome } from './outcome.ts';
import { closeEntry, concluded, settle } from './settle.ts';
import { attemptFolder, clearAttempt, STDOUT } from './spool.ts';
import { logTaskRecords } from './task-log.ts';

export interface RunParts {
  readonly clock: Clock;
  readonly native: Native;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly accounts: Accounts;
  /** The scheduler's effective user. */
  readonly uid: number;
  /** Null where runs have no control groups. */
  controlGroups(): ControlGroups | null;
  /** For a folder per run that has credentials; on a file system in memory, if there is one. */
  readonly credentials: string;
  /** The task's stored state and the results it is known to have. */
  readonly stored: { state(task: string): StoredState | null; results(task: string): readonly KnownResult[] };
  /** Resolves after the first attempt to write it; what was refused is tried again by whoever took it. Never rejects. */
  close(batch: Batch): Promise<Durable>;
  scope(run: Run): Scope;
  log(level: Level, event: LogEvent, fields: LogFields): void;
  /** `<data>/result` */
  readonly resultFolder: string;
  /** `<state folder>/spool` */
  readonly spool: string;
  /** YYYYmmddTHHMMSS on the task's wall clock. */
  stamp(zone: string | null): (at: EpochMs) => string;
}

const NOTHING_WRITTEN: Bytes = 0;

/** What a run needs, looked up. */
type Prepared =
  | { readonly ok: true; readonly settled: Ready; readonly command: Command; readonly sent: string }
  | { readonly ok: false; readonly message: string };
type Ready = Extract<ReturnType<typeof settleContext>, { readonly ok: true }>;
type Command = Extract<ReturnType<typeof resolveCommand>, { readonly ok: true }>;

function prepare(run: Run, before: StoredState | null, parts: RunParts): Prepared {
  const scope = parts.scope(run);
  try {
    const settled = settleContext(run, scope, parts);
    if (!settled.ok) return settled;
    const command = resolveCommand(run.task, scope, settled.env, settled.context.cwd);
    if (!command.ok) return command;
    return { ok: true, settled, command, sent: encodeState(before, run.task.formatState.in) };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

/** @param entry of the run, as it is in the ledger; `attempt` is the one that starts */
export function startRun(run: Run, entry: Entry, parts: RunParts): RunHandle {
  const { task } = run;
  const since = parts.clock.now();
  const fail = (reason: string): RunHandle => failedHandle({ ...entry, startedAt: since }, run, reason, parts);
  const note = (msg: string): void => parts.log('warning', 'started', { msg, task: task.name, run: run.id });
  const folder = attemptFolder(parts.spool, run);
  const before = parts.stored.state(task.name);
  const prepared = prepare(run, before, parts);
  if (!prepared.ok) return fail(prepared.message);
  const { settled, command, sent } = prepared;
  const { identity } = settled.context;
  for (const msg of settled.warnings) note(msg);
  const credentials = task.context.credentials.length === 0 ? null : join(parts.credentials, basename(folder));
  const refused = credentials && placeCredentials(credentials, task, identity, parts.env);
  if (refused) return fail(refused);
  const started: Entry = { ...entry, phase: 'started', startedAt: since, pid: null };
  try {
    faultPoint('run.folder');
    makeFoldersSync(folder, 0o700);
    faultPoint('run.starting');
    writeMark(folder, started);
    faultPoint('run.spawn');
  } catch (error) {
    // Without a whole mark nothing was started.
    void clearAttempt(folder, NOTHING_WRITTEN);
    if (credentials !== null) removeCredentials(credentials);
    return fail(`its start could not be noted in ${folder}: ${reasonOf(error)}`);
  }
  const records = logTaskRecords(run, parts);
  const launched = launch({
    program: command.program,
    argv: command.argv,
    env: credentials === null ? settled.env : { ...settled.env, CREDENTIALS_DIRECTORY: credentials },
    context: settled.context,
    group: parts.controlGroups()?.make(run.id, task.limits) ?? null,
    outputLimit: task.limits.output,
    logLimit: task.limits.log,
    memoryLimit: task.limits.memory,
    param: task.param,
    state: sent,
    stdout: join(folder, STDOUT),
    timeout: task.timeout,
    grace: task.grace,
    clock: parts.clock,
    native: parts.native,
    onStderr: records.push,
    onNote: note,
  });
  faultPoint('run.spawned');
  const ended = (exit: Exit): Promise<Concluded> => {
    records.end();
    if (credentials !== null) removeCredentials(credentials);
    const running: Entry = { ...started, startedAt: exit.startedAt, pid: exit.pid };
    return settle({ run, entry: running, exit, folder, before, sent, stderr: records.excerpt, identity }, parts);
  };
  return {
    pid: launched.pid,
    over: launched.exit.then(() => {}),
    done: launched.exit.then(ended),
    end: (by) => launched.end(by),
    kill: () => launched.kill(),
  };
}

/** It left nothing in the spool: a crash before this is recorded finds it as it was before. */
function failedHandle(entry: Entry, run: Run, reason: string, parts: RunParts): RunHandle {
  const outcome = failedOutcome(reason, parts.clock.now(), entry.startedAt ?? parts.clock.now());
  const done = Promise.resolve().then(async () => {
    const end = concluded(entry, run.task, outcome);
    await closeEntry(parts, end.entry, null, {});
    return end;
  });
  // Before `done`, as with a process: who is over later than recorded would keep its lock for ever.
  return { pid: null, over: Promise.resolve(), done, end() {}, kill() {} };
}
