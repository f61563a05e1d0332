/**
 * The shape of both files, key by key (SPEC 3.1): the one place that knows which keys there are and what they take.
 * Each part carries, as its message, what is expected there; issues.ts makes sentences of it. Pure; nothing is converted.
 */
import * as z from 'zod/mini';
import { RESULT_FORMATS, type ResultFormat } from '../types.ts';
import { context, control, credentials, limits } from './schema-context.ts';
import { logSchema } from './schema-log.ts';
import { EXPECTED, length, mapping, off, own, size, text, whole, word } from './schema-parts.ts';
import { defaultScheduling, history, retry, scheduling } from './schema-runs.ts';

const MISSED = 'once, skip or all';
const timing = {
  timezone: off(text(EXPECTED.timezone)),
  missed: off(word(['once', 'skip', 'all'], MISSED)),
  missed_within: off(length(1, EXPECTED.positive)),
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
    age: off(length(1, EXPECTED.positive)),
    size: off(size(EXPECTED.size)),
  },
  KEEP,
);

const results = {
  result: off(z.string('a path, or an empty string for no result')),
  on_conflict: off(word(['rename', 'replace'], 'rename or replace')),
  keep: off(keep),
};

const STATUSES = 'a list of exit statuses from 0 to 255';
const STATUS = 'an exit status from 0 to 255';

/** What both files may say; the defaults file for all tasks. */
const shared = {
  timeout: off(z.union([length(0, EXPECTED.timeout), z.literal([false, ''], EXPECTED.timeout)], EXPECTED.timeout)),
  grace: off(length(0, EXPECTED.length)),
  success_exit: off(z.array(whole(0, STATUS).check(z.maximum(255, STATUS)), STATUSES)),
  retry: off(retry),
  format: off(format),
  ...context,
  limits: off(limits),
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
    credentials,
    scheduling: off(scheduling),
    /** The user's own. */
    ext: own(z.unknown()),
  },
  'a mapping with the keys of a task',
);

export const defaultsSchema = mapping(
  {
    schedule: off(mapping(timing, 'a mapping with timezone, missed or missed_within')),
    path: off(
      mapping(
        {
          ...results,
          log: off(logSchema),
        },
        'a mapping with result, on_conflict, keep or log',
      ),
    ),
    device_id: own(text('a text that is not empty')),
    ...shared,
    scheduling: off(defaultScheduling),
    history: off(history),
    control: off(control),
    ext: own(z.unknown()),
  },
  'a mapping with the keys of the defaults file',
);

export type TaskInput = z.infer<typeof taskSchema>;
export type DefaultsInput = z.infer<typeof defaultsSchema>;
export type LogInput = NonNullable<NonNullable<DefaultsInput['path']>['log']>;

/**
 * `format.result` as a record; a text may also name several formats, separated by commas, as a command line does.
 * '' is the output as it is (SPEC 8). Null when it is none.
 */
export function parseResultFormat(value: string | readonly string[]): ResultFormat | null {
  if (value === '') return Object.freeze({ kind: 'raw' });
  if (value === 'auto' || value === 'mixed' || value === 'archive') return Object.freeze({ kind: value });
  const words = typeof value === 'string' ? value.split(',').map((name) => name.trim()) : value;
  const names = [...new Set(words)].map((name) => RESULT_FORMATS.find((known) => known === name) ?? null);
  const known = names.filter((name) => name !== null);
  if (known.length === 0 || known.length < names.length) return null;
  return Object.freeze({ kind: 'named', names: Object.freeze(known) });
}

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
