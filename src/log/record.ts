/** One record of the log, put in order: what the scheduler says first, then a task's own fields (SPEC 10). Pure. */
import type { EpochMs, Level, LogEvent, LogFields, Ms } from '../types.ts';

export interface LogRecord {
  readonly level: Level;
  readonly time: EpochMs;
  readonly event: LogEvent;
  readonly session: string;
  readonly task: string | undefined;
  readonly run: string | undefined;
  readonly msg: string | undefined;
  /** The rest of what the scheduler says, in order, each name once, none that stands above. */
  readonly rest: readonly (readonly [string, unknown])[];
  /** What a task wrote, under the names that lines have for it, none of which stands above. */
  readonly own: readonly (readonly [string, unknown])[];
  /** The same under the task's own names. */
  readonly written: Readonly<Record<string, unknown>>;
  readonly journal: ForJournal;
}

/** What the journal is told in another form than lines are: the field `journal` of a record, which no line has. */
export interface ForJournal {
  /** Its MESSAGE, in place of `msg`. */
  readonly message?: string | undefined;
  /** Fields that are lengths of time, in words in a line: `duration` becomes FATE_DURATION_USEC. */
  readonly lengths?: Readonly<Record<string, Ms>>;
}

const HEAD = new Set(['time', 'level', 'event', 'session', 'task', 'run']);
const NOTHING = Object.freeze({});

/**
 * @returns the record; a name of `own` that the scheduler uses in it gets the prefix `task_`, as often as it takes
 */
export function makeRecord(
  head: { readonly level: Level; readonly time: EpochMs; readonly event: LogEvent; readonly session: string },
  fields: LogFields,
): LogRecord {
  const { msg, task, run, own: written = NOTHING, journal = NOTHING, ...others } = fields;
  const rest: [string, unknown][] = [];
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined && !HEAD.has(name)) rest.push([name, value]);
  }
  const own = ownNames(written, rest, msg !== undefined);
  return { ...head, task, run, msg, rest, own, written, journal: journal as ForJournal };
}

function ownNames(
  own: Readonly<Record<string, unknown>>,
  rest: readonly (readonly [string, unknown])[],
  hasMessage: boolean,
): [string, unknown][] {
  const names = Object.keys(own);
  if (names.length === 0) return [];
  const taken = new Set(HEAD);
  if (hasMessage) taken.add('msg');
  for (const [name] of rest) taken.add(name);
  // Those that collide give way to the task's own ones that do not, so that `task_time` keeps its name beside `time`.
  const free = new Set(names.filter((name) => !taken.has(name)));
  const named: [string, unknown][] = [];
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined) continue;
    let unique = name;
    if (!free.has(name)) while (taken.has(unique) || free.has(unique)) unique = `task_${unique}`;
    taken.add(unique);
    named.push([unique, value]);
  }
  return named;
}
