/** One record of the log, put in order: what the scheduler says first, then a task's own fields (SPEC 10). Pure. */
import type { EpochMs, Level, LogEvent, LogFields } from '../types.ts';

export interface LogRecord {
  readonly level: Level;
  readonly time: EpochMs;
  readonly event: LogEvent;
  readonly session: string;
  readonly task: string | undefined;
  readonly run: string | undefined;
  readonly msg: string | undefined;
  /** The rest, in order, each name once, none that stands above. */
  readonly rest: readonly (readonly [string, unknown])[];
}

const HEAD = new Set(['time', 'level', 'event', 'session', 'task', 'run']);

/**
 * @returns the record; a name of `own` that the scheduler uses in it gets the prefix `task_`, as often as it takes
 */
export function makeRecord(
  head: { readonly level: Level; readonly time: EpochMs; readonly event: LogEvent; readonly session: string },
  fields: LogFields,
): LogRecord {
  const { msg, task, run, own, ...others } = fields;
  const rest: [string, unknown][] = [];
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined && !HEAD.has(name)) rest.push([name, value]);
  }
  if (own !== undefined) addOwn(rest, own, msg !== undefined);
  return { ...head, task, run, msg, rest };
}

function addOwn(rest: [string, unknown][], own: Readonly<Record<string, unknown>>, hasMessage: boolean): void {
  const taken = new Set(HEAD);
  if (hasMessage) taken.add('msg');
  for (const [name] of rest) taken.add(name);
  // Those that collide give way to the task's own ones that do not, so that `task_time` keeps its name beside `time`.
  const free = new Set(Object.keys(own).filter((name) => !taken.has(name)));
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined) continue;
    let unique = name;
    if (!free.has(name)) while (taken.has(unique) || free.has(unique)) unique = `task_${unique}`;
    taken.add(unique);
    rest.push([unique, value]);
  }
}
