/**
 * The spool: a folder per attempt until its end is recorded. Promises that output which could not be recorded stays for
 * 7 days (SPEC 8), and that nothing else does.
 */
import { rmdirSync, statfsSync, unlinkSync } from 'node:fs';
import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFoldersSync } from '../folders.ts';
import { NOTES } from '../output/result-beside.ts';
import type { Bytes, EpochMs, Ms } from '../types.ts';
import { MARK, OUTCOME } from './marks.ts';

/** What comes from fd 1, as it comes. */
export const STDOUT = 'stdout';
/** The same, once it is kept for people. */
export const KEPT = 'output';

const KEPT_FOR: Ms = 7 * 86_400_000;
/** No run starts while less than this part of the file system is free (SPEC 7). */
const LEAST_FREE = 0.05;
/** What takes no time to free; a large file, or more than is known of, is left to other threads. */
const FREED_AT_ONCE: Bytes = 1 << 20;
/** What the record of a run keeps of its output at most (excerpt.ts). */
const EXCERPT: Bytes = 80 * 1024;

export function makeSpool(folder: string): string {
  const spool = join(folder, 'spool');
  makeFoldersSync(spool, 0o700);
  return spool;
}

/** The folder of one attempt of a run. */
export function attemptFolder(spool: string, { id, attempt }: { id: string; attempt: number }): string {
  return join(spool, attempt === 1 ? id : `${id}-${attempt}`);
}

/** Removes what was kept for longer than 7 days. Never rejects: what cannot be removed now is tried again another day. */
export async function pruneSpool(spool: string, now: EpochMs): Promise<void> {
  for (const name of await readdir(spool).catch(() => [])) {
    const folder = join(spool, name);
    // A folder without it belongs to a run that goes, for however long.
    if ((await keptIn(folder)) === null) continue;
    const changed = await lstat(folder).then(
      (stat) => stat.mtimeMs,
      () => now,
    );
    if (now - changed > KEPT_FOR) await rm(folder, { recursive: true, force: true }).catch(() => {});
  }
}

/** Whether there is room to start a run. A file system that cannot be asked is taken to have it. */
export function hasRoom(spool: string): boolean {
  try {
    const { bavail, blocks } = statfsSync(spool);
    return blocks === 0 || bavail / blocks >= LEAST_FREE;
  } catch {
    return true;
  }
}

/** Puts the whole output aside for people. Answers where it is, or null where there is none; once more changes nothing. */
export async function keepOutput(folder: string): Promise<string | null> {
  const kept = join(folder, KEPT);
  try {
    await rename(join(folder, STDOUT), kept);
    return kept;
  } catch {
    return keptIn(folder);
  }
}

/**
 * Frees the room of an output of which nothing more is to be recorded but what is in memory already: it may be the very
 * room that the ledger, on the same disk, waits for. Never rejects.
 */
export async function freeOutput(folder: string, stdoutBytes: Bytes): Promise<void> {
  if (stdoutBytes > EXCERPT) await rm(join(folder, STDOUT), { force: true }).catch(() => {});
}

export async function keptIn(folder: string): Promise<string | null> {
  const kept = join(folder, KEPT);
  return lstat(kept).then(
    (stat) => (stat.isFile() ? kept : null),
    () => null,
  );
}

/**
 * Clears the folder of an attempt whose end is durable: nothing stays but output that was kept. The mark goes first and at
 * once, so that what is left of the folder after a crash in between is nothing to anybody. Never rejects.
 */
export async function clearAttempt(folder: string, stdoutBytes: Bytes): Promise<void> {
  unlinkIfThere(join(folder, MARK));
  unlinkIfThere(join(folder, OUTCOME));
  unlinkIfThere(join(folder, NOTES));
  if (stdoutBytes <= FREED_AT_ONCE) unlinkIfThere(join(folder, STDOUT));
  try {
    rmdirSync(folder);
    return;
  } catch {
    // There is more in it, or it is not there at all.
  }
  const names: readonly string[] = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (name !== KEPT) await rm(join(folder, name), { recursive: true, force: true }).catch(() => {});
  }
  if (names.length > 0 && !names.includes(KEPT)) await rm(folder, { recursive: true, force: true }).catch(() => {});
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // What cannot be removed is settled, and removed, at the next start.
  }
}
