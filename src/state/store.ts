/**
 * What Fate remembers of its tasks, in LMDB (SPEC 9). Promises the scheduler that a batch is written whole or not at all,
 * and survives a SIGKILL, and a power cut too, from the moment `write` returns.
 */
import { type Database, open, type RootDatabase } from 'lmdb';
import { errnoOf, FateError } from '../errors.ts';
import type { Bytes, Cursor, EpochMs } from '../types.ts';
import { checkFormat, explainFailure, makeFiles, openDescriptors } from './store-files.ts';

export interface StoredState {
  /** `structure`: a value that JSON can hold; `text`: what the task wrote, as it is. */
  readonly kind: 'structure' | 'text';
  readonly value: unknown;
}

/** A result file that Fate recorded, for `path.keep`. */
export interface KnownResult {
  readonly path: string;
  readonly size: Bytes;
  readonly at: EpochMs;
}

/** By task name; null deletes. */
export interface Batch {
  readonly cursors?: ReadonlyMap<string, Cursor | null>;
  readonly states?: ReadonlyMap<string, StoredState | null>;
  /** Replaces the whole list of a task, oldest first; an empty one deletes. */
  readonly results?: ReadonlyMap<string, readonly KnownResult[]>;
}

export interface Store {
  cursor(task: string): Cursor | null;
  cursors(): Map<string, Cursor>;
  state(task: string): StoredState | null;
  results(task: string): KnownResult[];
  /** Never throws; rejects with a sentence that names the folder, and then nothing of the batch was written. */
  write(batch: Batch): Promise<void>;
  close(): Promise<void>;
}

/** Grows by one whenever an older Fate could not read what this one writes. */
const LAYOUT = 1;

/**
 * Commits are synced to the disk before they return. lmdb-js's other way, a sync that overlaps, keeps a second copy of the
 * meta page and syncs within the synchronous commit all the same, so it would only cost more. The other databases' places
 * are for the ledger.
 */
const OPTIONS = { maxDbs: 32, overlappingSync: false } as const;

/** Values are JSON text, so that another version of Fate, or a person, can read them. */
type Table = Database<string, string>;

/**
 * @param folder `<state>/<animal>-<md5>`, which is there
 * @param closeOnExec sets FD_CLOEXEC of fcntl(2); without it every program that is started inherits data.mdb, open for writing
 * @throws FateError NOT_PERMITTED, or FATAL: not writable, no room, no store, or one that a newer Fate has written
 */
export function openStore(folder: string, closeOnExec?: (fd: number) => void): Store {
  let root: RootDatabase<string, string> | null = null;
  try {
    makeFiles(folder);
    checkFormat(folder);
    root = open<string, string>({ path: folder, encoding: 'string', ...OPTIONS });
    if (closeOnExec !== undefined) for (const fd of openDescriptors(folder)) closeOnExec(fd);
    checkLayout(root, folder);
    return storeIn(root, folder);
  } catch (error) {
    root?.close().catch(() => {});
    if (error instanceof FateError) throw error;
    const code = ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '') ? 'NOT_PERMITTED' : 'FATAL';
    throw new FateError(code, explainFailure('opened', folder, error), { cause: error });
  }
}

function checkLayout(root: RootDatabase<string, string>, folder: string): void {
  const meta = root.openDB<string, string>('meta', { encoding: 'string' });
  const found = meta.get('layout');
  if (found === undefined) root.transactionSync(() => void meta.put('layout', String(LAYOUT)));
  else if (!(Number(found) <= LAYOUT)) {
    throw new FateError(
      'FATAL',
      `the state in ${folder} was written by a newer version of Fate: layout ${found}, and this one knows ${LAYOUT}`,
    );
  }
}

function storeIn(root: RootDatabase<string, string>, folder: string): Store {
  const table = (name: string): Table => root.openDB<string, string>(name, { encoding: 'string' });
  const [cursors, states, results] = [table('cursors'), table('states'), table('results')];
  let closed = false;

  const changesIn = (batch: Batch): [Table, string, string | null][] => {
    const changes: [Table, string, string | null][] = [];
    const add = (to: Table, entries: Iterable<readonly [string, unknown]>): void => {
      for (const [key, value] of entries) changes.push([to, key, value === null ? null : JSON.stringify(value)]);
    };
    add(cursors, batch.cursors ?? []);
    add(states, batch.states ?? []);
    for (const [task, known] of batch.results ?? []) add(results, [[task, known.length === 0 ? null : known]]);
    return changes;
  };

  const commit = (batch: Batch): void => {
    if (closed) throw new Error('the store is closed');
    // Encoded before the transaction begins, so that a value that cannot be encoded breaks nothing off in the middle.
    const changes = changesIn(batch);
    if (changes.length === 0) return;
    root.transactionSync(() => {
      for (const [to, key, value] of changes) {
        if (value === null) to.remove(key);
        else to.put(key, value);
      }
    });
  };

  return {
    cursor: (task) => read<Cursor>(cursors.get(task)),
    cursors() {
      const all = new Map<string, Cursor>();
      for (const { key, value } of cursors.getRange()) {
        const cursor = read<Cursor>(value);
        if (cursor !== null) all.set(key, cursor);
      }
      return all;
    },
    state: (task) => read<StoredState>(states.get(task)),
    results: (task) => read<KnownResult[]>(results.get(task)) ?? [],
    write(batch) {
      const written = new Promise<void>((resolve) => {
        commit(batch);
        resolve();
      }).catch((error: unknown) => {
        throw new Error(explainFailure('written', folder, error), { cause: error });
      });
      // Who does not wait for it must not end the process by an unhandled rejection.
      written.catch(() => {});
      return written;
    },
    async close() {
      if (closed) return;
      closed = true;
      await root.close();
    },
  };
}

/** What is there but cannot be read (a file damaged by the disk) counts as not there: the task goes on as a new one. */
function read<T>(text: string | undefined): T | null {
  if (text === undefined) return null;
  try {
    // Written by `write` only, from a T.
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
