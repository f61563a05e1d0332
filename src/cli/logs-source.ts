/** Where what Fate has logged can be read again. */
import { accessSync, constants, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { configurationStems, type LoadOptions } from '../conf/load.ts';
import { lockOwner } from '../platform/lock.ts';
import type { Paths } from '../platform/paths.ts';
import { stateName } from '../state/folder.ts';
import { LEVELS, type LogTarget } from '../types.ts';
import { folderOf } from './recorded.ts';

export type Source = { readonly kind: 'journal' } | { readonly kind: 'file'; readonly file: string };

export interface Surroundings {
  /** There is a journalctl(1). */
  readonly journalctl: boolean;
  /** systemd is what this machine was booted with (sd_booted(3)). */
  readonly booted: boolean;
  /** The file that is the standard error of the daemon that runs; null where it is none, or there is none. */
  readonly stderr: string | null;
  /** `<data>/fated.log`, where a daemon that went to the background writes; null where it is not there. */
  readonly background: string | null;
}

/**
 * The journal where the scheduler's stderr goes there, as under systemd; else the file that holds most. Null: neither. Pure.
 */
export function chooseSource(targets: readonly LogTarget[], around: Surroundings): Source | null {
  const { journalctl, booted, stderr, background } = around;
  const toStderr = targets.some(({ kind }) => kind === 'stderr');
  if (toStderr && stderr === null && journalctl && booted) return { kind: 'journal' };
  // The first of those of the lowest level.
  const rank = ({ level }: LogTarget): number => LEVELS.indexOf(level);
  const [fullest] = targets.filter(({ kind }) => kind === 'file').sort((a, b) => rank(a) - rank(b));
  const file = fullest?.file ?? (toStderr ? (stderr ?? background) : null);
  if (file !== null) return { kind: 'file', file };
  return toStderr && journalctl ? { kind: 'journal' } : null;
}

export function lookAround(paths: Paths, options: LoadOptions): Surroundings {
  const background = join(paths.data, 'fated.log');
  return {
    journalctl: (process.env.PATH ?? '').split(':').some((folder) => isProgram(join(folder || '.', 'journalctl'))),
    booted: isThere('/run/systemd/system'),
    stderr: stderrOf(lockOwner(join(paths.state, stateName(configurationStems(options))))?.pid ?? null),
    background: isThere(background) ? background : null,
  };
}

/**
 * The user whose programs schedule this configuration: who owns the state. Where that is not there, or not to be seen, root in
 * the profile of the system, else who asks.
 */
export function schedulerUid(paths: Paths, options: LoadOptions): number {
  try {
    return statSync(folderOf(paths.state, stateName(configurationStems(options)))).uid;
  } catch {
    return paths.profile === 'system' ? 0 : options.host.uid;
  }
}

/** proc(5): /proc/PID/fd/2, where that is for us to see. */
function stderrOf(pid: number | null): string | null {
  if (pid === null) return null;
  try {
    const file = readlinkSync(`/proc/${pid}/fd/2`);
    return statSync(file).isFile() ? file : null;
  } catch {
    return null;
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
