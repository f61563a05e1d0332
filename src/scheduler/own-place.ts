/** What a scheduler has for itself while it is there: the lock of its configuration, and its run folder (SPEC 11). */
import { FateError } from '../errors.ts';
import { acquireLock, type Lock } from '../platform/lock.ts';
import { makeRunFolder, makeRunFolders, pruneRunFolders, removeRunFolder, runFolder } from '../platform/run-folder.ts';
import type { Level, LogEvent, LogFields } from '../types.ts';
import type { Closing } from './closing.ts';

export interface PlaceRequest {
  /** The state folder. */
  readonly folder: string;
  /** `<run>` */
  readonly run: string;
  readonly program: string;
  /** Of the configuration. */
  readonly files: readonly string[];
  readonly force: boolean;
  /** Remove the run folders of schedulers that are no more. */
  readonly prune: boolean;
  log(level: Level, event: LogEvent, fields: LogFields): void;
}

export interface Place {
  /** False: another has the lock, and what it has open is its own. */
  readonly locked: boolean;
  /** `<run>/run-<pid>` */
  readonly folder: string;
}

/** @throws FateError LOCK_HELD; an error of the file system */
export function takePlace(request: PlaceRequest, closing: Closing): Place {
  const { run, files, prune, log } = request;
  const folder = runFolder(run, process.pid);
  const lock = takeLock(request, folder);
  if (lock !== null) closing.add(() => lock.release());
  makeRunFolders(run);
  const stale = prune ? pruneRunFolders(run) : [];
  for (const msg of stale) log('warning', 'start', { msg });
  makeRunFolder(folder, files);
  closing.add(() => void removeRunFolder(folder));
  return { locked: lock !== null, folder };
}

/** Null when another holds it and `--force` was given. @throws FateError LOCK_HELD */
function takeLock({ folder, program, force, log }: PlaceRequest, run: string): Lock | null {
  const lock = acquireLock(folder, { pid: process.pid, program, run });
  if (lock.held) return lock;
  const who = lock.owner === null ? 'another scheduler' : `${lock.owner.program} (pid ${lock.owner.pid})`;
  if (!force) {
    throw new FateError('LOCK_HELD', `${who} runs this configuration already; --force goes on all the same`);
  }
  log('warning', 'lock', { msg: `${who} runs this configuration already; going on, since --force was given` });
  return null;
}
