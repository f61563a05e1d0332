/** The tables of the LMDB environment, and their layout from version to version (docs/state.md). */
import type { Database, RootDatabase } from 'lmdb';
import { FateError } from '../errors.ts';

/** Keys and values are text: JSON, so that another version of Fate, or a person, can read it. */
export type Table = Database<string, string>;
/** Keys are bytes (places.ts). */
export type Records = Database<string, Uint8Array>;

export interface Tables {
  readonly cursors: Table;
  readonly states: Table;
  readonly results: Table;
  /** Entries by id. */
  readonly open: Records;
  readonly closed: Records;
  /** Of all entries, open and closed, by task, kind and due time; the values are empty. */
  readonly places: Records;
  /** By task: how many places there are of each closed kind. */
  readonly counts: Records;
  /** By id of a closed entry. */
  readonly outputs: Database<Buffer, Uint8Array>;
}

const TEXT = { encoding: 'string' } as const;
const RECORDS = { encoding: 'string', keyEncoding: 'binary' } as const;
const BYTES = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** Commits are synced to the disk before they return: lmdb-js's overlapping sync keeps a second copy and syncs all the same. */
export const OPTIONS = { ...TEXT, maxDbs: 32, overlappingSync: false } as const;

/** Grows by one whenever an older Fate could not read what this one writes. */
const LAYOUT = 2;

/** What makes a store of layout n one of n + 1 stands at n - 1; all that are needed run in one transaction. */
const STEPS: readonly ((tables: Tables) => void)[] = [
  // The ledger came: its tables are empty at first, and nothing that was there has changed.
  () => {},
];

/** Makes those that are missing, where the environment may be written. Read-only, a missing one makes it null. */
export function openTables(root: RootDatabase<string, string>): Tables | null {
  const tables = {
    cursors: root.openDB<string, string>('cursors', TEXT),
    states: root.openDB<string, string>('states', TEXT),
    results: root.openDB<string, string>('results', TEXT),
    open: root.openDB<string, Uint8Array>('open', RECORDS),
    closed: root.openDB<string, Uint8Array>('closed', RECORDS),
    places: root.openDB<string, Uint8Array>('places', RECORDS),
    counts: root.openDB<string, Uint8Array>('counts', RECORDS),
    outputs: root.openDB<Buffer, Uint8Array>('outputs', BYTES),
  };
  // lmdb-js answers undefined there, whatever its types say.
  return Object.values(tables).some((table) => table === undefined) ? null : tables;
}

/**
 * The layout of a store that this version can read; null where nothing was written yet.
 * @param version of this Fate, to be told
 * @throws FateError FATAL for one that a newer Fate has written
 */
export function layoutIn(meta: Table, folder: string, version: string | null): number | null {
  const found = meta.get('layout');
  if (found === undefined) return null;
  const layout = Number(found);
  if (Number.isInteger(layout) && layout >= 1 && layout <= LAYOUT) return layout;
  const own = version === null ? '' : ` (this is ${version})`;
  throw new FateError(
    'FATAL',
    `the state in ${folder} was written by a newer version of Fate: layout ${found}, and this one knows ${LAYOUT}; ` +
      `install ${writerOf(meta) ?? 'that version'} again${own}, or move that folder away, and with it all that is remembered`,
  );
}

/** The version that has changed the store last; null where that is not known. */
function writerOf(meta: Table): string | null {
  const version = meta.get('version');
  return version === undefined || !/^[\w.+~-]{1,64}$/.test(version) ? null : `Fate ${version}`;
}

/** Whether a reader finds the ledger there. */
export function hasLedger(layout: number | null): boolean {
  return layout !== null && layout >= 2;
}

/** Brings the store to this version's layout, in the transaction in which it is called: another process may do it as well. */
export function migrate(tables: Tables, meta: Table, folder: string, version: string | null): void {
  const layout = layoutIn(meta, folder, version);
  // For an older one, which may come after it.
  if (version !== null && meta.get('version') !== version) meta.put('version', version);
  if (layout === LAYOUT) return;
  for (const step of STEPS.slice((layout ?? LAYOUT) - 1)) step(tables);
  meta.put('layout', String(LAYOUT));
}
