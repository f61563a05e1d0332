/**
 * What `fate list` does: the tasks with their next and last times. Who owns the state reads it himself, with a daemon or without
 * one; others ask the daemon.
 */
import { type StatusJson, type TaskJson, taskJson } from '../control/json.ts';
import { FateError } from '../errors.ts';
import { lockOwner } from '../platform/lock.ts';
import { formatDuration } from '../schedule/duration.ts';
import { formatInstant } from '../schedule/instant.ts';
import { taskRows } from '../scheduler/task-rows.ts';
import type { LedgerReader } from '../state/looking.ts';
import { pausedTasks } from '../state/pauses.ts';
import type { Entry, EpochMs, Ms, ZoneSource } from '../types.ts';
import { asked, demandSame, findAttendance } from './attendance.ts';
import type { ListArguments } from './commands/list.ts';
import { printJson } from './json.ts';
import { type Paint, painter } from './paint.ts';
import { type Recorded, withRecorded } from './recorded.ts';
import { table } from './table.ts';
import { plain } from './words.ts';

/** A daemon that is stopped holds up nobody who only looks. */
const PATIENCE: Ms = 2_000;

interface Listed {
  readonly rows: readonly TaskJson[];
  /** Of a task, where it is known. */
  timezone(task: string): string | null;
  readonly zones: ZoneSource;
}

export async function list(args: ListArguments): Promise<number> {
  const now = Date.now();
  const listed = await listedFor(args, now);
  if (args.json) printJson(listed.rows);
  else if (listed.rows.length > 0) process.stdout.write(`${tableOf(listed, now)}\n`);
  else process.stderr.write('fate: there are no tasks\n');
  return 0;
}

async function listedFor(args: ListArguments, now: EpochMs): Promise<Listed> {
  try {
    const goes = await askedWhatGoes(args);
    return await withRecorded(args, (recorded) => recordedList(recorded, now, goes));
  } catch (error) {
    if (!(error instanceof FateError && error.code === 'NOT_PERMITTED')) throw error;
    return listedByDaemon(args, error);
  }
}

/** The ledger learns of a start up to a second later than the daemon; null where that cannot be asked, or does not answer. */
async function askedWhatGoes(args: ListArguments): Promise<StatusJson | null> {
  const { attendance } = findAttendance(args);
  if (attendance.kind !== 'daemon') return null;
  return asked<StatusJson>(attendance.socket, 'GET', '/v1/status', undefined, PATIENCE).catch(() => null);
}

/** @param refused why the state cannot be read, which counts where the daemon cannot be asked either */
async function listedByDaemon(args: ListArguments, refused: FateError): Promise<Listed> {
  const { attendance, options } = findAttendance(args);
  if (attendance.kind !== 'hidden') throw refused;
  const { socket } = attendance;
  try {
    await demandSame(socket, options);
    const rows = await asked<readonly TaskJson[]>(socket, 'GET', '/v1/tasks');
    return { rows, timezone: () => null, zones: options.zones };
  } catch (error) {
    if (!(error instanceof FateError)) throw error;
    throw new FateError('NOT_PERMITTED', `${refused.message}; and ${error.message}`);
  }
}

/**
 * @param goes what the daemon says that goes and waits; null: what the ledger says
 * @throws FateError where the configuration cannot be read
 */
export function recordedList(
  { ledger, configuration, failure, folder, zones }: Recorded,
  now: EpochMs,
  goes: Pick<StatusJson, 'running' | 'waiting'> | null = null,
): Listed {
  if (configuration === null) throw failure ?? new FateError('SOFTWARE', 'there is no configuration');
  const open = ledger?.openEntries() ?? [];
  // What went when the last scheduler ended goes no more.
  const started = lockOwner(folder) === null ? [] : inPhase(open, ['started']);
  const running = countOf(goes?.running ?? started);
  const waiting = countOf(goes?.waiting ?? inPhase(open, ['waiting', 'retry']));
  const paused = new Map(pausedTasks(folder, now).map(({ task, until }) => [task, until]));
  const zonesOf = new Map(configuration.tasks.map((task) => [task.name, task.schedule.timezone]));
  const rows = taskRows({
    configuration,
    now,
    last: (task) => (ledger === null ? null : latest(ledger, task)),
    live: (task) => ({ running: running.get(task) ?? 0, waiting: waiting.get(task) ?? 0 }),
    pausedUntil: (task) => paused.get(task) ?? null,
  });
  return { rows: [...rows].map(taskJson), timezone: (task) => zonesOf.get(task) ?? null, zones };
}

const inPhase = (open: readonly Entry[], phases: readonly Entry['phase'][]): readonly Entry[] =>
  open.filter(({ phase }) => phases.includes(phase));

function countOf(runs: readonly { readonly task: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { task } of runs) counts.set(task, (counts.get(task) ?? 0) + 1);
  return counts;
}

function latest(ledger: LedgerReader, task: string): Entry | null {
  for (const entry of ledger.closed(task)) return entry;
  return null;
}

/** On the wall clock of each task's zone; through the daemon, which does not tell it, on the system's. */
function tableOf({ rows, timezone, zones }: Listed, now: EpochMs): string {
  const paint = painter(process.stdout);
  const wall = (task: string, iso: string): string => {
    const at = Date.parse(iso);
    const offset = zones.zone(timezone(task))?.offsetAt(at) ?? 0;
    return formatInstant(at, offset, null).replace(/^\S+ /, '');
  };
  const lines = rows.map((row) => [
    plain(row.task),
    stateWords(row, paint),
    plain(row.schedule ?? '-'),
    row.next === null ? nextWords(row) : wall(row.task, row.next),
    row.next === null ? '-' : formatDuration(Math.max(0, Math.ceil((Date.parse(row.next) - now) / 1000) * 1000)),
    row.last === null ? '-' : wall(row.task, row.last.due),
    row.last === null ? '-' : paint(row.last.status),
    plain(row.description ?? ''),
  ]);
  const heads = ['TASK', 'STATE', 'SCHEDULE', 'NEXT', 'IN', 'LAST', 'STATUS', ''];
  return table([heads, ...lines], process.stdout.columns || null);
}

const nextWords = ({ state, schedule }: TaskJson): string =>
  state === 'enabled' && schedule?.trim().toLowerCase() === '@reboot' ? 'at the next boot' : '-';

/** What goes on says more than that the task is enabled. */
function stateWords({ state, running, waiting }: TaskJson, paint: Paint): string {
  const some = (count: number, word: 'running' | 'waiting'): string[] =>
    count === 0 ? [] : [`${count > 1 ? `${count} ` : ''}${paint(word)}`];
  const words = [...(state === 'enabled' ? [] : [state]), ...some(running, 'running'), ...some(waiting, 'waiting')];
  return words.length === 0 ? state : words.join(', ');
}
