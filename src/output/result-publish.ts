/** Makes prepared results appear, each whole, under the first name that is free. Never rejects: problems tell what failed. */
import type { BigIntStats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { faultPoint } from '../faults.ts';
import type { RecordedResult } from '../types.ts';
import { Anchors } from './anchors.ts';
import type { PreparedResult } from './result.ts';
import { discard, reasonOf } from './result-file.ts';
import { putBeside, putInPlace } from './result-link.ts';

export interface Published {
  readonly recorded: RecordedResult[];
  readonly problems: string[];
  /** What could not be put in place: the caller's to discard, once it has kept the output. */
  readonly failed: PreparedResult[];
}

/** What was published so far, and the folders in which something is to be synced, with the user of the task. */
export interface Publishing extends Published {
  readonly places: Map<string, number | null>;
  readonly anchors: Anchors;
}

export function beginPublishing(): Publishing {
  return { recorded: [], problems: [], failed: [], places: new Map(), anchors: new Anchors() };
}

/** Gives each result its name, and syncs the folders. */
export async function publishResults(prepared: readonly PreparedResult[]): Promise<Published> {
  const publishing = beginPublishing();
  for (const result of prepared) await publishInto(publishing, result);
  return endPublishing(publishing);
}

export async function publishInto(publishing: Publishing, result: PreparedResult): Promise<void> {
  const { target, suffix, onConflict, owner } = result;
  const folder = dirname(target);
  try {
    const anchor = await publishing.anchors.of(folder, owner);
    const temporary = anchor.at(basename(result.temporary));
    const place = { target: anchor.at(basename(target)), suffix };
    // Where others write, the folder or the name may be another one by now.
    if (owner !== null && !isKnown(await lstat(temporary, { bigint: true }), result)) {
      throw new Error(`what was written to ${result.temporary} is not there any more`);
    }
    const path = await (onConflict === 'replace'
      ? putInPlace(temporary, place.target, anchor.ours ? null : owner)
      : putBeside(temporary, place));
    recordAt(publishing, result, join(folder, basename(path)));
  } catch (error) {
    publishing.problems.push(`${target} could not be written: ${reasonOf(error)}`);
    publishing.failed.push(result);
  }
}

/**
 * Numbers of devices may be given anew at each boot (device mapper, btrfs), while the place is in the same folder as the
 * temporary was: then the size has to do. A size may have grown by what somebody appended.
 */
export function isKnown(found: BigIntStats, { dev, ino, size }: PreparedResult): boolean {
  return String(found.ino) === ino && (String(found.dev) === dev || found.size === BigInt(size));
}

/** @param path where the result is in place */
export function recordAt({ recorded, places }: Publishing, result: PreparedResult, path: string): void {
  const { label, ext, size, owner } = result;
  recorded.push({ path, label, ext, size });
  places.set(dirname(path), owner);
}

/** Makes the names of what was recorded durable. */
export async function endPublishing({ places, anchors, ...published }: Publishing): Promise<Published> {
  for (const [folder, owner] of places) {
    try {
      await (await anchors.of(folder, owner)).sync();
    } catch (error) {
      published.problems.push(
        `${folder} could not be synced, its new results may not outlive a power cut: ${reasonOf(error)}`,
      );
    }
  }
  await anchors.close();
  if (published.recorded.length > 0) faultPoint('result.synced');
  return published;
}

/** Removes what was written beside the places. Never rejects. */
export async function discardAll(results: readonly PreparedResult[]): Promise<void> {
  const anchors = new Anchors();
  for (const { temporary, owner } of results) {
    try {
      await discard((await anchors.of(dirname(temporary), owner)).at(basename(temporary)));
    } catch {
      // Its folder is not there any more, or cannot be entered safely.
    }
  }
  await anchors.close();
}
