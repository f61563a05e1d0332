/** Outcomes that come from no process: of runs that could not be started, and of runs that were lost. */
import type { Bytes, EpochMs, Exit, Outcome } from '../types.ts';

const NO_EXIT = {
  code: null,
  signal: null,
  endedBy: 'itself',
  limit: null,
  failure: null,
  pid: null,
  stdoutBytes: 0,
  stdoutError: null,
  state: null,
  stderrDropped: 0,
  left: 0,
  usage: { memory: null, cpu: null, outOfMemory: 0 },
} as const;

function outcomeOf(status: 'Failed' | 'Lost', exit: Exit, reason: string): Outcome {
  return { status, level: 'error', exit, results: [], reason, retryAt: null, stdout: '', stderr: '' };
}

/** A run that could not be started (SPEC 7, `Failed`). */
export function failedOutcome(reason: string, at: EpochMs, since: EpochMs = at): Outcome {
  const times = { startedAt: since, endedAt: at, duration: Math.max(0, at - since) };
  return outcomeOf('Failed', { ...NO_EXIT, ...times, failure: reason }, reason);
}

export interface Loss {
  readonly reason: string;
  readonly pid: number | null;
  readonly startedAt: EpochMs;
  /** When it last gave a sign of life, which is all that is known of how long it went. */
  readonly heardAt: EpochMs;
  /** When the loss was noticed: retries count from here. */
  readonly at: EpochMs;
  readonly stdoutBytes: Bytes;
}

/** A run that the scheduler or the machine died under (SPEC 7, `Lost`). */
export function lostOutcome({ reason, pid, startedAt, heardAt, at, stdoutBytes }: Loss): Outcome {
  const times = { startedAt, endedAt: at, duration: Math.max(0, Math.round(heardAt - startedAt)) };
  return outcomeOf('Lost', { ...NO_EXIT, ...times, endedBy: 'lost', pid, stdoutBytes }, reason);
}
