/**
 * Which tasks are paused: a file for each in `<state folder>/paused/`, named as the task, in it the instant at which it ends
 * (RFC 3339) or nothing. So a pause survives restarts, needs no scheduler to be made, and each due time costs one open(2).
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';
import { makeFoldersSync } from '../folders.ts';
import type { EpochMs } from '../types.ts';

export interface Pause {
  readonly task: string;
  /** Null: until it is resumed. */
  readonly until: EpochMs | null;
}

const fileOf = (folder: string, task: string): string => join(folder, 'paused', task);

/** The pause of a task that lasts at `now`; null when there is none. What cannot be read is none. */
export function pauseOf(folder: string, task: string, now: EpochMs): Pause | null {
  let text: string;
  try {
    text = readFileSync(fileOf(folder, task), 'utf8').trim();
  } catch {
    return null;
  }
  if (text === '') return { task, until: null };
  const until = Date.parse(text);
  return until > now ? { task, until } : null;
}

/** @throws Error of the file system */
export function pause(folder: string, { task, until }: Pause): void {
  makeFoldersSync(join(folder, 'paused'), 0o700);
  // A name that no task can have: it begins with a dot.
  const whole = join(folder, 'paused', `.${process.pid}`);
  writeFileSync(whole, until === null ? '' : `${new Date(until).toISOString()}\n`, { mode: 0o600 });
  renameSync(whole, fileOf(folder, task));
}

/** False when it was not paused. @throws Error of the file system */
export function resume(folder: string, task: string): boolean {
  try {
    rmSync(fileOf(folder, task));
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** All that last at `now`, by name. */
export function pauses(folder: string, now: EpochMs): Pause[] {
  let names: string[];
  try {
    names = readdirSync(join(folder, 'paused'));
  } catch {
    return [];
  }
  return names
    .filter((name) => !name.startsWith('.'))
    .sort()
    .flatMap((name) => pauseOf(folder, name, now) ?? []);
}
