/**
 * The shape of both files, key by key (SPEC 3.1): the one place that knows which keys there are and what they take.
 * Each part carries, as its message, what is expected there; issues.ts makes sentences of it. Pure; nothing is converted.
 */
import * as z from 'zod/mini';
import { LEVELS, RESULT_FORMATS } from '../types.ts';
import { parseLength, parseSize, parseTimeOfDay } from './sizes.ts';

/** What stands after "expected" in messages; here where hints or other modules need the same words. */
export const EXPECTED = {
  expression: 'a cron expression such as "5 4 * * *" or "@daily"',
  schedule: 'a cron expression such as "5 4 * * *" or "@daily", or a mapping with expression',
  timezone: 'the name of a time zone such as Europe/Berlin',
  length: 'whole seconds or a length of time such as 1h30m',
  timeout: 'whole seconds or a length of time such as 1h30m, or 0 for none',
  size: 'a size such as 512M or whole bytes',
  exec: 'a program or a list of a program and its arguments',
  item: 'a string',
  shell: 'a script, or a mapping with script and executable',
  condition: 'true, false or a JavaScript expression',
} as const;

/** Whether a parsed value is a mapping: not a list, a time, binary data or null. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

const text = (expected: string) => z.string(expected).check(z.refine((s) => s.trim() !== '', expected));
/** A key that may be left out. */
const own = <S extends z.core.$ZodType>(schema: S) => z.optional(schema);
/** A key that has a default: `null` switches that of the defaults file off. */
const off = <S extends z.core.$ZodType>(schema: S) => z.optional(z.nullable(schema));
/** A mapping and nothing else: for Zod a Date is an object too. */
const mapping = <S extends z.core.$ZodShape>(shape: S, expected: string) =>
  z.strictObject(shape, expected).check(z.refine(isMapping, expected));
const word = <const W extends readonly string[]>(words: W, expected: string) => z.enum(words, expected);
const whole = (least: number, expected: string) => z.int(expected).check(z.minimum(least, expected));

function length(least: number, expected: string) {
  const fits = (value: string | number) => (parseLength(value) ?? -1) >= least;
  return z.union(
    [z.int(expected).check(z.refine(fits, expected)), z.string(expected).check(z.refine(fits, expected))],
    expected,
  );
}

function size(expected: string) {
  const fits = (value: string | number) => (parseSize(value) ?? 0) > 0;
  return z.union(
    [z.int(expected).check(z.refine(fits, expected)), z.string(expected).check(z.refine(fits, expected))],
    expected,
  );
}

const MISSED = 'once, skip or all';
const timing = {
  timezone: off(text(EXPECTED.timezone)),
  missed: off(word(['once', 'skip', 'all'], MISSED)),
  missed_within: off(length(1, EXPECTED.length)),
};

const PARAM = 'json, yaml or toml';
const LOG = 'auto, json, yaml, toml or text';
const STATE = 'auto, json, yaml or toml';
const RESULT =
  'auto, mixed, archive, one or a list of csv, json, tar, toml and yaml, or an empty string for output as it is';
const RESULT_NAME = 'csv, json, tar, toml or yaml';
const format = mapping(
  {
    param: off(word(['json', 'yaml', 'toml'], PARAM)),
    log: off(word(['auto', 'json', 'yaml', 'toml', 'text', ''], LOG)),
    result: off(
      z.union(
        [
          word(['', 'auto', 'mixed', 'archive', ...RESULT_FORMATS], RESULT),
          z.array(word(RESULT_FORMATS, RESULT_NAME), RESULT).check(z.minLength(1, RESULT)),
        ],
        RESULT,
      ),
    ),
    state: off(word(['auto', 'json', 'yaml', 'toml'], STATE)),
    separator: off(word(['auto', 'nul', 'line'], 'auto, nul or line')),
  },
  'a mapping with param, log, result, state or separator',
);

const KEEP = 'a mapping with count, age or size';
const keep = mapping(
  {
    count: off(whole(1, 'a number of results from 1')),
    age: off(length(1, EXPECTED.length)),
    size: off(size(EXPECTED.size)),
  },
  KEEP,
);

const results = {
  result: off(z.string('a path, or an empty string for no result')),
  on_conflict: off(word(['rename', 'replace'], 'rename or replace')),
  keep: off(keep),
};

const scheduling = mapping(
  {
    tenancy: off(whole(1, 'a number of tasks from 1')),
    overlap: off(word(['skip'], 'skip')),
  },
  'a mapping with tenancy or overlap',
);

const STATUSES = 'a list of exit statuses from 0 to 255';
const STATUS = 'an exit status from 0 to 255';

/** What both files may say; the defaults file for all tasks. */
const shared = {
  timeout: off(z.union([length(0, EXPECTED.timeout), z.literal([false, ''], EXPECTED.timeout)], EXPECTED.timeout)),
  grace: off(length(0, EXPECTED.length)),
  success_exit: off(z.array(whole(0, STATUS).check(z.maximum(255, STATUS)), STATUSES)),
  format: off(format),
  scheduling: off(scheduling),
  /** The user's own. */
  ext: own(z.unknown()),
};

const condition = z.union([z.boolean(EXPECTED.condition), text(EXPECTED.condition)], EXPECTED.condition);

export const taskSchema = mapping(
  {
    schedule: z.union(
      [
        text(EXPECTED.schedule),
        mapping(
          { expression: text(EXPECTED.expression), hash: own(text('a text that is not empty')), ...timing },
          EXPECTED.schedule,
        ),
      ],
      EXPECTED.schedule,
    ),
    exec: own(
      z.union(
        [text(EXPECTED.exec), z.array(z.string(EXPECTED.item), EXPECTED.exec).check(z.minLength(1, EXPECTED.exec))],
        EXPECTED.exec,
      ),
    ),
    shell: own(
      z.union(
        [
          text(EXPECTED.shell),
          mapping(
            { script: text('a script'), executable: off(word(['sh', 'bash', 'python'], 'sh, bash or python')) },
            EXPECTED.shell,
          ),
        ],
        EXPECTED.shell,
      ),
    ),
    command: own(text('the name of one program, which is run as fate-<command>')),
    if: own(condition),
    unless: own(condition),
    param: own(z.unknown()),
    path: off(mapping(results, 'a mapping with result, on_conflict or keep')),
    enabled: own(z.boolean('true or false')),
    description: own(z.string('a text')),
    ...shared,
  },
  'a mapping with the keys of a task',
);

const FILE = 'a path';
const ROTATION = 'a size such as 10M, a length of time such as 1d or a time of day such as 04:30';
const RETENTION = 'a number of files from 1 or an age such as 30d';
const isRotation = (s: string) =>
  (parseSize(s) ?? 0) > 0 && /\D/.test(s) ? true : (parseLength(s) ?? 0) > 0 || parseTimeOfDay(s) !== null;
const lowerCase = (level: string) => level.toLowerCase();

const logTarget = mapping(
  {
    file: own(text(FILE)),
    directory: own(text(FILE)),
    level: own(
      z
        .string(LEVELS.join(', '))
        .check(z.refine((s) => (LEVELS as readonly string[]).includes(lowerCase(s)), LEVELS.join(', '))),
    ),
    format: own(word(['text', 'json'], 'text or json')),
    rotation: off(z.string(ROTATION).check(z.refine(isRotation, ROTATION))),
    retention: off(
      z.union(
        [whole(1, RETENTION), z.string(RETENTION).check(z.refine((s) => (parseLength(s) ?? 0) > 0, RETENTION))],
        RETENTION,
      ),
    ),
    compression: off(word(['gz'], 'gz')),
  },
  'a path or a mapping with file or directory',
);

const LOG_TARGETS = '/dev/stderr, /dev/stdout, a path, a mapping with file or directory, or a list of these';

export const defaultsSchema = mapping(
  {
    schedule: off(mapping(timing, 'a mapping with timezone, missed or missed_within')),
    path: off(
      mapping(
        {
          ...results,
          log: off(
            z.union(
              [
                text(LOG_TARGETS),
                logTarget,
                z
                  .array(z.union([text('a path'), logTarget], 'a path or a mapping with file or directory'), LOG_TARGETS)
                  .check(z.minLength(1, LOG_TARGETS)),
              ],
              LOG_TARGETS,
            ),
          ),
        },
        'a mapping with result, on_conflict, keep or log',
      ),
    ),
    device_id: own(text('a text that is not empty')),
    ...shared,
  },
  'a mapping with the keys of the defaults file',
);

export type TaskInput = z.infer<typeof taskSchema>;
export type DefaultsInput = z.infer<typeof defaultsSchema>;
export type LogInput = NonNullable<NonNullable<DefaultsInput['path']>['log']>;

/** The keys that a schema knows, each with its own schema; null where it is no mapping. */
export function shapeOf(schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> | null {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return def.shape;
    case 'optional':
    case 'nullable':
      return shapeOf(def.innerType);
    case 'array':
      return shapeOf(def.element);
    case 'union':
      for (const option of def.options) {
        const shape = shapeOf(option);
        if (shape !== null) return shape;
      }
      return null;
    default:
      return null;
  }
}

/** Every key path that a schema knows: `format`, `format.param` and so on, in the order written. */
export function keyPaths(schema: z.core.$ZodType, prefix = ''): string[] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([key, inner]) => [
    prefix + key,
    ...keyPaths(inner, `${prefix}${key}.`),
  ]);
}
