/**
 * What Fate remembers of its tasks, in LMDB (SPEC 9). Promises the scheduler that a batch is written whole or not at all,
 * and survives a SIGKILL, and a power cut too, from the moment `write` returns.
 */
import { open, type RootDatabase } from 'lmdb';
import { faultPoint } from '../faults.ts';
import type { Bytes, Cursor, EpochMs, History, KnownResult } from '../types.ts';
import { asFields, asInstant, asList, asName, asOneOf, asWhole, parseJson } from './guards.ts';
import { applyLedger, encodeLedger, type LedgerBatch, RECORDS, sizeOf } from './ledger.ts';
import { type LedgerReader, ledgerReader, readCursor } from './looking.ts';
import { sweepTables } from './retention.ts';
import { type Need, openRoom, type Room } from './room.ts';
import { checkFormat, explainFailure, makeFiles, openDescriptors, openError } from './store-files.ts';
import { layoutIn, migrate, OPTIONS, openTables, type Table, type Tables } from './tables.ts';

export type { Closing } from './ledger.ts';
export type { LedgerReader } from './looking.ts';

export interface StoredState {
  /** `structure`: a value that JSON can hold; `text`: what the task wrote, as it is. */
  readonly kind: 'structure' | 'text';
  readonly value: unknown;
}

/** By task name; null deletes. */
export interface Batch extends LedgerBatch {
  readonly cursors?: ReadonlyMap<string, Cursor | null>;
  readonly states?: ReadonlyMap<string, StoredState | null>;
  /** Replaces the whole list of a task, oldest first; an empty one deletes. */
  readonly results?: ReadonlyMap<string, readonly KnownResult[]>;
}

export interface Store extends LedgerReader {
  cursors(): Map<string, Cursor>;
  state(task: string): StoredState | null;
  results(task: string): KnownResult[];
  /**
   * Synced when it returns; whole or not at all.
   * @throws Error with a sentence that names the folder; then nothing of the batch was written
   */
  write(batch: Batch): void;
  /** From now on closing prunes by it. Until it is set nothing is pruned. */
  keepHistory(history: History): void;
  /**
   * Removes at most `limit` entries that are older than maxAge, or beyond the numbers, of any task, also of tasks that are no
   * more; answers how many. For a daily sweep in slices. @throws as `write`
   */
  sweep(now: EpochMs, limit: number): number;
  /** The kernel's boot id (random(4)) as it was when the store was last used; null the first time. */
  boot(): string | null;
  /** @throws as `write` */
  setBoot(id: string): void;
  close(): Promise<void>;
}

/**
 * @param folder `<state>/<animal>-<md5>`, which is there
 * @param closeOnExec sets FD_CLOEXEC of fcntl(2); without it every program that is started inherits data.mdb, open for writing
 * @param version of this Fate, for an older one to tell that cannot read it
 * @throws FateError NOT_PERMITTED, or FATAL: not writable, no room, no store, or one that a newer Fate has written
 */
export function openStore(folder: string, closeOnExec?: (fd: number) => void, version: string | null = null): Store {
  let root: RootDatabase<string, string> | null = null;
  let room: Room | null = null;
  try {
    makeFiles(folder);
    checkFormat(folder);
    root = open<string, string>({ path: folder, ...OPTIONS });
    if (closeOnExec !== undefined) for (const fd of openDescriptors(folder)) closeOnExec(fd);
    const meta = root.openDB<string, string>('meta', { encoding: 'string' });
    // Refused before anything is made in it.
    layoutIn(meta, folder, version);
    const tables = openTables(root);
    if (tables === null) throw new Error('a table is missing');
    const opened = root;
    const made = openRoom(folder, () => usedBy(opened));
    room = made;
    opened.transactionSync(() => {
      made.make(LITTLE);
      migrate(tables, meta, folder, version);
    });
    // Readers that were killed would keep the pages they saw from being used again.
    root.readerCheck();
    return storeIn({ root, meta, tables, room }, folder);
  } catch (error) {
    room?.close();
    root?.close().catch(() => {});
    throw openError(folder, error);
  }
}

interface Opened {
  readonly root: RootDatabase<string, string>;
  readonly meta: Table;
  readonly tables: Tables;
  readonly room: Room;
}

/** What changes a handful of records, however many it looks at. */
const LITTLE: Need = { records: 10, bytes: 10_000 };

/** lmdb-js has no types for its statistics. */
function usedBy(root: RootDatabase<string, string>): Bytes {
  const { lastPageNumber, pageSize } = root.getStats() as { lastPageNumber: number; pageSize: number };
  return (lastPageNumber + 1) * pageSize;
}

function storeIn({ root, meta, tables, room }: Opened, folder: string): Store {
  const { cursors, states, results } = tables;
  let closed = false;
  let history: History | null = null;

  /** The one place that writes. What `prepare` does comes before the transaction begins, what it answers runs in it. */
  const commit = <T>(prepare: () => { need: Need; action: () => T }): T => {
    try {
      if (closed) throw new Error('the store is closed');
      const { need, action } = prepare();
      faultPoint('ledger.write');
      const done = root.transactionSync(() => {
        room.make(need);
        return action();
      });
      faultPoint('ledger.written');
      return done;
    } catch (error) {
      throw new Error(explainFailure('written', folder, error), { cause: error });
    }
  };

  return {
    ...ledgerReader(tables),
    cursors() {
      const all = new Map<string, Cursor>();
      for (const { key, value } of cursors.getRange()) {
        const cursor = readCursor(value);
        if (cursor !== null) all.set(key, cursor);
      }
      return all;
    },
    state: (task) => readState(states.get(task)),
    results: (task) => asList(parseJson(results.get(task) ?? ''), readKnown),
    write(batch) {
      const size = [batch.cursors, batch.states, batch.results, batch.open, batch.outputs, batch.closed];
      if (!closed && size.every((map) => (map?.size ?? 0) === 0)) return;
      commit(() => {
        const changes = encodeTexts(tables, batch);
        const ledger = encodeLedger(batch);
        const texts = changes.reduce((sum, [, , value]) => sum + Buffer.byteLength(value ?? ''), 0);
        const { records, bytes } = sizeOf(ledger);
        const need = { records: records + changes.length, bytes: bytes + texts };
        const action = (): void => {
          for (const [table, key, value] of changes) {
            if (value === null) table.remove(key);
            else table.put(key, value);
          }
          applyLedger(tables, ledger, history);
        };
        return { need, action };
      });
    },
    keepHistory(wanted) {
      history = wanted;
    },
    sweep: (now, limit) =>
      commit(() => {
        // A reader that was killed since then keeps the pages that it saw.
        root.readerCheck();
        const kept = history;
        const need = { records: limit * RECORDS, bytes: 0 };
        return { need, action: () => (kept === null ? 0 : sweepTables(tables, kept, now, limit)) };
      }),
    boot: () => meta.get('boot') ?? null,
    setBoot(id) {
      commit(() => ({ need: LITTLE, action: () => void meta.put('boot', id) }));
    },
    async close() {
      if (closed) return;
      closed = true;
      room.close();
      await root.close();
    },
  };
}

function encodeTexts({ cursors, states, results }: Tables, batch: Batch): [Table, string, string | null][] {
  const changes: [Table, string, string | null][] = [];
  const add = (to: Table, entries: Iterable<readonly [string, unknown]>): void => {
    for (const [key, value] of entries) changes.push([to, key, value === null ? null : JSON.stringify(value)]);
  };
  add(cursors, batch.cursors ?? []);
  add(states, batch.states ?? []);
  for (const [task, known] of batch.results ?? []) add(results, [[task, known.length === 0 ? null : known]]);
  return changes;
}

/** What is there but cannot be read (a file damaged by the disk) counts as not there: the task goes on as a new one. */
function readState(text: string | undefined): StoredState | null {
  const fields = asFields(parseJson(text ?? ''));
  const kind = asOneOf(['structure', 'text'], fields?.kind);
  return fields === null || kind === null || !('value' in fields) ? null : { kind, value: fields.value };
}

function readKnown(value: unknown): KnownResult | null {
  const fields = asFields(value);
  const [path, size, at] = [asName(fields?.path), asWhole(fields?.size, 0), asInstant(fields?.at)];
  const owner = asWhole(fields?.owner, 0);
  return path === null || size === null || at === null ? null : { path, size, at, ...(owner !== null && { owner }) };
}
