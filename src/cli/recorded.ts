/**
 * What the commands that look back read: the ledger of the configuration in use, and that configuration itself as far as
 * it can be read. Promises that nothing is made or written, with a daemon or without (SPEC 12).
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { configurationStems, loadConfiguration } from '../conf/load.ts';
import { FateError } from '../errors.ts';
import { stateName } from '../state/folder.ts';
import type { LedgerReader } from '../state/looking.ts';
import type { Configuration, ZoneSource } from '../types.ts';
import { type CommonArguments, loadOptionsFor, pathsFor } from './context.ts';
import { readVersion } from './version.ts';

export interface Recorded {
  /** `<state>/<animal>-<md5>`, which need not be there. */
  readonly folder: string;
  /** Null: nothing was ever recorded. */
  readonly ledger: LedgerReader | null;
  /** Null where it cannot be read: `failure` says why. */
  readonly configuration: Configuration | null;
  readonly failure: FateError | null;
  readonly zones: ZoneSource;
}

/**
 * Reads with the ledger open.
 * @throws FateError NOT_PERMITTED for who does not own the state, FATAL where it cannot be opened
 */
export async function withRecorded<T>(args: CommonArguments, work: (recorded: Recorded) => T | Promise<T>): Promise<T> {
  const paths = pathsFor(args);
  const options = loadOptionsFor(paths);
  const folder = folderOf(paths.state, stateName(configurationStems(options)));
  const { openReader } = await import('../state/reader.ts');
  const ledger = openReader(folder, readVersion());
  try {
    const { configuration, failure } = await readConfiguration(options);
    return await work({ folder, ledger, configuration, failure, zones: options.zones });
  } finally {
    await ledger?.close();
  }
}

/** A configuration with errors must not keep anybody from what is recorded. */
export async function readConfiguration(
  options: Parameters<typeof loadConfiguration>[0],
): Promise<Pick<Recorded, 'configuration' | 'failure'>> {
  try {
    return { configuration: await loadConfiguration(options), failure: null };
  } catch (error) {
    if (error instanceof FateError) return { configuration: null, failure: error };
    throw error;
  }
}

/** One of the right md5 with another animal is ours too; the next start of a scheduler renames it (SPEC 9). */
export function folderOf(state: string, name: string): string {
  try {
    const there = readdirSync(state);
    const other = there.find((entry) => entry.endsWith(name.slice(name.indexOf('-'))));
    return join(state, there.includes(name) ? name : (other ?? name));
  } catch {
    // Not there, or not for us to see: whoever opens it says so.
    return join(state, name);
  }
}

/** Whether the ledger has anything of a task. */
export function remembers(ledger: LedgerReader | null, task: string): boolean {
  if (ledger === null) return false;
  if (ledger.cursor(task) !== null || ledger.openEntries().some((entry) => entry.task === task)) return true;
  for (const _ of ledger.closed(task)) return true;
  return false;
}

/** @throws FateError TASK_UNKNOWN where neither the configuration nor the ledger knows the task */
export async function demandTask(task: string, { configuration, failure, ledger }: Recorded): Promise<void> {
  const known = [...(configuration?.tasks ?? []), ...(configuration?.invalid ?? [])].map(({ name }) => name);
  if (known.includes(task) || remembers(ledger, task)) return;
  const { nearest } = await import('../conf/issues.ts');
  const near = nearest(task, known);
  const hint = near === null ? '' : `; did you mean ${near}?`;
  const but = failure === null ? '' : `, and the configuration cannot be read: ${failure.message}`;
  throw new FateError('TASK_UNKNOWN', `no task of the name ${task}${hint}${but}`);
}

/** Said to people where there is nothing to show. */
export function tellNothing({ folder }: Recorded): void {
  process.stderr.write(`fate: nothing is recorded yet in ${folder}\n`);
}
