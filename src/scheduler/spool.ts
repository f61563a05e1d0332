/** The spool: a folder per run until its end is recorded; output that could not be recorded stays for 7 days (SPEC 8). */
import { statfsSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFoldersSync } from '../folders.ts';
import type { EpochMs, Ms } from '../types.ts';

const KEPT_FOR: Ms = 7 * 86_400_000;
/** No run starts while less than this part of the file system is free (SPEC 7). */
const LEAST_FREE = 0.05;

export function makeSpool(folder: string): string {
  const spool = join(folder, 'spool');
  makeFoldersSync(spool, 0o700);
  return spool;
}

/** Removes what is older than 7 days. Never rejects: what cannot be removed now is tried again another day. */
export async function pruneSpool(spool: string, now: EpochMs): Promise<void> {
  for (const name of await readdir(spool).catch(() => [])) {
    const folder = join(spool, name);
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
