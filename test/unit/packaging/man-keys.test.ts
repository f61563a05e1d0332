/** The keys of fate-tasks(5) and fate-defaults(5) are those of the schemas, with their words and defaults, and the examples are good. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod/mini';
import { defaultsSchema, keyPaths, taskSchema } from '../../../src/conf/schema.ts';
import { namesFor } from '../../../src/conf/scope.ts';
import { parseLength, parsePercent, parseSize } from '../../../src/conf/sizes.ts';
import { type Configuration, LEVELS } from '../../../src/types.ts';
import { makeFolder } from '../../fixtures/conf/folder.ts';
import { blocks, type Item, items, prose, section, source, wordsOf } from './man-page.ts';

const tasksPage = source('fate-tasks.5');
const defaultsPage = source('fate-defaults.5');
const keyed = (lines: readonly string[]): ReadonlyMap<string, Item> =>
  new Map(
    items(lines)
      .filter(({ head }) => head.startsWith('Ic '))
      .map((item) => [item.head.slice('Ic '.length), item]),
  );
const taskKeys = keyed(section(tasksPage, 'KEYS'));
const ownKeys = keyed(section(defaultsPage, 'KEYS OF THE SCHEDULER'));
const sharedKeys = keyed(section(defaultsPage, 'KEYS OF TASKS'));

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
}

/** As an editor would be told of them: another way than the schema's own to the same keys. */
const jsonOf = (schema: z.core.$ZodType): JsonSchema =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;

/** Every key with its schema, nested ones with dots; keys of alternatives together. */
function walk(schema: JsonSchema, prefix = ''): Map<string, JsonSchema> {
  const found = new Map<string, JsonSchema>();
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    found.set(prefix + key, inner);
    for (const [path, deeper] of walk(inner, `${prefix}${key}.`)) found.set(path, deeper);
  }
  for (const alternative of [...(schema.anyOf ?? []), ...(schema.items === undefined ? [] : [schema.items])])
    for (const [path, deeper] of walk(alternative, prefix)) found.set(path, deeper);
  return found;
}

/** The words that a key takes, of all its alternatives. */
function choices(schema: JsonSchema): string[] {
  const own = (schema.enum ?? []).filter((word): word is string => typeof word === 'string' && word !== '');
  const inner = [...(schema.anyOf ?? []), ...(schema.items === undefined ? [] : [schema.items])];
  return [...own, ...inner.filter(({ properties }) => properties === undefined).flatMap(choices)];
}

const taskSchemas = walk(jsonOf(taskSchema));
const defaultsSchemas = walk(jsonOf(defaultsSchema));

test('the keys of a task are exactly those of the page', () => {
  assert.deepEqual([...taskKeys.keys()].sort(), [...taskSchemas.keys()].sort());
  assert.deepEqual([...taskSchemas.keys()].sort(), [...keyPaths(taskSchema)].sort());
});

test('the keys of the defaults file are exactly those of the page, told apart from those of tasks', () => {
  assert.deepEqual([...ownKeys.keys(), ...sharedKeys.keys()].sort(), [...defaultsSchemas.keys()].sort());
  // `ext` is in both files, and each file's own.
  const shared = [...defaultsSchemas.keys()].filter((key) => taskSchemas.has(key) && key !== 'ext');
  assert.deepEqual([...sharedKeys.keys()].sort(), shared.sort());
});

test('the page says which keys stand in tasks alone', () => {
  const lines = section(tasksPage, 'KEYS');
  const from = lines.findIndex((line) => line.startsWith('All may also stand in'));
  const to = lines.findIndex((line) => line.startsWith("A task's own value"));
  assert.ok(from >= 0 && to > from);
  const only = [...taskSchemas.keys()].filter((key) => !defaultsSchemas.has(key) && !key.startsWith('shell.'));
  assert.deepEqual([...wordsOf(lines.slice(from, to), 'Ic')].sort(), only.sort());
});

test('the words that a key takes are those of the page', () => {
  let compared = 0;
  for (const [keys, schemas] of [
    [taskKeys, taskSchemas],
    [ownKeys, defaultsSchemas],
  ] as const) {
    for (const [key, { body }] of keys) {
      const expected =
        key === 'path.log.level' ? LEVELS : choices(schemas.get(key) ?? {}).filter((word) => word !== 'infinity');
      if (expected.length === 0) continue;
      compared += 1;
      const told = wordsOf(body, 'Cm').filter((word) => !word.includes('['));
      // The list that is a default has commas and brackets.
      const inList = key === 'retry.on' ? told.filter((word) => !word.includes(']')) : told;
      assert.deepEqual(new Set(inList.map((word) => word.replace(/,$/, ''))), new Set(expected), key);
    }
  }
  assert.ok(compared > 12, `only ${compared}`);
});

/** What follows `Default:`; null where nothing does. */
const defaultOf = ({ body }: Item): string | null => {
  const text = prose(body);
  const at = text.lastIndexOf('Default:');
  return at < 0 ? null : text.slice(at + 'Default:'.length).trim();
};

const REQUIRED = new Set(['schedule', 'schedule.expression', 'shell.script', 'path.log.file', 'path.log.directory']);

test('every key of both pages says what it is without it', () => {
  for (const [key, item] of [...taskKeys, ...ownKeys]) {
    const told = prose(item.body);
    const said = defaultOf(item) !== null || /A mapping with the keys? below/.test(told) || REQUIRED.has(key);
    assert.ok(said, `${key}: ${told}`);
  }
});

type Check = (text: string) => boolean;

/** What each plain default is, of a task and of a configuration that say nothing. */
function facts({ tasks, log, patience, history, controlGroups }: Configuration): ReadonlyMap<string, Check> {
  const [plain, retried, scripted] = tasks;
  if (plain === undefined || retried?.retry == null || scripted?.command.kind !== 'shell')
    return assert.fail('fixture');
  const { retry } = retried;
  const { executable } = scripted.command;
  const [file] = log;
  const is =
    (value: unknown): Check =>
    (text) =>
      text === String(value);
  const lasts =
    (value: number | null): Check =>
    (text) =>
      parseLength(text) === value;
  return new Map<string, Check>([
    ['schedule.missed', is(plain.missed)],
    ['enabled', is(plain.enabled)],
    ['shell.executable', is(executable)],
    ['grace', lasts(plain.grace)],
    ['limits.log', (text) => parseSize(text) === plain.limits.log],
    ['retry.limit', is(retry.limit)],
    ['retry.delay', lasts(retry.delay)],
    ['retry.backoff', is(retry.backoff)],
    ['retry.max_delay', lasts(retry.maxDelay)],
    ['retry.on', is(`[${retry.on.join(', ')}]`)],
    ['scheduling.overlap', is(plain.overlap)],
    // It is what the state is written as, which follows it.
    ['format.param', is(plain.formatState.in)],
    ['format.log', is(plain.formatLog)],
    ['format.separator', is(plain.separator)],
    ['format.result', is(plain.formatResult.kind)],
    ['format.state', is(plain.formatState.out)],
    ['path.on_conflict', is(plain.onConflict)],
    ['path.log', is('/dev/stderr')],
    ['path.log.level', is(file?.level)],
    ['path.log.format', is(file?.format)],
    ['scheduling.patience', lasts(patience)],
    ['scheduling.cgroup', is(controlGroups)],
    ['history.max_runs', is(history.maxRuns)],
    ['history.max_failures', is(history.maxFailures)],
    ['history.max_age', lasts(history.maxAge)],
  ]);
}

/** The first words in bold, which is how the pages set a plain default. */
function plainDefault(body: readonly string[]): string | null {
  const line = body.find((one) => one.startsWith('.Cm '));
  return line === undefined ? null : line.slice('.Cm '.length).replace(/ [,.]$/, '');
}

test('plain defaults are those of a task, and of a configuration, that says nothing', async (t) => {
  const folder = makeFolder(t, {
    'tasks.yaml':
      'a: {schedule: "* * * * *"}\nb: {schedule: "* * * * *", retry: {}}\nc: {schedule: "* * * * *", shell: "true"}\n',
  });
  const configuration = await folder.load();
  assert.deepEqual(
    configuration.log.map(({ kind }) => kind),
    ['stderr'],
  );
  assert.equal(parsePercent('50%'), 50);
  const known = facts(configuration);
  const told: string[] = [];
  for (const [key, { body }] of [...taskKeys, ...ownKeys]) {
    const at = body.lastIndexOf('Default:');
    const text = at < 0 ? null : plainDefault(body.slice(at));
    if (text === null) continue;
    told.push(key);
    assert.ok(known.get(key)?.(text), `${key} is told to be ${text}`);
  }
  assert.deepEqual(told.sort(), [...known.keys()].sort(), 'every plain default is told');
  for (const [key, { body }] of sharedKeys) {
    const text = plainDefault(body);
    if (text !== null) assert.ok(known.get(key)?.(text), `${key} of the defaults is told to be ${text}`);
    else assert.ok(!known.has(key), `${key} of the defaults has a plain default`);
  }
});

test('tenancy without a key is twice the processors, less one', async (t) => {
  const folder = makeFolder(t, { 'tasks.yaml': 'a: {schedule: "* * * * *"}\n' });
  const host = { ...folder.options().host, cpus: 8 };
  const { tasks } = await folder.load({ host });
  assert.equal(tasks[0]?.tenancy, 15);
  assert.match(
    defaultOf(taskKeys.get('scheduling.tenancy') ?? assert.fail()) ?? '',
    /^twice the number of processors, less one\.$/,
  );
});

test('the names in scope of templates are those of the page', () => {
  const named = items(section(tasksPage, 'TEMPLATES AND CONDITIONS'))
    .filter(({ head }) => head.startsWith('Va '))
    .map(({ head }) => head.slice('Va '.length));
  assert.deepEqual([...named].sort(), [...namesFor('result')].sort());
});

test('every example of a configuration is good, and the two formats say the same', async (t) => {
  let loaded = 0;
  for (const page of [tasksPage, defaultsPage]) {
    const same: unknown[] = [];
    for (const { mark, lines } of blocks(page)) {
      const [name = '', alike] = mark.split(' ');
      if (!/^(tasks|defaults)\.(toml|yaml)$/.test(name)) continue;
      const rest = name.startsWith('defaults') ? { 'tasks.d/x.yaml': 'x: {schedule: "@daily"}\n' } : {};
      const folder = makeFolder(t, { ...rest, [name]: `${lines.join('\n')}\n` });
      const { tasks, invalid, problems, files, ...others } = await folder.load();
      assert.deepEqual(folder.texts(problems), [], lines.join('\n'));
      assert.deepEqual(invalid, []);
      assert.ok(tasks.length > 0 && files.length > 0);
      loaded += 1;
      if (alike === 'same') same.push(JSON.parse(JSON.stringify([tasks.map(({ file, ...task }) => task), others])));
    }
    assert.equal(same.length, 2);
    assert.deepEqual(same[0], same[1]);
  }
  assert.ok(loaded >= 5, `only ${loaded}`);
});

test('every literal block of these pages is said to be something', () => {
  const KNOWN = /^(|script|(tasks|defaults)\.(toml|yaml)( same)?)$/;
  for (const { mark } of [...blocks(tasksPage), ...blocks(defaultsPage)]) assert.match(mark, KNOWN);
});
