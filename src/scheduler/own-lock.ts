/** The lock of a configuration (SPEC 11), taken for a scheduler, or the words why not. */
import { FateError } from '../errors.ts';
import { acquireLock, type Lock } from '../platform/lock.ts';
import type { Level, LogEvent, LogFields } from '../types.ts';

export interface LockRequest {
  /** The state folder. */
  readonly folder: string;
  readonly program: string;
  /** The scheduler's own run folder. */
  readonly run: string;
  readonly force: boolean;
  log(level: Level, event: LogEvent, fields: LogFields): void;
}

/** Null when another holds it and `--force` was given. @throws FateError LOCK_HELD */
export function takeLock({ folder, program, run, force, log }: LockRequest): Lock | null {
  const lock = acquireLock(folder, { pid: process.pid, program, run });
  if (lock.held) return lock;
  const who = lock.owner === null ? 'another scheduler' : `${lock.owner.program} (pid ${lock.owner.pid})`;
  if (!force) {
    throw new FateError('LOCK_HELD', `${who} runs this configuration already; --force goes on all the same`);
  }
  log('warning', 'lock', { msg: `${who} runs this configuration already; going on, since --force was given` });
  return null;
}
