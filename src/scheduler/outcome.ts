/** Outcomes that come from no process. */
import type { EpochMs, Exit, Outcome } from '../types.ts';

/** A run that could not be started (SPEC 7, `Failed`). */
export function failedOutcome(reason: string, at: EpochMs, since: EpochMs = at): Outcome {
  const exit: Exit = {
    code: null,
    signal: null,
    endedBy: 'itself',
    failure: reason,
    pid: null,
    startedAt: since,
    endedAt: at,
    duration: Math.max(0, at - since),
    stdoutBytes: 0,
    stdoutError: null,
    state: null,
    left: 0,
  };
  return { status: 'Failed', level: 'error', exit, results: [], reason, stdout: '', stderr: '' };
}
