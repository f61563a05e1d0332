/** From how an attempt ended to what the ledger says of its occurrence from then on: closed, or waiting for a retry. Pure. */
import { nextAttempt } from '../schedule/retry.ts';
import { MOST } from '../state/entry.ts';
import type { Ending, Entry, Outcome, RetryCause, Task } from '../types.ts';

/** The entry of `retry.on` that an end falls under; null for a good one, and for one that somebody wanted. */
function causeOf({ status, exit: { endedBy } }: Outcome): RetryCause | null {
  if (endedBy === 'stop' || endedBy === 'kill' || endedBy === 'replace') return null;
  switch (status) {
    case 'OK':
      return null;
    case 'Retry':
      return 'retry';
    case 'Error':
      return 'error';
    case 'Timeout':
      return 'timeout';
    case 'Failed':
      return 'failed';
    case 'Lost':
      return 'lost';
    default:
      return 'signal';
  }
}

/**
 * The entry after the end of an attempt: `ended`, or `retry` where its task has a retry left for such an end.
 * @param task null where the configuration has it no more
 */
export function conclude(entry: Entry, task: Task | null, outcome: Outcome): Entry {
  const { status, exit, reason } = outcome;
  const ending: Ending = {
    attempt: entry.attempt,
    startedAt: exit.startedAt,
    endedAt: exit.endedAt,
    duration: exit.duration,
    status,
    code: exit.code,
    signal: exit.signal,
    endedBy: exit.endedBy,
    reason,
    memory: exit.usage.memory,
    cpu: exit.usage.cpu,
  };
  const { id, attempt } = entry;
  const cause = causeOf(outcome);
  const retryAt = nextAttempt(task?.retry ?? null, { id, attempt, at: exit.endedAt, cause });
  const closed: Entry = {
    ...entry,
    phase: 'ended',
    startedAt: null,
    pid: null,
    retryAt: null,
    ending,
    earlier: entry.ending === null ? entry.earlier : [...entry.earlier, entry.ending].slice(-MOST.earlier),
    stdoutBytes: exit.stdoutBytes,
    left: exit.left,
  };
  return retryAt === null ? closed : { ...closed, phase: 'retry', attempt: attempt + 1, retryAt, queuedAt: null };
}
