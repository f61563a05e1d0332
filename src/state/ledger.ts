/**
 * What a batch changes in the ledger. Promises the store that an id is open or closed, never both, and that places and
 * counts agree with the records, whatever is put, closed or closed again, and in whichever order.
 */
import type { Bytes, Entry, EpochMs, History, Output } from '../types.ts';
import { decodeEntry, encodeEntry } from './entry.ts';
import { encodeOutput } from './excerpts.ts';
import { type ClosedKind, closedKindOf, idKey, KIND, type Kind, placeOf, taskKey } from './places.ts';
import { closedAt, prune, removeEntry, Tally } from './retention.ts';
import type { Tables } from './tables.ts';

export interface Closing {
  /** Of phase `ended` or `skipped`. */
  readonly entry: Entry;
  /** `kept`: what is recorded of an attempt before stays. */
  readonly output: Output | null | 'kept';
}

export interface LedgerBatch {
  /** By run id: puts an open entry (planned, waiting, started, retry), or removes it without a trace (null). */
  readonly open?: ReadonlyMap<string, Entry | null>;
  /** By run id, of open entries: of an attempt after which another one is to come. */
  readonly outputs?: ReadonlyMap<string, Output>;
  /** By run id: records an entry that is open no more, and prunes by the history. One that was closed before is replaced. */
  readonly closed?: ReadonlyMap<string, Closing>;
}

/** A batch with everything encoded, so that nothing that cannot be breaks a transaction off in the middle. */
export interface LedgerChanges {
  readonly open: readonly (Recorded | { readonly key: Buffer; readonly entry: null })[];
  readonly outputs: readonly { readonly key: Buffer; readonly bytes: Buffer }[];
  readonly closed: readonly (Recorded & {
    readonly kind: ClosedKind;
    readonly task: Buffer;
    readonly output: Buffer | null | 'kept';
  })[];
}

interface Recorded {
  readonly key: Buffer;
  readonly entry: Entry;
  readonly text: string;
  readonly place: Buffer;
}

/** @throws Error for an id or a task's name that cannot be a key */
export function encodeLedger(batch: LedgerBatch): LedgerChanges {
  const recorded = (id: string, entry: Entry, kind: Kind): Recorded => {
    return { key: keyOf(id), entry, text: encodeEntry(entry), place: placeOf(entry, kind) };
  };
  return {
    open: [...(batch.open ?? [])].map(([id, entry]) =>
      entry === null ? { key: keyOf(id), entry } : recorded(id, entry, KIND.open),
    ),
    outputs: [...(batch.outputs ?? [])].map(([id, output]) => ({ key: keyOf(id), bytes: encodeOutput(output) })),
    closed: [...(batch.closed ?? [])].map(([id, { entry, output }]) => {
      const kind = closedKindOf(entry);
      const bytes = output === null || output === 'kept' ? output : encodeOutput(output);
      // placeOf throws for a name that has no key.
      return { ...recorded(id, entry, kind), kind, task: taskKey(entry.task) as Buffer, output: bytes };
    }),
  };
}

/** How many records of all tables change with an entry; with one that is closed so many more are pruned. */
export const RECORDS = 4;

export function sizeOf({ open, outputs, closed }: LedgerChanges): { readonly records: number; readonly bytes: Bytes } {
  let bytes = 0;
  for (const change of open) bytes += change.entry === null ? 0 : Buffer.byteLength(change.text);
  for (const output of outputs) bytes += output.bytes.length;
  for (const { text, output } of closed) {
    bytes += Buffer.byteLength(text) + (output === null || output === 'kept' ? 0 : output.length);
  }
  return { records: RECORDS * (open.length + outputs.length + 2 * closed.length), bytes };
}

function keyOf(id: string): Buffer {
  const key = idKey(id);
  if (key === null) throw new Error(`this cannot be the id of a run: ${JSON.stringify(id.slice(0, 40))}`);
  return key;
}

/** Within a transaction. @param history null: nothing is pruned */
export function applyLedger(tables: Tables, { open, outputs, closed }: LedgerChanges, history: History | null): void {
  const tally = new Tally(tables);
  for (const change of open) {
    if (change.entry === null) {
      removeOpen(tables, change.key);
      tables.outputs.remove(change.key);
    } else {
      forget(tables, tally, change.key);
      tables.open.put(change.key, change.text);
      tables.places.put(change.place, '');
    }
  }
  for (const { key, bytes } of outputs) tables.outputs.put(key, bytes);
  const touched = new Map<string, { task: Buffer; now: EpochMs; closings: number }>();
  for (const { key, entry, text, place, kind, task, output } of closed) {
    forget(tables, tally, key);
    // Before the place is there, since what was never counted is counted by its places.
    tally.add(task, kind, 1);
    tables.closed.put(key, text);
    tables.places.put(place, '');
    if (output === null) tables.outputs.remove(key);
    else if (output !== 'kept') tables.outputs.put(key, output);
    const before = touched.get(entry.task);
    const now = Math.max(before?.now ?? Number.NEGATIVE_INFINITY, closedAt(entry));
    touched.set(entry.task, { task, now, closings: (before?.closings ?? 0) + 1 });
  }
  if (history !== null) for (const done of touched.values()) prune(tables, tally, history, done);
  tally.save();
}

/** Whatever is recorded of this id, open or closed. */
function forget(tables: Tables, tally: Tally, key: Buffer): void {
  removeOpen(tables, key);
  const text = tables.closed.get(key);
  if (text === undefined) return;
  const entry = decodeEntry(text);
  if (entry !== null && key.equals(Buffer.from(entry.id))) removeEntry(tables, tally, entry);
  // The place of a damaged record is not known: retention comes to it.
  else tables.outputs.remove(key);
}

function removeOpen({ open, places }: Tables, key: Buffer): void {
  const text = open.get(key);
  if (text === undefined) return;
  const entry = decodeEntry(text);
  if (entry !== null) places.remove(placeOf(entry, KIND.open));
  open.remove(key);
}
