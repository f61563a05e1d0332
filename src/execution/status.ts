/** The exit table of SPEC 7: how the end of a process is called. Pure. */
import type { Exit, Level, Status } from '../types.ts';
import { isOutOfMemory } from './limits.ts';

/** EX_TEMPFAIL's younger brother: "not now, try me again" (SPEC 7). */
const RETRY = 42;

/**
 * Status and log level of a run's end. What Fate did counts before what the process made of it: a run that was
 * stopped is `Terminated` even where it then exits with 0, and one out of time is `Timeout`.
 */
export function statusOf(exit: Exit, successExit: readonly number[]): { status: Status; level: Level } {
  if (exit.failure !== null) return { status: 'Failed', level: 'error' };
  switch (exit.endedBy) {
    case 'timeout':
      return { status: 'Timeout', level: 'error' };
    case 'limit':
      return isOutOfMemory(exit) ? byEnd(exit, successExit) : { status: 'Error', level: 'error' };
    case 'lost':
      return { status: 'Lost', level: 'error' };
    case 'stop':
    case 'kill':
    case 'replace':
      return { status: exit.signal === 'SIGKILL' ? 'Killed' : 'Terminated', level: 'warning' };
    case 'itself':
      return byEnd(exit, successExit);
  }
}

function byEnd({ code, signal }: Exit, successExit: readonly number[]): { status: Status; level: Level } {
  return signal === null ? byCode(code, successExit) : bySignal(signal);
}

function byCode(code: number | null, successExit: readonly number[]): { status: Status; level: Level } {
  if (code === 0 || (code !== null && successExit.includes(code))) return { status: 'OK', level: 'info' };
  // As where no retry is left; only who concludes the run knows of one (scheduler/settle.ts).
  if (code === RETRY) return { status: 'Retry', level: 'warning' };
  return { status: 'Error', level: 'error' };
}

function bySignal(signal: string): { status: Status; level: Level } {
  if (signal === 'SIGKILL') return { status: 'Killed', level: 'error' };
  if (signal === 'SIGTERM') return { status: 'Terminated', level: 'error' };
  return { status: 'Signaled', level: 'error' };
}
