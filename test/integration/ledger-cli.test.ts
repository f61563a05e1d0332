/** The commands that look back, by the built program: on a ledger of known records, and on what a pass recorded. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { configurationStems } from '../../src/conf/load.ts';
import { stateFolder } from '../../src/state/folder.ts';
import { openStore, type Store } from '../../src/state/store.ts';
import type { Entry } from '../../src/types.ts';
import { makePrefix, type Prefix } from '../helpers/prefix.ts';
import { repo } from '../helpers/repo.ts';
import { DUE, makeEnding, makeEntry } from '../unit/cli/ledgers.ts';

const HOUR = 3_600_000;
const TASKS = `
[backup]
schedule = "0 2 * * *"
exec = ["true"]

[disk]
schedule = { expression = "0 * * * *", timezone = "Europe/Berlin" }
exec = ["true"]
`;
const OK = makeEntry({ id: '01kf3gaa000000', results: [], resultCount: 0 });
const FAILED = makeEntry({
  id: '01kf3gab000000',
  task: 'disk',
  due: DUE + HOUR,
  waited: { for: 'tenancy', who: ['backup'] },
  ending: makeEnding({ status: 'Error', code: 3, startedAt: DUE + HOUR + 90_000 }),
});
const SKIPPED = makeEntry({
  id: '01kf3gac000000',
  due: DUE + 24 * HOUR,
  phase: 'skipped',
  skipped: { reason: 'condition', detail: 'if = false', at: DUE + 24 * HOUR },
});
const GONE = makeEntry({ id: '01kf3ga9000000', task: 'gone', due: DUE - HOUR });

const excerpt = (head: string, tail = '', size = head.length + tail.length) => ({
  head: Buffer.from(head),
  tail: Buffer.from(tail),
  size,
});

/** A store with these records, as a scheduler leaves it. */
function record(prefix: Prefix): Store {
  const stems = configurationStems({ conf: prefix.paths.conf, names: { task: 'tasks', defaults: 'defaults' } });
  const store = openStore(stateFolder(prefix.paths.state, stems, []));
  const closed = [OK, FAILED, SKIPPED, GONE].map((entry: Entry) => {
    const output = entry === FAILED ? { stdout: excerpt('out\n', 'end\n', 1008), stderr: excerpt('err\n') } : null;
    return [entry.id, { entry, output }] as const;
  });
  store.write({ closed: new Map(closed) });
  return store;
}

test('where nothing is recorded the commands say so, end well, and make nothing', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS });
  const people = await prefix.run('fate', 'runs');
  assert.deepEqual([people.status, people.stdout], [0, '']);
  assert.match(people.stderr, /nothing is recorded yet in /);
  assert.equal((await prefix.run('fate', 'runs', '--json')).stdout, '[]\n');
  const why = await prefix.run('fate', 'why', 'backup');
  assert.equal(why.status, 0);
  assert.match(why.stdout, /^No scheduler has seen backup yet, and none is running\.\nIt is due next at .* 02:00:00 /);
  assert.equal((await prefix.run('fate', 'show', '01kf3gaa')).status, 2);
  assert.equal(existsSync(prefix.paths.state), false);
});

test('fate runs, show and why read what is recorded, also while a scheduler has the store open', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS });
  const store = record(prefix);
  t.after(() => store.close());

  const runs = await prefix.run('fate', 'runs');
  const [head, ...rows] = runs.stdout.trimEnd().split('\n');
  assert.match(head ?? '', /^DUE +TASK +STATUS +LATE +DURATION +RUN$/);
  assert.deepEqual(
    rows.map((row) => row.replaceAll(/ {2,}/g, '|')),
    [
      '2026-11-22 01:00:00 +00:00|gone|OK|4ms|2s|01kf3ga9000000',
      '2026-11-22 02:00:00 +00:00|backup|OK|4ms|2s|01kf3gaa000000',
      '2026-11-22 04:00:00 +01:00|disk|Error|1m30s|2s|01kf3gab000000|exit status 3',
      '2026-11-23 02:00:00 +00:00|backup|skipped|-|-|01kf3gac000000|condition: if = false',
    ],
  );
  const json = JSON.parse((await prefix.run('fate', 'runs', 'disk', '--status', 'error', '--json')).stdout);
  assert.deepEqual(
    json.map((entry: Record<string, unknown>) => [entry.run, entry.timezone, entry.lateness_ms, entry.exitcode]),
    [[FAILED.id, 'Europe/Berlin', 90_000, 3]],
  );
  const none = await prefix.run('fate', 'runs', '--status', 'lost');
  assert.deepEqual([none.status, none.stdout], [0, '']);

  const show = await prefix.run('fate', 'show', '01kf3gab');
  assert.match(show.stdout, /^run +01kf3gab000000\ntask +disk\nstatus +Error\nexit +exit status 3$/m);
  assert.match(show.stdout, /^due +Sun 2026-11-22 04:00:00 \+01:00 Europe\/Berlin$/m);
  const output = await prefix.run('fate', 'show', FAILED.id, '--output');
  assert.deepEqual([output.stdout, output.stderr], ['out\n… 1000 bytes left out …\nend\n', 'err\n']);
  const kept = JSON.parse((await prefix.run('fate', 'show', FAILED.id, '--output', '--json')).stdout).output;
  assert.deepEqual(kept.stdout, { head: 'out\n', tail: 'end\n', size: 1008, left_out: 1000 });
  const good = await prefix.run('fate', 'show', OK.id, '--output');
  assert.deepEqual([good.status, good.stdout], [0, '']);
  assert.match(good.stderr, /the run was OK/);

  const why = await prefix.run('fate', 'why', 'disk', '2026-11-22T03:00Z');
  assert.match(why.stdout, /^It started 1m30s late, at .*: tenancy was full: backup was running, for 1m30s\.$/m);
  assert.match(why.stdout, /fate show 01kf3gab000000 --output/);
  const skipped = JSON.parse((await prefix.run('fate', 'why', 'backup', '2026-11-23T02:00', '--json')).stdout);
  assert.equal(skipped.asked, '2026-11-23T02:00:00.000Z');
  assert.equal(skipped.entry.run, SKIPPED.id);
  assert.ok(skipped.sentences.includes('It was not run: its condition did not hold (if = false).'), skipped.sentences);
  assert.match((await prefix.run('fate', 'why', 'gone', '2026-11-22 01:00')).stdout, /no task gone any more/);
});

test('a configuration that cannot be read keeps nobody from what is recorded', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS });
  await record(prefix).close();
  prefix.write('tasks.toml', '[backup\n');
  assert.equal(JSON.parse((await prefix.run('fate', 'runs', '--json')).stdout).length, 4);
  assert.match((await prefix.run('fate', 'why', 'backup')).stdout, /^The configuration cannot be read/);
});

test('what is not there, or not understood, is exit 2 with what is known of it', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS });
  await record(prefix).close();
  const wrong: [string[], RegExp][] = [
    [['runs', 'bakcup'], /no task of the name bakcup; did you mean backup\?/],
    [['why', 'nobody'], /no task of the name nobody/],
    [['why', 'backup', 'noon'], /expected a time such as .*, found noon/],
    [['why'], /Not enough/],
    [['runs', '--status', 'fine'], /--status: expected some of ok, /],
    [['runs', '--since', 'then'], /--since: expected a time/],
    [['runs', '-n', '-1'], /--number: expected/],
    [['show', '01kf3ga'], /several runs .*: 01kf3ga9000000, 01kf3gaa000000, /],
    [['show', '01kf9'], /no run of the id 01kf9/],
    [['show', '01k'], /at least 4/],
  ];
  for (const [args, says] of wrong) {
    const { status, stdout, stderr } = await prefix.run('fate', ...args);
    assert.deepEqual([status, stdout], [2, ''], `fate ${args.join(' ')}: ${stderr}`);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /^\s+at /m);
  }
});

const root = process.getuid?.() === 0;
test('who does not own the state is refused', { skip: !root && 'only root can be another user' }, async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS });
  await record(prefix).close();
  const { status, stderr } = spawnSync(
    'setpriv',
    ['--reuid=65534', '--clear-groups', process.execPath, join(repo, 'dist', 'fate.js'), 'runs'],
    { env: prefix.env, cwd: '/', encoding: 'utf8' },
  );
  assert.equal(status, 77, stderr);
});

test('a pass records what it ran, and why it did not', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.toml': `
[good]
schedule = "@every 1s"
shell = "echo '{}'"

[bad]
schedule = "@every 1s"
shell = "echo out; echo err >&2; exit 3"

[never]
schedule = "@every 1s"
exec = ["true"]
if = false
`,
  });
  await prefix.run('fates');
  await prefix.backdate(5_000);
  assert.equal((await prefix.run('fates')).status, 0);
  const rows: Record<string, unknown>[] = JSON.parse((await prefix.run('fate', 'runs', '--json', '-n', 'all')).stdout);
  const of = (task: string): Record<string, unknown> => rows.find((row) => row.task === task) ?? {};
  assert.equal(of('good').status, 'OK');
  assert.equal(of('good').result_count, 1);
  assert.ok(Number(of('good').count) >= 4, `${of('good').count}`);
  assert.deepEqual([of('bad').status, of('bad').exitcode], ['Error', 3]);
  assert.deepEqual(of('never').status, 'skipped');
  const output = await prefix.run('fate', 'show', String(of('bad').run), '--output');
  assert.deepEqual([output.stdout, output.stderr], ['out\n', 'err\n']);
  const why = await prefix.run('fate', 'why', 'never', String(of('never').due));
  assert.match(why.stdout, /It was not run: its condition did not hold \(if = false\)\./);
});

test('a paused task is skipped, with the reason, until it is resumed', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': '[a]\nschedule = "@every 1s"\nexec = "true"\n' });
  await prefix.run('fates');
  assert.deepEqual(
    await prefix.run('fate', 'pause', 'a', '--for', '2h').then(({ status, stdout }) => [status, stdout]),
    [0, ''],
  );
  assert.match((await prefix.run('fate', 'pause')).stdout, /^TASK +PAUSED UNTIL\na +\w{3} \d{4}/);
  const latest = async (): Promise<Record<string, unknown>> => {
    await prefix.run('fates');
    const { stdout } = await prefix.run('fate', 'runs', '-n', '1', '--json');
    return JSON.parse(stdout)[0] ?? {};
  };
  const until = async (status: string): Promise<Record<string, unknown>> => {
    for (;;) {
      // A pass finds something to do once a second has gone by.
      const last = await latest();
      if (last.status === status) return last;
    }
  };
  assert.match(JSON.stringify((await until('skipped')).skipped), /"reason":"paused"/);
  assert.match((await prefix.run('fate', 'why', 'a')).stdout, /a is paused: its due times are skipped until /);
  assert.equal((await prefix.run('fate', 'resume', 'a')).status, 0);
  const again = await prefix.run('fate', 'resume', 'a');
  assert.deepEqual([again.status, again.stderr], [0, 'fate: a is not paused\n']);
  await until('OK');
  assert.deepEqual(JSON.parse((await prefix.run('fate', 'pause', '--json')).stdout), []);
  assert.equal((await prefix.run('fate', 'pause', 'b')).status, 2);
});

test('words behind -- are words, but for debug execute', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS });
  await record(prefix).close();
  const runs = await prefix.run('fate', 'runs', '--', 'disk');
  assert.match(runs.stdout, new RegExp(FAILED.id));
  assert.doesNotMatch(runs.stdout, new RegExp(OK.id));
  assert.equal((await prefix.run('fate', 'pause', '--', 'backup')).status, 0);
  assert.match((await prefix.run('fate', 'pause')).stdout, /^backup /m);
  assert.match((await prefix.run('fate', 'why', 'backup', '--json', '--', '2026-11-22')).stdout, new RegExp(OK.id));
  assert.match((await prefix.run('fate', 'runs', '--since', '--', 'disk')).stderr, /Not enough arguments/);
  const unknown = await prefix.run('fate', 'pause', '--', 'nobody');
  assert.equal(unknown.status, 2);
  const dashed = await prefix.run('fate', 'pause', '--', '--json');
  assert.deepEqual([dashed.status, dashed.stdout], [2, '']);
  assert.equal((await prefix.run('fate', 'status', '--', 'backup')).status, 2);
  assert.equal((await prefix.run('fates', '--', 'backup')).status, 2);
  assert.equal((await prefix.run('fate', 'debug', 'run', '--no-report', '--', 'backup')).status, 0);
  const command = await prefix.run(
    'fate',
    'debug',
    'execute',
    '--no-report',
    '-o',
    '-',
    '--',
    'echo',
    '--json',
    '--',
    'x',
  );
  assert.deepEqual([command.status, command.stdout], [0, '--json -- x\n']);
});

test('what a run wrote steers no terminal in JSON', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS });
  const store = record(prefix);
  const entry = { ...FAILED, id: '01kf3gad000000' };
  const wrote = 'a\u009b2Jb\u202ec\n';
  const output = { stdout: excerpt(wrote, '', Buffer.byteLength(wrote)), stderr: excerpt('') };
  store.write({ closed: new Map([[entry.id, { entry, output }]]) });
  await store.close();
  const { stdout } = await prefix.run('fate', 'show', entry.id, '--json', '--output');
  assert.ok(stdout.includes('"a\\u009b2Jb\\u202ec\\n"'), stdout);
  assert.equal(JSON.parse(stdout).output.stdout.head, wrote);
});
