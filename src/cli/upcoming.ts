/** What `fate next` does: the next due times of tasks, in order, on the wall clock of each task's zone. */
import { loadConfiguration } from '../conf/load.ts';
import { FateError } from '../errors.ts';
import { formatDuration } from '../schedule/duration.ts';
import { formatInstant, parseInstant } from '../schedule/instant.ts';
import type { EpochMs, Task, ZoneSource } from '../types.ts';
import type { NextArguments } from './commands/next.ts';
import { loadOptionsFor, pathsFor } from './context.ts';
import { tellProblems } from './failure.ts';
import { printJson } from './json.ts';
import { table } from './table.ts';

interface Upcoming {
  readonly task: Task;
  /** Null: at the next boot, whenever that is (`@reboot`). */
  readonly at: EpochMs | null;
}

export async function next(args: NextArguments): Promise<number> {
  const options = loadOptionsFor(pathsFor(args));
  const configuration = await loadConfiguration(options);
  const after = args.at === undefined ? Date.now() : parseInstant(args.at);
  if (after === null) {
    throw new FateError('USAGE', `--at: expected a time such as 2026-03-29 or 2026-03-29T02:30, found ${args.at}`);
  }
  const tasks = choose(
    configuration.tasks,
    args.task,
    configuration.invalid.map(({ name }) => name),
  );
  const upcoming = tasks.flatMap((task) => times(task, after, args.number)).sort(inOrder);
  if (args.json) printJson(upcoming.map(rowOf));
  else printTable(upcoming, options.zones, args.at === undefined ? after : null);
  const skipped = args.task.length === 0 ? configuration.problems.filter(({ severity }) => severity === 'error') : [];
  tellProblems(skipped);
  return 0;
}

function choose(all: readonly Task[], names: readonly string[], invalid: readonly string[]): readonly Task[] {
  if (names.length === 0) return all.filter((task) => task.enabled);
  return names.map((name) => {
    const task = all.find((candidate) => candidate.name === name);
    if (task !== undefined) return task;
    if (invalid.includes(name)) throw new FateError('CONF_INVALID', `the task ${name} is not valid; see 'fate check'`);
    throw new FateError('TASK_UNKNOWN', `no task of the name ${name}`);
  });
}

function times(task: Task, after: EpochMs, number: number): Upcoming[] {
  if (task.schedule.kind === 'reboot') return [{ task, at: null }];
  const found: Upcoming[] = [];
  let at = task.schedule.next(after);
  while (at !== null && found.length < number) {
    found.push({ task, at });
    at = task.schedule.next(at);
  }
  return found;
}

/** By time, those without one at the end; then as in the files. */
function inOrder(a: Upcoming, b: Upcoming): number {
  if (a.at === b.at) return a.task.order - b.task.order;
  return (a.at ?? Number.POSITIVE_INFINITY) - (b.at ?? Number.POSITIVE_INFINITY);
}

function rowOf({ task, at }: Upcoming): Record<string, unknown> {
  return {
    task: task.name,
    due: at === null ? null : new Date(at).toISOString(),
    timezone: task.schedule.timezone,
    expression: task.schedule.expression,
    normalized: task.schedule.normalized,
  };
}

/** `now` for a column of what is left until then; null where the times are counted from elsewhere. */
function printTable(upcoming: readonly Upcoming[], zones: ZoneSource, now: EpochMs | null): void {
  if (upcoming.length === 0) return;
  const lines = upcoming.map(({ task, at }) => {
    const offset = at === null ? 0 : (zones.zone(task.schedule.timezone)?.offsetAt(at) ?? 0);
    const due = at === null ? 'at the next boot' : formatInstant(at, offset, task.schedule.timezone);
    const left = at === null || now === null ? '' : `in ${formatDuration(Math.ceil((at - now) / 1000) * 1000)}`;
    return [due, ...(now === null ? [] : [left]), task.name];
  });
  const heads = ['DUE', ...(now === null ? [] : ['LEFT']), 'TASK'];
  process.stdout.write(`${table([heads, ...lines], process.stdout.columns || null)}\n`);
}
