/**
 * When tasks are and were paused: a file for each in `<state folder>/paused/`, named as the task, with a line for each pause:
 * from when, and until when it lasts (RFC 3339; left out: until it is resumed). So a pause survives restarts, needs no
 * scheduler to be made, and is known of due times at which nobody was there.
 */
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFoldersSync } from '../folders.ts';
import type { EpochMs, Pause } from '../types.ts';

/** Of each task the latest are remembered: nobody asks for those before. */
const REMEMBERED = 50;

const fileOf = (folder: string, task: string): string => join(folder, 'paused', task);
const isActive = ({ from, until }: Pause, now: EpochMs): boolean => from <= now && now < until;

/** Oldest first. What cannot be read is none. */
export function pausesOf(folder: string, task: string): readonly Pause[] {
  let text: string;
  try {
    text = readFileSync(fileOf(folder, task), 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [from = '', until] = line.trim().split(' ');
    const pause = { from: Date.parse(from), until: until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until) };
    return Number.isNaN(pause.from) || Number.isNaN(pause.until) ? [] : [pause];
  });
}

/** The pause that lasts at an instant; null when there is none. */
export function pauseAt(folder: string, task: string, now: EpochMs): Pause | null {
  return pausesOf(folder, task).find((pause) => isActive(pause, now)) ?? null;
}

/** Begins a pause, or changes how long the one lasts that goes. @throws Error of the file system */
export function pause(folder: string, task: string, { from, until }: Pause): void {
  const others = pausesOf(folder, task).filter((other) => !isActive(other, from));
  const going = pauseAt(folder, task, from);
  write(folder, task, [...others, { from: going?.from ?? from, until }]);
}

/** Ends the pause that lasts; false when there is none. @throws Error of the file system */
export function resume(folder: string, task: string, now: EpochMs): boolean {
  const going = pauseAt(folder, task, now);
  if (going === null) return false;
  const others = pausesOf(folder, task).filter((other) => !isActive(other, now));
  write(folder, task, [...others, { from: going.from, until: now }]);
  return true;
}

/** The tasks that are paused, by name. */
export function pausedTasks(folder: string, now: EpochMs): { readonly task: string; readonly until: EpochMs }[] {
  let names: string[];
  try {
    names = readdirSync(join(folder, 'paused'));
  } catch {
    return [];
  }
  return names
    .filter((name) => !name.startsWith('.'))
    .sort()
    .flatMap((task) => {
      const going = pauseAt(folder, task, now);
      return going === null ? [] : [{ task, until: going.until }];
    });
}

function write(folder: string, task: string, pauses: readonly Pause[]): void {
  const iso = (at: EpochMs): string => new Date(at).toISOString();
  const lines = pauses
    .slice(-REMEMBERED)
    .map(({ from, until }) => (until === Number.POSITIVE_INFINITY ? `${iso(from)}\n` : `${iso(from)} ${iso(until)}\n`));
  makeFoldersSync(join(folder, 'paused'), 0o700);
  // A name that no task can have: it begins with a dot.
  const whole = join(folder, 'paused', `.${process.pid}`);
  writeFileSync(whole, lines.join(''), { mode: 0o600 });
  renameSync(whole, fileOf(folder, task));
}
