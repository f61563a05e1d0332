/** The files that `fate init conf` writes: what they say, in both formats, as they are and with every setting switched on. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import TOML from 'toml';
import YAML from 'yaml';
import { loadConfiguration } from '../../src/conf/load.ts';
import { defaultsSchema, keyPaths, taskSchema } from '../../src/conf/schema.ts';
import { readHost } from '../../src/platform/host.ts';
import { createZoneSource } from '../../src/platform/zone-files.ts';
import type { Configuration, Task } from '../../src/types.ts';
import { makePrefix, type Prefix, parseLine } from '../helpers/prefix.ts';
import { repo } from '../helpers/repo.ts';

const FORMATS = ['toml', 'yaml'] as const;
type Format = (typeof FORMATS)[number];
type Name = 'tasks' | 'defaults';

const textOf = (name: Name, format: Format): string =>
  readFileSync(join(repo, 'packaging/init', `${name}.${format}`), 'utf8');

/** With every setting switched on: the # taken away where a remark has # and one space. */
function switchedOn(name: Name, format: Format): string {
  const text = textOf(name, format);
  const head = text.indexOf('\n\n');
  return text.slice(0, head) + text.slice(head).replaceAll(/^#(?! \S|$)/gm, '');
}

function parsed(text: string, format: Format): Record<string, unknown> {
  return JSON.parse(JSON.stringify(format === 'toml' ? TOML.parse(text) : (YAML.parse(text) ?? {})));
}

function prefixWith(t: TestContext, format: Format, text: (name: Name, format: Format) => string): Prefix {
  const files = { [`tasks.${format}`]: text('tasks', format), [`defaults.${format}`]: text('defaults', format) };
  return makePrefix(t, files);
}

async function load(prefix: Prefix): Promise<Configuration> {
  const options = { conf: prefix.paths.conf, names: { task: 'tasks', defaults: 'defaults' }, packaged: null };
  const surroundings = { data: '/data', host: readHost(), env: {}, zones: createZoneSource({ env: { TZ: 'UTC' } }) };
  return loadConfiguration({ ...options, ...surroundings, strict: true });
}

const shown = ({ file: _, ...task }: Task): unknown => JSON.parse(JSON.stringify(task));

for (const [state, text] of [
  ['as they are', textOf],
  ['with every setting switched on', switchedOn],
] as const) {
  test(`TOML and YAML say the same, ${state}`, async (t) => {
    const [toml, yaml] = await Promise.all(FORMATS.map((format) => load(prefixWith(t, format, text))));
    assert.ok(toml !== undefined && yaml !== undefined);
    assert.deepEqual(toml.tasks.map(shown), yaml.tasks.map(shown));
    assert.deepEqual(toml.log, yaml.log);
    assert.deepEqual([...toml.problems, ...yaml.problems], []);
    assert.deepEqual(parsed(text('defaults', 'toml'), 'toml'), parsed(text('defaults', 'yaml'), 'yaml'));
  });
}

test('as they are, one task is enabled, and the defaults change nothing', async (t) => {
  const { tasks } = await load(prefixWith(t, 'toml', textOf));
  assert.deepEqual(
    tasks.map(({ name, enabled }) => [name, enabled]),
    [
      ['load', true],
      ['hello', false],
      ['archive', false],
      ['counter', false],
      ['reachable', false],
    ],
  );
  for (const format of FORMATS) assert.deepEqual(parsed(textOf('defaults', format), format), {}, format);
});

/** `schedule.expression` and so on; of a list its mappings. */
function pathsIn(value: unknown, prefix = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => (typeof item === 'object' ? pathsIn(item, prefix) : []));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [prefix + key, ...pathsIn(inner, `${prefix}${key}.`)]);
}

test('every key of a task and of the defaults stands in both', () => {
  for (const format of FORMATS) {
    const tasks = new Set(Object.values(parsed(switchedOn('tasks', format), format)).flatMap((task) => pathsIn(task)));
    const defaults = new Set(pathsIn(parsed(switchedOn('defaults', format), format)));
    assert.deepEqual(
      keyPaths(taskSchema).filter((key) => !tasks.has(key)),
      [],
      `tasks.${format}`,
    );
    assert.deepEqual(
      keyPaths(defaultsSchema).filter((key) => !defaults.has(key)),
      [],
      `defaults.${format}`,
    );
  }
});

test('a setting that is said to be the default is', async (t) => {
  const { tasks } = await load(prefixWith(t, 'toml', (name) => (name === 'tasks' ? switchedOn(name, 'toml') : '')));
  const every = tasks.find(({ name }) => name === 'every-key');
  const least = (await load(makePrefix(t, { 'tasks.toml': '[every-key]\nschedule = "30 4 * * *"\nretry = {}\n' })))
    .tasks[0];
  assert.ok(every !== undefined && least !== undefined);
  const keys = [
    ...['enabled', 'grace', 'retry', 'missed', 'overlap', 'onConflict'],
    ...['formatLog', 'separator', 'formatResult', 'formatState'],
  ] as readonly (keyof Task)[];
  for (const key of keys) assert.deepEqual(every[key], least[key], key);
  assert.equal(every.schedule.normalized, least.schedule.normalized);
  assert.equal(every.limits.log, least.limits.log);
  // The parameters as JSON.
  assert.deepEqual(JSON.parse(every.param), { path: '/srv', days: 7 });
});

test('fate check has nothing to say about them, as they are', async (t) => {
  for (const format of FORMATS) {
    const check = await prefixWith(t, format, textOf).run('fate', 'check');
    // Only who runs them: root, where root does.
    const stderr = check.stderr.replace(/^note: these tasks run as root, .*\n/, '');
    assert.deepEqual([check.status, check.stdout, stderr], [0, '', ''], format);
  }
});

test('fate check finds no error either with every setting switched on', async (t) => {
  for (const format of FORMATS) {
    const check = await prefixWith(t, format, switchedOn).run('fate', 'check');
    assert.equal(check.status, 0, check.stderr);
  }
});

test('each task runs well, and the first gives a result', async (t) => {
  const prefix = prefixWith(t, 'toml', (name, format) => textOf(name, format).replaceAll('enabled = false\n', ''));
  // Only root may read what the archive packs.
  const root = process.getuid?.() === 0;
  for (const name of ['load', 'hello', 'counter', ...(root ? ['archive'] : [])]) {
    const run = await prefix.run('fate', 'debug', 'run', '--record', '--state', '--no-report', '--propagate', name);
    assert.equal(run.status, 0, `${name}: ${run.stderr}`);
  }
  const again = await prefix.run('fate', 'debug', 'run', '--record', '--state', '--no-report', 'counter');
  assert.equal(again.status, 0, again.stderr);
  const results = prefix.results();
  const read = (pattern: RegExp): string =>
    prefix.readResult(results.filter((name) => pattern.test(name)).at(-1) ?? '');
  const { load: loads, disk_percent: percent } = JSON.parse(read(/-load\.json$/));
  assert.equal(loads.length, 3);
  assert.ok(percent >= 0 && percent <= 100);
  assert.equal(read(/-hello$/), 'hello\n');
  assert.equal(
    results.some((name) => name.endsWith('-archive.tar.gz')),
    root,
  );
  const counts = results
    .filter((name) => /-counter(-1)?\.json$/.test(name))
    .map((name) => JSON.parse(prefix.readResult(name)));
  assert.deepEqual(counts.map(({ runs }) => runs).sort(), [1, 2]);
});

test('the first task runs by itself within a minute', async (t) => {
  const prefix = prefixWith(t, 'yaml', textOf);
  await prefix.run('fates');
  await prefix.backdate(120_000);
  const pass = await prefix.run('fates', '--fail');
  assert.equal(pass.status, 0, pass.stderr);
  const ended = pass.stderr
    .split('\n')
    .map(parseLine)
    .filter(({ fields }) => fields.event === 'ended');
  assert.deepEqual(
    ended.map(({ fields }) => fields.task),
    ['load'],
  );
  assert.equal(prefix.results().length, 1);
});
