/** What `fate status` does: what the daemon says of itself; where there is none, what the ledger says waits for the next one. */
import { type LiveJson, liveJson, type StatusJson } from '../control/json.ts';
import { FateError } from '../errors.ts';
import type { Owner } from '../platform/lock.ts';
import { formatDuration } from '../schedule/duration.ts';
import { pausesOf } from '../state/pauses.ts';
import type { Entry, EpochMs, Task, ZoneSource } from '../types.ts';
import { asked, demandSame, findAttendance } from './attendance.ts';
import type { StatusArguments } from './commands/status.ts';
import { printJson } from './json.ts';
import { liveRemarks, sinceWords } from './live-words.ts';
import { type Wall, wallOf } from './moments.ts';
import { painter } from './paint.ts';
import { type Recorded, withRecorded } from './recorded.ts';
import { table } from './table.ts';
import { plain } from './words.ts';

/** Without a scheduler: also the runs that went, or were about to start, when the last one ended. */
type Shown = StatusJson & { readonly unsettled?: readonly LiveJson[] };

/** 0 also where nobody schedules: that is the answer. */
export async function status(args: StatusArguments): Promise<number> {
  const { attendance, options } = findAttendance(args);
  let shown: Shown;
  if (attendance.kind === 'daemon' || attendance.kind === 'hidden') {
    if (attendance.kind === 'hidden') await demandSame(attendance.socket, options);
    shown = await asked<StatusJson>(attendance.socket, 'GET', '/v1/status');
  } else {
    const owner = attendance.kind === 'mute' ? attendance.owner : null;
    shown = await withRecorded(args, (recorded) => recordedStatus(recorded, owner, Date.now()));
  }
  if (args.json) printJson(shown);
  else process.stdout.write(`${textOf(shown, options.zones, Date.now())}\n`);
  return 0;
}

/** @param owner who has the lock all the same: a pass. @throws FateError where the configuration cannot be read */
export function recordedStatus(
  { ledger, configuration, failure, folder }: Recorded,
  owner: Owner | null,
  now: EpochMs,
): Shown {
  if (configuration === null) throw failure ?? new FateError('SOFTWARE', 'there is no configuration');
  const open = ledger?.openEntries() ?? [];
  const rowsOf = (wanted: (entry: Entry) => boolean): LiveJson[] =>
    open
      .filter(wanted)
      .sort((a, b) => a.due - b.due)
      .map(rowOf);
  const of = (wanted: Entry['phase']): LiveJson[] => rowsOf(({ phase }) => phase === wanted);
  const next = nextOf(configuration.tasks, folder, now);
  const begun = of('started');
  return {
    program: owner?.program ?? null,
    version: null,
    pid: owner?.pid ?? null,
    since: null,
    stopping: false,
    files: configuration.files,
    tasks: configuration.tasks.length,
    invalid: configuration.invalid.length,
    next: next === null ? null : { task: next.task, at: new Date(next.at).toISOString() },
    executions: null,
    failures: null,
    reloaded: null,
    restart: null,
    running: owner === null ? [] : begun,
    waiting: [...of('waiting'), ...of('retry')],
    ...(owner === null && { unsettled: [...begun, ...rowsOf((entry) => isAboutToStart(entry, now))] }),
  };
}

/** What is planned for a time to come is no more than a due time like any other. */
const isAboutToStart = ({ phase, byHand, due }: Entry, now: EpochMs): boolean =>
  phase === 'planned' && (byHand || due <= now);

function rowOf(entry: Entry): LiveJson {
  const { id: run, task, due, attempt, byHand, startedAt, pid, waited, retryAt } = entry;
  const phase = entry.phase === 'retry' || entry.phase === 'started' ? entry.phase : 'waiting';
  const going = phase === 'started';
  return liveJson({
    ...{ run, task, due, attempt, phase, byHand },
    startedAt: going ? startedAt : null,
    pid: going ? pid : null,
    waited: phase === 'waiting' ? waited : null,
    retryAt: phase === 'retry' ? retryAt : null,
  });
}

function nextOf(tasks: readonly Task[], folder: string, now: EpochMs): { task: string; at: EpochMs } | null {
  let first: { task: string; at: EpochMs } | null = null;
  for (const task of tasks) {
    const at = task.enabled ? task.schedule.next(now) : null;
    if (at === null || (first !== null && at >= first.at)) continue;
    // Asked only of those that may be it.
    if (pausesOf(folder, task.name).some(({ from, until }) => from <= at && at < until)) continue;
    first = { task: task.name, at };
  }
  return first;
}

/** For people, on the system's wall clock. */
export function textOf(shown: Shown, zones: ZoneSource, now: EpochMs): string {
  const wall = wallOf('', null, zones);
  const lines = linesOf(shown, wall, now);
  const width = Math.max(...lines.map(([key]) => key.length));
  const text = lines.map(([key, value]) => `${key.padEnd(width)}  ${plain(value)}`).join('\n');
  const paint = painter(process.stdout);
  const row = (live: LiveJson): string[] => [
    ...[plain(live.task), paint(live.status), sinceWords(live, now), live.run, liveRemarks(live, now)],
  ];
  const rows = [...shown.running, ...shown.waiting].map(row);
  const heads = ['TASK', 'STATUS', 'FOR', 'RUN', ''];
  return rows.length === 0 ? text : `${text}\n\n${table([heads, ...rows], process.stdout.columns || null)}`;
}

function linesOf(shown: Shown, wall: Wall, now: EpochMs): [string, string][] {
  const { program, pid, since, next, reloaded, executions, failures, invalid, unsettled = [] } = shown;
  // A daemon of an older version knows of none.
  const { restart = null } = shown as Partial<StatusJson>;
  const at = (iso: string): string => wall.long(Date.parse(iso));
  const age = since === null ? '' : `, since ${at(since)} (${formatDuration(Math.max(0, now - Date.parse(since)))})`;
  const version = shown.version === null ? '' : ` ${shown.version}`;
  const lines: [string, string | null][] = [
    [
      'scheduler',
      program === null ? 'no scheduler runs this configuration' : `${program}${version}, process ${pid}${age}`,
    ],
    ['', shown.stopping ? `it is stopping${restart === null ? '' : ', to start anew'}` : null],
    ['tasks', `${shown.tasks}${invalid > 0 ? `, and ${invalid} invalid: see fate check` : ''}`],
    ['runs', executions === null ? null : `${executions} since then${failures ? `, ${failures} of them not OK` : ''}`],
    [
      'reload',
      reloaded === null ? null : `${at(reloaded.at)}: ${reloaded.ok ? 'done' : 'refused, the old configuration stays'}`,
    ],
    ['restart', restart === null || shown.stopping ? null : `when idle, asked for ${at(restart.since)}`],
    ['', restart?.refused ? `put off, since ${restart.refused}` : null],
    ['next', next === null ? 'nothing' : `${next.task} at ${at(next.at)}${inWords(Date.parse(next.at) - now)}`],
    ...unsettled.map(({ task, run, status }): [string, string] => [
      'unsettled',
      `${task} ${run} was ${status === 'running' ? 'going' : 'about to start'} when the scheduler ended; the next start settles it`,
    ]),
  ];
  return lines.flatMap(([key, value]) => (value === null ? [] : [[key, value] as [string, string]]));
}

const inWords = (left: number): string => (left > 0 ? ` (in ${formatDuration(Math.ceil(left / 1000) * 1000)})` : '');
