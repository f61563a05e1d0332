/** Makes prepared results appear, each whole, under the first name that is free. Never rejects: problems tell what failed. */
import { dirname } from 'node:path';
import { faultPoint } from '../faults.ts';
import type { RecordedResult } from '../types.ts';
import type { PreparedResult } from './result.ts';
import { discard, reasonOf, syncFolder } from './result-file.ts';
import { putBeside, putInPlace } from './result-link.ts';

export interface Published {
  readonly recorded: RecordedResult[];
  readonly problems: string[];
  /** Temporary files of results that could not be put in place: the caller's to discard, once it has kept the output. */
  readonly failed: string[];
}

/** Gives each result its name, and syncs the folders. */
export async function publishResults(prepared: readonly PreparedResult[]): Promise<Published> {
  const published: Published = { recorded: [], problems: [], failed: [] };
  for (const result of prepared) await publishInto(published, result);
  await syncPlaces(published);
  return published;
}

export async function publishInto({ recorded, problems, failed }: Published, result: PreparedResult): Promise<void> {
  const { temporary, onConflict, ...place } = result;
  try {
    const path = await (onConflict === 'replace' ? putInPlace(temporary, place.target) : putBeside(temporary, place));
    recorded.push(recordOf(result, path));
  } catch (error) {
    problems.push(`${place.target} could not be written: ${reasonOf(error)}`);
    failed.push(temporary);
  }
}

export function recordOf({ label, ext, size }: PreparedResult, path: string): RecordedResult {
  return { path, label, ext, size };
}

/** Makes the names of what was recorded durable. */
export async function syncPlaces({ recorded, problems }: Published): Promise<void> {
  for (const folder of new Set(recorded.map(({ path }) => dirname(path)))) {
    try {
      await syncFolder(folder);
    } catch (error) {
      problems.push(`${folder} could not be synced, its new results may not outlive a power cut: ${reasonOf(error)}`);
    }
  }
  if (recorded.length > 0) faultPoint('result.synced');
}

export async function discardAll(temporaries: readonly string[]): Promise<void> {
  for (const temporary of temporaries) await discard(temporary);
}
