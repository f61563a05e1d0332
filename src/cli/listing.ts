/** What `fate runs` does: the entries of the ledger that were asked for, as a table in the order of their due times. */
import { FateError } from '../errors.ts';
import { formatDuration } from '../schedule/duration.ts';
import type { LedgerReader } from '../state/looking.ts';
import type { Entry, EpochMs } from '../types.ts';
import type { RunsArguments } from './commands/runs.ts';
import { entryJson } from './entry-json.ts';
import { printJson } from './json.ts';
import { parseSince, type Wall, wallOf } from './moments.ts';
import { type Paint, painter } from './paint.ts';
import { demandTask, tellNothing, withRecorded } from './recorded.ts';
import { table } from './table.ts';
import { durationOf, latenessOf, remarksOn, STANDINGS, STATUSES, standingOf } from './words.ts';

export interface Wanted {
  readonly task: string | null;
  /** In lower case; null is any. */
  readonly statuses: ReadonlySet<string> | null;
  readonly since: EpochMs | null;
  /** Infinity for all. */
  readonly number: number;
}

export async function runs(args: RunsArguments): Promise<number> {
  const now = Date.now();
  const wanted = wantedBy(args, now);
  return withRecorded(args, async (recorded) => {
    const { ledger, configuration, zones } = recorded;
    if (wanted.task !== null) await demandTask(wanted.task, recorded);
    const entries = ledger === null ? [] : select(ledger, wanted, now);
    const walls = new Map<string, Wall>();
    const wall = (task: string): Wall => {
      const known = walls.get(task) ?? wallOf(task, configuration, zones);
      walls.set(task, known);
      return known;
    };
    if (args.json) {
      const rows = entries.map((entry) => entryJson(entry, wall(entry.task).timezone, now));
      printJson(rows);
    } else if (entries.length > 0) {
      const paint = painter(process.stdout);
      const rows = entries.map((entry) => row(entry, wall(entry.task), now, paint));
      const heads = ['DUE', 'TASK', 'STATUS', 'LATE', 'DURATION', 'RUN', ''];
      process.stdout.write(`${table([heads, ...rows], process.stdout.columns || null)}\n`);
    } else if (ledger === null) tellNothing(recorded);
    else process.stderr.write('fate: nothing of the kind is recorded\n');
    return 0;
  });
}

/** @throws FateError USAGE */
export function wantedBy(args: Pick<RunsArguments, 'task' | 'status' | 'since' | 'number'>, now: EpochMs): Wanted {
  const since = args.since === undefined ? null : parseSince(args.since, now);
  if (args.since !== undefined && since === null) {
    throw new FateError('USAGE', `--since: expected a time such as 2026-03-29T02:30 or 2h, found ${args.since}`);
  }
  const usual = since === null ? 20 : Number.POSITIVE_INFINITY;
  const number = args.number === undefined ? usual : args.number === 'all' ? Number.POSITIVE_INFINITY : +args.number;
  if (number !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(number) && number >= 1)) {
    throw new FateError('USAGE', `--number: expected a whole number from 1, or all, found ${args.number}`);
  }
  return { task: args.task ?? null, statuses: statusesIn(args.status), since, number };
}

function statusesIn(text: string | undefined): ReadonlySet<string> | null {
  if (text === undefined) return null;
  const known: readonly string[] = [...STATUSES, ...STANDINGS];
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  const wrong = names.find((name) => !known.some((word) => word.toLowerCase() === name));
  if (wrong !== undefined) {
    const words = [...STATUSES, ...STANDINGS.filter((word) => word !== 'retry')].map((word) => word.toLowerCase());
    throw new FateError('USAGE', `--status: expected some of ${words.join(', ')}, found ${wrong}`);
  }
  return new Set(names);
}

/** Ids tell when an entry was made: this long before its due time at most, clocks that were put right aside. */
const MADE_BEFORE = 3_600_000;

/** Ascending by due time: the latest so many of those wanted. What is planned for a time to come must be asked for. */
export function select(ledger: LedgerReader, { task, statuses, since, number }: Wanted, now: EpochMs): Entry[] {
  const wanted = (entry: Entry): boolean => {
    if (task !== null && entry.task !== task) return false;
    if (since !== null && entry.due < since) return false;
    const standing = standingOf(entry).toLowerCase();
    return statuses === null ? standing !== 'planned' || entry.due <= now : statuses.has(standing);
  };
  const found = ledger.openEntries().filter(wanted);
  const open = new Set(found.map(({ id }) => id));
  const mostly = found.length + number;
  for (const entry of ledger.closed(task ?? undefined)) {
    if (since !== null && entry.plannedAt < since - MADE_BEFORE) break;
    // What was closed between the two looks is taken once.
    if (wanted(entry) && !open.has(entry.id) && found.push(entry) >= mostly) break;
  }
  found.sort((a, b) => a.due - b.due || (a.id < b.id ? -1 : 1));
  return number === Number.POSITIVE_INFINITY ? found : found.slice(-number);
}

function row(entry: Entry, wall: Wall, now: EpochMs, paint: Paint): string[] {
  const late = latenessOf(entry);
  const duration = durationOf(entry, now);
  const standing = standingOf(entry);
  return [
    wall.short(entry.due),
    entry.task,
    paint(standing),
    late === null ? '-' : formatDuration(late),
    duration === null ? '-' : formatDuration(Math.round(duration)),
    entry.id,
    remarksOn(entry, now),
  ];
}
