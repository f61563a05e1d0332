/**
 * What the ledger forgets again, by the history of the configuration (SPEC 12). Promises that each call removes a bounded
 * number of entries, and that an entry goes whole: record, place, count and output.
 */
import type { Entry, EpochMs, History } from '../types.ts';
import { decodeEntry } from './entry.ts';
import { asList, asWhole, parseJson } from './guards.ts';
import {
  CLOSED_KINDS,
  type ClosedKind,
  closedKindOf,
  KIND,
  placeOf,
  placesFrom,
  readPlace,
  taskKey,
} from './places.ts';
import type { Tables } from './tables.ts';

/** So many are removed for each entry that is closed, for each reason. */
const AT_ONCE = 10;
/** Records that `sweep` reads at a time. */
const PAGE = 100;

/** How many closed places each task has, while a transaction changes them. */
export class Tally {
  readonly #tables: Tables;
  readonly #counts = new Map<string, { readonly key: Buffer; readonly by: number[]; changed: boolean }>();

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  of(task: Buffer, kind: ClosedKind): number {
    return this.#load(task).by[kind - 1] ?? 0;
  }

  /** Before the place comes or goes: what was never counted is counted by its places. */
  add(task: Buffer, kind: ClosedKind, by: 1 | -1): void {
    const counts = this.#load(task);
    counts.by[kind - 1] = Math.max(0, (counts.by[kind - 1] ?? 0) + by);
    counts.changed = true;
  }

  /** Writes what has changed; a task without closed entries has no record. */
  save(): void {
    for (const { key, by, changed } of this.#counts.values()) {
      if (!changed) continue;
      if (by.every((count) => count === 0)) this.#tables.counts.remove(key);
      else this.#tables.counts.put(key, JSON.stringify(by));
    }
  }

  /** A count that is missing or damaged is counted anew. */
  #load(key: Buffer): { readonly by: number[]; changed: boolean } {
    const name = key.toString('latin1');
    const loaded = this.#counts.get(name);
    if (loaded !== undefined) return loaded;
    const { counts, places } = this.#tables;
    const stored = asList(parseJson(counts.get(key) ?? ''), (count) => asWhole(count, 0));
    const counted = (): number[] =>
      CLOSED_KINDS.map((kind) => places.getKeysCount({ start: placesFrom(key, kind), end: placesFrom(key, kind + 1) }));
    const fresh = { key, by: stored.length === CLOSED_KINDS.length ? stored : counted(), changed: false };
    this.#counts.set(name, fresh);
    return fresh;
  }
}

/**
 * Prunes one task after `closings` of its entries were closed, the latest at `now`: the oldest by due time beyond the
 * numbers, and of those older than `maxAge` a few.
 */
export function prune(
  tables: Tables,
  tally: Tally,
  history: History,
  { task, now, closings }: { task: Buffer; now: EpochMs; closings: number },
): void {
  for (const kind of CLOSED_KINDS) removeSurplus(tables, tally, history, { task, kind, most: AT_ONCE * closings });
  if (history.maxAge === null) return;
  const before = now - history.maxAge;
  let left = AT_ONCE * closings;
  for (const kind of CLOSED_KINDS) {
    // As a rule the first of them is not old.
    const [first] = oldest(tables, task, kind, 1);
    if (first === undefined || readPlace(first).due >= before) continue;
    for (const place of oldest(tables, task, kind, left)) {
      const { due, id } = readPlace(place);
      if (due >= before || !isOlder(tables, id, before)) break;
      removePlace(tables, tally, task, place);
      left -= 1;
    }
  }
}

/** Removes at most `limit` entries that are too old, and then of those beyond the numbers, of all tasks. */
export function sweepTables(tables: Tables, history: History, now: EpochMs, limit: number): number {
  const tally = new Tally(tables);
  let removed = history.maxAge === null ? 0 : sweepOld(tables, tally, now - history.maxAge, limit);
  // The keys of all tasks are few; what they count is read one by one.
  for (const key of [...tables.counts.getKeys()]) {
    if (removed >= limit) break;
    const task = Buffer.from(key);
    for (const kind of CLOSED_KINDS) {
      removed += removeSurplus(tables, tally, history, { task, kind, most: limit - removed });
    }
  }
  tally.save();
  return removed;
}

/** By id, since ids begin with the time at which they were made: what comes after was planned later. */
function sweepOld(tables: Tables, tally: Tally, before: EpochMs, limit: number): number {
  let removed = 0;
  let start: Uint8Array | null = null;
  while (removed < limit) {
    const page: { key: Uint8Array; value: string }[] = [
      ...tables.closed.getRange({ ...(start && { start, exclusiveStart: true }), limit: PAGE }),
    ];
    for (const { key, value } of page) {
      start = key;
      const entry = decodeEntry(value);
      if (entry === null || closedAt(entry) >= before) {
        // One that was planned long ago may have ended lately, and those after it long ago.
        if (entry !== null && entry.plannedAt >= before) return removed;
        continue;
      }
      if (removed >= limit) return removed;
      removeEntry(tables, tally, entry);
      removed += 1;
    }
    if (page.length < PAGE) break;
  }
  return removed;
}

function removeSurplus(
  tables: Tables,
  tally: Tally,
  history: History,
  { task, kind, most }: { task: Buffer; kind: ClosedKind; most: number },
): number {
  const allowed = kind === KIND.bad ? history.maxFailures : history.maxRuns;
  const surplus = Math.min(tally.of(task, kind) - allowed, most);
  if (surplus <= 0) return 0;
  const places = oldest(tables, task, kind, surplus);
  for (const place of places) removePlace(tables, tally, task, place);
  return places.length;
}

/** In one go, since what a cursor stands on must not be removed under it. */
function oldest({ places }: Tables, task: Buffer, kind: ClosedKind, limit: number): Uint8Array[] {
  if (limit <= 0) return [];
  return [...places.getKeys({ start: placesFrom(task, kind), end: placesFrom(task, kind + 1), limit })];
}

/** One that cannot be read is taken to be old: its due time is. */
function isOlder({ closed }: Tables, id: string, before: EpochMs): boolean {
  const entry = decodeEntry(closed.get(Buffer.from(id)) ?? '');
  return entry === null || closedAt(entry) < before;
}

/** What stands at another place (a damaged record was replaced by one of another due time) stays; only the place goes. */
function removePlace(tables: Tables, tally: Tally, task: Buffer, place: Uint8Array): void {
  const { kind, id } = readPlace(place);
  if (kind === KIND.open) return;
  const key = Buffer.from(id);
  const entry = decodeEntry(tables.closed.get(key) ?? '');
  if (entry === null || placeOf(entry, closedKindOf(entry)).equals(place)) {
    tables.closed.remove(key);
    tables.outputs.remove(key);
  }
  tally.add(task, kind, -1);
  tables.places.remove(place);
}

/** Removes a closed entry wholly. */
export function removeEntry(tables: Tables, tally: Tally, entry: Entry): void {
  const key = Buffer.from(entry.id);
  const kind = closedKindOf(entry);
  const place = placeOf(entry, kind);
  tables.closed.remove(key);
  tables.outputs.remove(key);
  // Whoever has a place was counted. placeOf would have thrown for a name that has no key.
  if (tables.places.doesExist(place)) tally.add(taskKey(entry.task) as Buffer, kind, -1);
  tables.places.remove(place);
}

/** When an entry was closed: its due time may be long before that. */
export function closedAt({ phase, skipped, ending, due }: Entry): EpochMs {
  return (phase === 'skipped' ? skipped?.at : ending?.endedAt) ?? due;
}
