/** The example configuration, as a person would use it: both formats, checked, and one real pass over every task. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadConfiguration } from '../../src/conf/load.ts';
import { readHost } from '../../src/platform/host.ts';
import { createZoneSource } from '../../src/platform/zone-files.ts';
import type { Configuration, Task } from '../../src/types.ts';
import { makePrefix, type Prefix, parseLine } from '../helpers/prefix.ts';
import { repo } from '../helpers/repo.ts';

const examples = join(repo, 'packaging/examples');
const DAYS = 86_400_000;

/** A private Fate with the examples of one format, and their programs on PATH as the comments there say. */
function exampleSetup(t: TestContext, format: 'toml' | 'yaml'): Prefix {
  const prefix = makePrefix(t);
  mkdirSync(prefix.paths.conf, { recursive: true });
  for (const name of ['tasks', 'defaults']) {
    copyFileSync(join(examples, `${name}.${format}`), join(prefix.paths.conf, `${name}.${format}`));
  }
  prefix.env.PATH = `${join(examples, 'bin')}${delimiter}${process.env.PATH}`;
  return prefix;
}

async function load(prefix: Prefix): Promise<Configuration> {
  const options = { conf: prefix.paths.conf, names: { task: 'tasks', defaults: 'defaults' }, packaged: null };
  const surroundings = { data: '/data', host: readHost(), env: {}, zones: createZoneSource({ env: { TZ: 'UTC' } }) };
  return loadConfiguration({ ...options, ...surroundings, strict: true });
}

test('the TOML and the YAML examples say the same', async (t) => {
  const shown = (task: Task): unknown => {
    const { file: _, ...rest } = task;
    return JSON.parse(JSON.stringify(rest));
  };
  const [toml, yaml] = await Promise.all([load(exampleSetup(t, 'toml')), load(exampleSetup(t, 'yaml'))]);
  assert.deepEqual(toml.tasks.map(shown), yaml.tasks.map(shown));
  assert.deepEqual(toml.log, yaml.log);
  assert.deepEqual(
    toml.tasks.map((task) => task.name),
    ['disk', 'load', 'log-watch', 'certificates', 'updates', 'archive'],
  );
  assert.deepEqual([...toml.problems, ...yaml.problems], []);
});

test('fate check has nothing to say about the examples', async (t) => {
  for (const format of ['toml', 'yaml'] as const) {
    const prefix = exampleSetup(t, format);
    const check = await prefix.run('fate', 'check');
    // Only who runs them: root, where root does.
    const stderr = check.stderr.replace(/^note: these tasks run as root, .*\n/, '');
    assert.deepEqual([check.status, check.stdout, stderr], [0, '', ''], format);
  }
});

test('one pass runs every example well and records what it should', async (t) => {
  const prefix = exampleSetup(t, 'toml');
  await prefix.run('fates');
  assert.deepEqual(prefix.results(), [], 'the first pass runs nothing');

  // Back to a moment after which every task came due; the archive looks back 12 hours, so its last night may be older.
  await prefix.backdate(4 * DAYS);
  const pass = await prefix.run('fates', '--fail');
  assert.equal(pass.status, 0, pass.stderr);
  const lines = pass.stderr.trim().split('\n').map(parseLine);
  const ended = lines.filter((line) => line.fields.event === 'ended').map((line) => line.fields);
  const workday = new Date().getUTCDay() % 6 !== 0;
  const expected = ['disk', 'load', 'log-watch', 'certificates', ...(workday ? ['updates'] : [])];
  for (const name of expected)
    assert.ok(
      ended.some((fields) => fields.task === name && fields.status === 'OK'),
      name,
    );

  const resultOf = (label: string): string => {
    const name = prefix.results().find((file) => new RegExp(`^result-\\d+-\\d{8}T\\d{6}-${label}$`).test(file));
    assert.ok(name, `${label} is among ${prefix.results()}`);
    return prefix.readResult(name);
  };
  const disks: unknown = JSON.parse(resultOf('disk\\.json'));
  assert.ok(Array.isArray(disks));
  for (const { mount, bytes, inodes } of disks) {
    assert.ok(mount.startsWith('/'));
    assert.ok(bytes.total > 0 && bytes.used_percent >= 0 && bytes.used_percent <= 100);
    assert.equal(typeof inodes, 'object');
  }
  const { load: loads, memory_kib: memory } = JSON.parse(resultOf('load\\.json'));
  assert.equal(loads.length, 3);
  assert.ok(memory.total >= memory.available && memory.available > 0);
  const { checked, certificates } = JSON.parse(resultOf('certificates\\.json'));
  assert.equal(checked, certificates.length);
  if (workday) assert.equal(typeof JSON.parse(resultOf('updates\\.json')).pending, 'number');
});

test('the archive becomes three results of its own, by hand too', async (t) => {
  const prefix = exampleSetup(t, 'toml');
  const run = await prefix.run('fate', 'debug', 'run', '--record', '--no-report', 'archive');
  assert.equal(run.status, 0, run.stderr);
  const [checksums, summary, archive] = prefix.results();
  assert.match(checksums ?? '', /-archive-etc-checksums\.txt$/);
  assert.match(summary ?? '', /-archive-etc-summary\.json$/);
  assert.match(archive ?? '', /-archive-etc\.tar\.gz$/);
  const members = execFileSync('tar', ['-tzf', join(prefix.paths.data, 'result', archive ?? '')], { encoding: 'utf8' });
  assert.equal(members.trim().split('\n').length, JSON.parse(prefix.readResult(summary ?? '')).files);
  assert.match(members, /^\.\/passwd$/m);
  assert.doesNotMatch(members, /shadow/, 'what others may not read is left out');
});

test('log-watch goes on from its state', async (t) => {
  const prefix = exampleSetup(t, 'toml');
  const run = () => prefix.run('fate', 'debug', 'run', '--record', '--state', '--no-report', 'log-watch');
  prefix.write('../logs/dpkg.log', '2026-01-01 00:00:00 install a:all <none> 1\n');
  const parameters = `folder = "${join(prefix.root, 'logs')}"`;
  const defaults = ['tasks.toml', `[log-watch]\nschedule = "@daily"\nparam = '${parameters}'\n`] as const;
  prefix.write(...defaults);
  assert.equal((await run()).status, 0);
  const [first = ''] = prefix.results();
  assert.equal(JSON.parse(prefix.readResult(first)).package_changes, 1);
  assert.equal((await run()).status, 0);
  assert.deepEqual(prefix.results(), [first], 'nothing new, no result');
});
