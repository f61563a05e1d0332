/**
 * What the control socket answers, as JSON, and the commands with `--json` as well: times are ISO 8601 in UTC, null is what
 * there is not. docs/control.md and docs/commands.md describe it. Pure.
 */
import type { FateError } from '../errors.ts';
import type {
  Asked,
  DaemonStatus,
  EndedBy,
  Entry,
  EpochMs,
  LiveRow,
  Ms,
  Problem,
  Restarting,
  Status,
  TaskRow,
  Waited,
} from '../types.ts';

/** A time in ISO 8601, in UTC. */
export type Iso = string;

export interface LiveJson {
  readonly run: string;
  readonly task: string;
  readonly status: 'running' | 'waiting' | 'retry';
  readonly due: Iso;
  readonly attempt: number;
  readonly by_hand: boolean;
  readonly started: Iso | null;
  readonly pid: number | null;
  readonly waited: Waited | null;
  readonly retry: Iso | null;
}

export interface TaskJson {
  readonly task: string;
  readonly description: string | null;
  readonly state: TaskRow['state'];
  readonly schedule: string | null;
  readonly next: Iso | null;
  readonly running: number;
  readonly waiting: number;
  readonly last: {
    readonly run: string;
    readonly due: Iso;
    readonly status: Status | 'skipped';
    readonly at: Iso;
  } | null;
}

export interface StatusJson {
  /** Null, as all that only a scheduler knows, where `fate status` found none. */
  readonly program: string | null;
  readonly version: string | null;
  readonly pid: number | null;
  readonly since: Iso | null;
  readonly stopping: boolean;
  readonly files: readonly string[];
  readonly tasks: number;
  readonly invalid: number;
  readonly running: readonly LiveJson[];
  readonly waiting: readonly LiveJson[];
  readonly next: { readonly task: string; readonly at: Iso } | null;
  readonly executions: number | null;
  readonly failures: number | null;
  readonly reloaded: { readonly at: Iso; readonly ok: boolean } | null;
  /** A restart that was asked for; why the last try came to nothing. */
  readonly restart: { readonly since: Iso; readonly refused: string | null } | null;
}

export interface RestartingJson {
  readonly when_idle: boolean;
  readonly running: readonly string[];
  readonly restarting: boolean;
}

export interface AskedJson {
  readonly run: string;
  readonly task: string;
  readonly waited: Waited | null;
}

/** How a run ended, or why it was not run; the fields are those of `fate runs --json`. */
export interface EndedJson {
  readonly run: string;
  readonly task: string;
  readonly status: Status | 'skipped';
  readonly attempt: number;
  readonly started: Iso | null;
  readonly ended: Iso | null;
  readonly duration_ms: Ms | null;
  readonly exitcode: number | null;
  readonly signal: string | null;
  readonly ended_by: EndedBy | null;
  readonly reason: string | null;
  readonly skipped: { readonly reason: string; readonly detail: string; readonly at: Iso } | null;
}

export interface ErrorJson {
  readonly error: { readonly code: string; readonly message: string; readonly problems?: readonly Problem[] };
}

const iso = (at: EpochMs): Iso => new Date(at).toISOString();
const isoOrNull = (at: EpochMs | null): Iso | null => (at === null ? null : iso(at));

export function liveJson(row: LiveRow): LiveJson {
  return {
    run: row.run,
    task: row.task,
    status: row.phase === 'started' ? 'running' : row.phase,
    due: iso(row.due),
    attempt: row.attempt,
    by_hand: row.byHand,
    started: isoOrNull(row.startedAt),
    pid: row.pid,
    waited: row.waited,
    retry: isoOrNull(row.retryAt),
  };
}

export function taskJson({ next, last, ...row }: TaskRow): TaskJson {
  return {
    task: row.task,
    description: row.description,
    state: row.state,
    schedule: row.schedule,
    next: isoOrNull(next),
    running: row.running,
    waiting: row.waiting,
    last: last === null ? null : { run: last.run, due: iso(last.due), status: last.status, at: iso(last.at) },
  };
}

/** The two lists of runs may be long: they are left to whoever writes them, row by row. */
export function statusHead({
  next,
  reloaded,
  restart,
  ...status
}: DaemonStatus): Omit<StatusJson, 'running' | 'waiting'> {
  return {
    program: status.program,
    version: status.version,
    pid: status.pid,
    since: iso(status.startedAt),
    stopping: status.stopping,
    files: status.files,
    tasks: status.tasks,
    invalid: status.invalid,
    next: next === null ? null : { task: next.task, at: iso(next.at) },
    executions: status.executions,
    failures: status.failures,
    reloaded: reloaded === null ? null : { at: iso(reloaded.at), ok: reloaded.ok },
    restart: restart === null ? null : { since: iso(restart.since), refused: restart.refused },
  };
}

export function restartingJson({ whenIdle, running, restarting }: Restarting): RestartingJson {
  return { when_idle: whenIdle, running, restarting };
}

export function askedJson({ run, waited }: Asked, task: string): AskedJson {
  return { run, task, waited };
}

export function endedJson(entry: Entry): EndedJson {
  const { skipped, ending } = entry;
  const last = entry.phase === 'ended' ? ending : null;
  return {
    run: entry.id,
    task: entry.task,
    status: entry.phase === 'skipped' ? 'skipped' : (ending?.status ?? 'Lost'),
    attempt: entry.attempt,
    started: isoOrNull(last?.startedAt ?? null),
    ended: isoOrNull(last?.endedAt ?? null),
    duration_ms: last?.duration ?? null,
    exitcode: last?.code ?? null,
    signal: last?.signal ?? null,
    ended_by: last?.endedBy ?? null,
    reason: last?.reason ?? null,
    skipped: skipped === null ? null : { reason: skipped.reason, detail: skipped.detail, at: iso(skipped.at) },
  };
}

export function errorJson({ code, message, problems }: Pick<FateError, 'code' | 'message' | 'problems'>): ErrorJson {
  return { error: { code, message, ...(problems.length > 0 && { problems }) } };
}
