/**
 * What a task takes from itself, the defaults file or Fate, key by key (SPEC 3.1): its own value, else that of the
 * defaults, else the built-in one; `null` anywhere gives the built-in one. For resolve. Pure.
 */
import type {
  Keep,
  LogFormat,
  MissedPolicy,
  ResultFormat,
  Separator,
  StateFormat,
  Task,
  TextFormat,
} from '../types.ts';
import { effective, pick } from './layers.ts';
import { retryOf } from './runs.ts';
import { type DefaultsInput, parseResultFormat, type TaskInput } from './schema.ts';
import { parseLength, parseSize } from './sizes.ts';

const GRACE_MS = 10_000;

/** The keys that both files may hold. */
export type Layer = Pick<
  TaskInput,
  'timeout' | 'grace' | 'success_exit' | 'retry' | 'format' | 'path' | 'scheduling'
> & {
  readonly schedule?: DefaultsInput['schedule'];
};

export type Settings = Pick<
  Task,
  | 'timeout'
  | 'grace'
  | 'successExit'
  | 'formatLog'
  | 'separator'
  | 'formatResult'
  | 'formatState'
  | 'onConflict'
  | 'keep'
  | 'tenancy'
  | 'overlap'
  | 'mutex'
  | 'maxWait'
  | 'retry'
  | 'missed'
  | 'missedWithin'
> & {
  readonly timezone: string | null;
  readonly formatParam: TextFormat;
  /** A template, null for no result, undefined for the default path. */
  readonly result: string | null | undefined;
};

/** Every default and unit applied. Expects layers that the schema has accepted. */
export function settingsOf(task: Layer, defaults: Layer, cpus: number): Settings {
  const formats = [task.format, defaults.format] as const;
  const paths = [task.path, defaults.path] as const;
  const schedules = [task.schedule, defaults.schedule] as const;
  const scheduling = [task.scheduling, defaults.scheduling] as const;
  const param: TextFormat = pick('param', ...formats) ?? 'json';
  const state: StateFormat = pick('state', ...formats) ?? 'auto';
  const log: LogFormat | '' | null = pick('log', ...formats) ?? 'auto';
  const separator: Separator = pick('separator', ...formats) ?? 'auto';
  const missed: MissedPolicy = pick('missed', ...schedules) ?? 'once';
  const missedWithin = pick('missed_within', ...schedules) ?? null;
  const result = pick('result', ...paths);
  const grace = pick('grace', task, defaults) ?? null;
  const maxWait = pick('max_wait', ...scheduling) ?? null;
  return {
    timezone: pick('timezone', ...schedules) ?? null,
    missed,
    missedWithin: missedWithin === null ? null : parseLength(missedWithin),
    timeout: timeoutOf(pick('timeout', task, defaults) ?? null),
    grace: grace === null ? GRACE_MS : (parseLength(grace) ?? GRACE_MS),
    successExit: Object.freeze([...new Set([0, ...(pick('success_exit', task, defaults) ?? [])])]),
    formatParam: param,
    formatLog: log === '' ? 'text' : log,
    separator,
    formatResult: resultFormatOf(pick('result', ...formats)),
    formatState: Object.freeze({ in: state === 'auto' ? param : state, out: state }),
    result: typeof result === 'string' && result.trim() === '' ? null : result,
    onConflict: pick('on_conflict', ...paths) ?? 'rename',
    keep: keepOf(paths),
    tenancy: pick('tenancy', ...scheduling) ?? Math.max(1, 2 * cpus - 1),
    overlap: pick('overlap', ...scheduling) ?? 'skip',
    mutex: pick('mutex', ...scheduling)?.trim() ?? null,
    maxWait: maxWait === null ? null : parseLength(maxWait),
    retry: retryOf([task.retry, defaults.retry]),
  };
}

function timeoutOf(timeout: string | number | false | null): number | null {
  if (timeout === null || timeout === false) return null;
  // '' and 0 are none too.
  return parseLength(timeout) || null;
}

/** `format.result: null` is the output as it is (SPEC 8), unlike other keys; not given at all is auto. */
function resultFormatOf(format: string | readonly string[] | null | undefined): ResultFormat {
  return parseResultFormat(format === undefined ? 'auto' : (format ?? '')) ?? Object.freeze({ kind: 'auto' });
}

function keepOf(paths: readonly (Layer['path'] | undefined)[]): Keep {
  // A layer may switch off `path` or `keep` as a whole.
  const keeps = effective(paths.map((path) => (path === null ? null : path?.keep)));
  const age = pick('age', ...keeps) ?? null;
  const size = pick('size', ...keeps) ?? null;
  return Object.freeze({
    count: pick('count', ...keeps) ?? null,
    age: age === null ? null : parseLength(age),
    size: size === null ? null : parseSize(size),
  });
}
