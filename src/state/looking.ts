/**
 * Questions to the ledger, for the daemon and for commands beside it. Promises that each costs what it answers, however much
 * is recorded, that a damaged record counts as not there, and that all that is asked within one turn of the event loop
 * sees the same moment (lmdb-js keeps its read transaction for so long, and no longer).
 */
import type { Cursor, Entry, EpochMs, Output } from '../types.ts';
import { decodeEntry } from './entry.ts';
import { decodeOutput } from './excerpts.ts';
import { asFields, asInstant, asText, parseJson } from './guards.ts';
import * as places from './places.ts';
import type { Records, Tables } from './tables.ts';

export interface LedgerReader {
  /** Few; those that cannot be read are left out. */
  openEntries(): Entry[];
  /** Open or closed. */
  entry(id: string): Entry | null;
  /** Ids that begin so, at most `limit`, in their order. */
  idsFrom(prefix: string, limit: number): string[];
  output(id: string): Output | null;
  /**
   * Closed entries, newest first: of all tasks by id, which begins with the time at which it was made; of one task by due
   * time. Lazy, and nothing is held between two of them.
   */
  closed(task?: string): Iterable<Entry>;
  /** The entry of the task, open or closed, in whose [first, due] the instant lies. */
  covering(task: string, at: EpochMs): Entry | null;
  /** The nearest entries of the task that lie wholly before, and after, an instant. */
  around(task: string, at: EpochMs): { before: Entry | null; after: Entry | null };
  cursor(task: string): Cursor | null;
}

/** Pages grow from the one to the other, so that a few cost little and many cost few reads. */
const PAGE = { first: 16, last: 512 } as const;
/** Of one kind, more than the one that covers an instant and its neighbour: a place may be left of a damaged record. */
const NEAR = 4;

export function ledgerReader(tables: Tables): LedgerReader {
  const at = (place: Uint8Array): Entry | null => entryAt(tables, place);
  /** The places of a task whose due time is not before the instant, the earliest of each kind. */
  const from = (task: Buffer, instant: EpochMs): Entry[] =>
    places.KINDS.flatMap((kind) => {
      const range = { start: places.placesAt(task, kind, instant), end: places.placesFrom(task, kind + 1) };
      return [...tables.places.getKeys({ ...range, limit: NEAR })].map(at).filter((entry) => entry !== null);
    }).sort((a, b) => a.due - b.due);
  const before = (task: Buffer, instant: EpochMs): Entry[] =>
    places.KINDS.flatMap((kind) => {
      const range = { start: places.placesAt(task, kind, instant), end: places.placesFrom(task, kind) };
      return [...tables.places.getKeys({ ...range, reverse: true, limit: NEAR })]
        .map(at)
        .filter((entry) => entry !== null);
    }).sort((a, b) => b.due - a.due);

  return {
    openEntries() {
      const entries: Entry[] = [];
      for (const { key, value } of tables.open.getRange()) {
        const entry = entryOf(value, key);
        if (entry !== null) entries.push(entry);
      }
      return entries;
    },
    entry(id) {
      const key = places.idKey(id);
      return key === null ? null : (entryOf(tables.open.get(key), key) ?? entryOf(tables.closed.get(key), key));
    },
    idsFrom(prefix, limit) {
      const start = places.idKey(prefix);
      if (start === null && prefix !== '') return [];
      // No UTF-8 has this byte.
      const end = Buffer.concat([Buffer.from(prefix), Buffer.from([0xff])]);
      const ids = [tables.open, tables.closed].flatMap((table) =>
        [...table.getKeys({ ...(start && { start }), end, limit })].map((key) => Buffer.from(key).toString()),
      );
      return ids.sort().slice(0, limit);
    },
    output(id) {
      const key = places.idKey(id);
      const bytes = key === null ? undefined : tables.outputs.getBinary(key);
      return bytes === undefined ? null : decodeOutput(bytes);
    },
    closed: (task) => ({
      *[Symbol.iterator]() {
        if (task === undefined) yield* closedOfAll(tables.closed);
        else
          for (const place of closedPlaces(tables.places, task)) yield* [at(place)].filter((entry) => entry !== null);
      },
    }),
    covering(task, instant) {
      const key = places.taskKey(task);
      return key === null ? null : (from(key, instant).find(({ first }) => first <= instant) ?? null);
    },
    around(task, instant) {
      const key = places.taskKey(task);
      if (key === null) return { before: null, after: null };
      const after = from(key, instant).find(({ first }) => first > instant);
      return { before: before(key, instant)[0] ?? null, after: after ?? null };
    },
    cursor: (task) => readCursor(tables.cursors.get(task)),
  };
}

export function readCursor(text: string | undefined): Cursor | null {
  const fields = asFields(parseJson(text ?? ''));
  const [fingerprint, seen, boot] = [asText(fields?.fingerprint), asInstant(fields?.seen), asText(fields?.boot)];
  return fingerprint === null || seen === null ? null : { fingerprint, seen, ...(boot !== null && { boot }) };
}

/** A record that says to be another one is damaged. */
function entryOf(text: string | undefined, key: Uint8Array): Entry | null {
  const entry = text === undefined ? null : decodeEntry(text);
  return entry !== null && Buffer.from(entry.id).equals(key) ? entry : null;
}

function entryAt({ open, closed }: Tables, place: Uint8Array): Entry | null {
  const { kind, id } = places.readPlace(place);
  const key = Buffer.from(id);
  const entry = entryOf((kind === places.KIND.open ? open : closed).get(key), key);
  if (entry === null) return null;
  const its = places.placeOf(entry, kind === places.KIND.open ? kind : places.closedKindOf(entry));
  return its.equals(place) ? entry : null;
}

function* closedOfAll(closed: Records): Generator<Entry> {
  for (const { key, value } of backwards(
    (range) => [...closed.getRange(range)],
    (record) => record.key,
  )) {
    const entry = entryOf(value, key);
    if (entry !== null) yield entry;
  }
}

/** The places of all closed kinds, merged: of each the next one is at hand, and the latest of them comes first. */
function* closedPlaces(table: Records, task: string): Generator<Uint8Array> {
  const key = places.taskKey(task);
  if (key === null) return;
  const heads = places.CLOSED_KINDS.map((kind) => {
    const end = places.placesFrom(key, kind);
    const keys = backwards(
      (range) => [...table.getKeys({ ...range, end })],
      (place) => place,
      places.placesFrom(key, kind + 1),
    );
    return { keys, next: keys.next() };
  });
  const behindKind = (place: Uint8Array): Uint8Array => place.subarray(key.length + 1);
  for (;;) {
    let latest: (typeof heads)[number] | null = null;
    for (const head of heads) {
      if (head.next.done) continue;
      const ahead = latest?.next.done === false ? behindKind(latest.next.value) : null;
      if (ahead === null || Buffer.compare(behindKind(head.next.value), ahead) > 0) latest = head;
    }
    if (latest === null || latest.next.done) return;
    yield latest.next.value;
    latest.next = latest.keys.next();
  }
}

interface Page {
  readonly start?: Uint8Array;
  readonly exclusiveStart: true;
  readonly reverse: true;
  readonly limit: number;
}

/** Page by page: a cursor that is left open while a pager waits would keep the daemon from using freed pages again. */
function* backwards<T>(read: (page: Page) => T[], keyOf: (item: T) => Uint8Array, start?: Uint8Array): Generator<T> {
  for (let from = start, limit: number = PAGE.first; ; limit = Math.min(2 * limit, PAGE.last)) {
    const page = read({ ...(from && { start: from }), exclusiveStart: true, reverse: true, limit });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < limit) return;
    from = keyOf(last);
  }
}
