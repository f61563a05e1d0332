import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, chownSync, closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { wantedBy } from '../../../src/cli/logs.ts';
import { asJson } from '../../../src/cli/logs-file.ts';
import { journalArguments } from '../../../src/cli/logs-journal.ts';
import { chooseSource, schedulerUid } from '../../../src/cli/logs-source.ts';
import type { LoadOptions } from '../../../src/conf/load.ts';
import { FateError } from '../../../src/errors.ts';
import { makeRecord } from '../../../src/log/record.ts';
import { jsonFormatter, textFormatter } from '../../../src/log/text.ts';
import type { Paths } from '../../../src/platform/paths.ts';
import type { LogTarget } from '../../../src/types.ts';
import { COMPILED, makePrefix, type Prefix } from '../../helpers/prefix.ts';
import { fileTarget } from '../log/bench.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const TASKS = '[ping]\nschedule = "@daily"\nexec = "true"\n\n[pong]\nschedule = "@daily"\nexec = "true"\n';
const head = { level: 'info', time: NOW, event: 'log', session: 'S' } as const;
const line = (task: string, msg: string): string => textFormatter({ numbered: false })(makeRecord(head, { task, msg }));
const text = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, n) => line(n % 2 === 0 ? 'ping' : 'pong', `n${from + n}`)).join('');
const told = (stdout: string): string[] => [...stdout.matchAll(/msg="(\w+)"/g)].map(([, msg = '']) => msg);

/** A Fate that logs to one file. */
function withFile(t: Parameters<typeof makePrefix>[0], content: string): { prefix: Prefix; file: string } {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS }, COMPILED);
  const file = join(prefix.root, 'log', 'fate.log');
  prefix.write('defaults.toml', `[path]\nlog = ${JSON.stringify(file)}\n`);
  mkdirSync(join(prefix.root, 'log'));
  writeFileSync(file, content);
  return { prefix, file };
}

/** Puts a program called journalctl first on PATH. */
function withJournalctl(prefix: Prefix, script: string): void {
  const folder = join(prefix.root, 'bin');
  mkdirSync(folder);
  writeFileSync(join(folder, 'journalctl'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'journalctl'), 0o755);
  prefix.env.PATH = `${folder}:${process.env.PATH}`;
}

test('without --lines the latest 100 are shown, 10 when following, all since a time', () => {
  const all = Number.POSITIVE_INFINITY;
  assert.deepEqual(wantedBy({ follow: false }, NOW), { since: null, number: 100 });
  assert.deepEqual(wantedBy({ follow: true }, NOW), { since: null, number: 10 });
  assert.deepEqual(wantedBy({ follow: true, since: '2h' }, NOW), { since: NOW - 7_200_000, number: all });
  assert.deepEqual(wantedBy({ follow: false, since: '2026-11-22T11:00Z', lines: '5' }, NOW).number, 5);
  assert.deepEqual(wantedBy({ follow: false, lines: 'all' }, NOW).number, all);
  assert.deepEqual(wantedBy({ follow: true, lines: '0' }, NOW).number, 0);
  for (const wrong of [{ lines: '-1' }, { lines: 'x' }, { lines: '' }, { lines: '1.5' }, { since: 'whenever' }]) {
    assert.throws(
      () => wantedBy({ follow: false, ...wrong }, NOW),
      (error) => error instanceof FateError && error.code === 'USAGE',
    );
  }
});

test("the journal is asked for what Fate's programs have logged of the task", () => {
  const all = { task: null, since: null, number: Number.POSITIVE_INFINITY, follow: false, json: false, uid: 7 };
  const programs = ['SYSLOG_IDENTIFIER=fated', 'SYSLOG_IDENTIFIER=fates', 'SYSLOG_IDENTIFIER=fate'];
  assert.deepEqual(journalArguments(all), [...programs, '_UID=7', '--lines=all']);
  const some = { task: 'ping', since: 1_700_000_000_500, number: 3, follow: true, json: true, uid: 1000 };
  const task = [...programs, 'FATE_TASK=ping', '_UID=1000'];
  assert.deepEqual(journalArguments(some), [
    ...[...task, '--since=@1700000000.5', '--lines=3', '--follow', '--output=json'],
  ]);
  assert.deepEqual(journalArguments(some, 's=1;i=2'), [
    ...[...task, '--cursor=s=1;i=2', '--lines=all', '--follow', '--output=json'],
  ]);
  assert.deepEqual(journalArguments({ ...some, number: 0, follow: false, json: false }), [...task, '--lines=0']);
});

test('the journal is the source where stderr goes there, else the file that holds most', () => {
  const stderr: LogTarget = { ...fileTarget(''), kind: 'stderr', file: null };
  const stdout: LogTarget = { ...stderr, kind: 'stdout' };
  const [info, debug] = [fileTarget('/info'), fileTarget('/debug', { level: 'debug' })];
  const around = { journalctl: true, booted: true, stderr: null, background: '/data/fated.log' };
  const file = (path: string) => ({ kind: 'file', file: path });
  assert.deepEqual(chooseSource([debug, stderr], around), { kind: 'journal' });
  assert.deepEqual(chooseSource([info, debug], around), file('/debug'));
  assert.deepEqual(chooseSource([info, fileTarget('/info2')], around), file('/info'));
  assert.deepEqual(chooseSource([stderr], { ...around, stderr: '/some/file' }), file('/some/file'));
  assert.deepEqual(chooseSource([stderr], { ...around, booted: false }), file('/data/fated.log'));
  assert.deepEqual(chooseSource([stderr, info], { ...around, journalctl: false }), file('/info'));
  assert.deepEqual(chooseSource([stderr], { ...around, booted: false, background: null }), { kind: 'journal' });
  assert.equal(chooseSource([stderr], { ...around, journalctl: false, background: null }), null);
  assert.equal(chooseSource([stdout], around), null);
});

test('a record has the same JSON from a line of text as from one of JSON; what is no record is its message', () => {
  const own = { list: [1, 'a b'], yes: true, 'a key': { b: 'c' }, 'quo"te': '\\' };
  const record = makeRecord(head, { task: 'ping', run: 'R', msg: 'a\nb "c"', exitcode: 3, own });
  const json = jsonFormatter()(record).trim();
  assert.equal(asJson(json), json);
  assert.equal(asJson(`<6>${json}`), json);
  for (const numbered of [true, false]) assert.equal(asJson(textFormatter({ numbered })(record).trim()), json);
  assert.equal(asJson('Segmentation fault'), '{"msg":"Segmentation fault"}');
});

test('fate logs shows what a task has logged, the latest at the bottom', async (t) => {
  const { prefix } = withFile(t, `${text(0, 300)}of another program\n`);
  const one = await prefix.run('fate', 'logs', 'ping');
  assert.equal(one.status, 0);
  assert.deepEqual(told(one.stdout).slice(-3), ['n294', 'n296', 'n298']);
  assert.equal(told(one.stdout).length, 100);
  const all = await prefix.run('fate', 'logs', '-n', 'all');
  assert.equal(all.stdout, `${text(0, 300)}of another program\n`);
  const json = await prefix.run('fate', 'logs', 'pong', '-n', '2', '--json');
  assert.deepEqual(
    json.stdout
      .trim()
      .split('\n')
      .map((record) => JSON.parse(record).msg),
    ['n297', 'n299'],
  );
  const none = await prefix.run('fate', 'logs', 'pong', '--since', '2026-11-23');
  assert.deepEqual([none.status, none.stdout, none.stderr], [0, '', 'fate: nothing of the kind is logged\n']);
});

test('fate logs of a task that nobody knows exits 2, and names the nearest', async (t) => {
  const { prefix } = withFile(t, '');
  const { status, stderr } = await prefix.run('fate', 'logs', 'pimg');
  assert.equal(status, 2);
  assert.match(stderr, /no task of the name pimg; did you mean ping\?/);
});

test('fate logs -f goes on with what comes, and Ctrl-C ends it without a word', { timeout: 30_000 }, async (t) => {
  const { prefix, file } = withFile(t, text(0, 40));
  const child = spawn(process.execPath, [join(COMPILED, 'fate.js'), 'logs', 'ping', '-f'], {
    env: prefix.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const lines: string[] = [];
  for await (const read of createInterface({ input: child.stdout })) {
    lines.push(...told(read));
    if (lines.length === 10) appendFileSync(file, text(40, 44));
    if (lines.length === 12) child.kill('SIGINT');
  }
  assert.deepEqual(lines, [...Array.from({ length: 10 }, (_, n) => `n${20 + 2 * n}`), 'n40', 'n42']);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.deepEqual([child.signalCode, stderr], ['SIGINT', '']);
});

test('fate logs of a log on stderr asks journalctl, and exits as that does', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS }, COMPILED);
  withJournalctl(prefix, 'printf "%s\\n" "$@"; exit 3');
  const { status, stdout } = await prefix.run('fate', 'logs', 'ping', '-n', '7');
  assert.equal(status, 3);
  assert.match(stdout, /^SYSLOG_IDENTIFIER=fated\n(.*\n)*FATE_TASK=ping\n(.*\n)*--lines=7\n$/);
});

test('fate logs -n with --since asks for the latest entries since then, by the cursor of the first of them', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS }, COMPILED);
  withJournalctl(
    prefix,
    `case "$*" in
       *--reverse*) printf '%s\\n' '{"__CURSOR":"c2"}' '{"__CURSOR":"c1"}' ;;
       *) printf '%s\\n' "$@" ;;
     esac`,
  );
  const { stdout } = await prefix.run('fate', 'logs', 'ping', '-n', '2', '--since', '1h');
  assert.match(stdout, /^FATE_TASK=ping\n(.*\n)*--cursor=c1\n--lines=all\n$/m);
  assert.doesNotMatch(stdout, /--since/);
});

test('a configuration with errors does not keep anybody from the log', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': 'x = [' }, COMPILED);
  withJournalctl(prefix, 'echo shown');
  const { status, stdout, stderr } = await prefix.run('fate', 'logs');
  assert.deepEqual([status, stdout], [0, 'shown\n']);
  assert.match(stderr, /cannot be parsed; the standard error is taken for the log/);
});

test('where the log is neither in a file nor in the journal, that is said', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS, 'defaults.toml': '[path]\nlog = "/dev/stdout"\n' }, COMPILED);
  const { status, stderr } = await prefix.run('fate', 'logs');
  assert.equal(status, 1);
  assert.match(stderr, /the log cannot be shown: path\.log names neither a file nor \/dev\/stderr/);
});

const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root can give a folder away' };

test('of the journal only what the user of the scheduler has sent is shown: who owns the state', asRoot, async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS }, COMPILED);
  withJournalctl(prefix, 'printf "%s\\n" "$@"');
  const asked = async (): Promise<string | undefined> =>
    /^_UID=\d+$/m.exec((await prefix.run('fate', 'logs')).stdout)?.[0];
  assert.equal(await asked(), '_UID=0');
  assert.equal((await prefix.run('fates')).status, 0);
  chownSync(prefix.stateFolder(), 65_534, 65_534);
  assert.equal(await asked(), '_UID=65534');
});

test('where there is no state it is root in the profile of the system, else who asks', () => {
  const options = { conf: '/no/conf', names: { task: 'tasks', defaults: 'defaults' }, host: { uid: 1000 } };
  const uid = (profile: string): number =>
    schedulerUid({ state: '/no/state', profile } as Paths, options as unknown as LoadOptions);
  assert.deepEqual(['system', 'user', 'isolated'].map(uid), [0, 1000, 1000]);
});

test('JSON of the log holds no control or bidi character as it is, and is the same JSON', () => {
  const msg = 'a\u009bb\u007fc\u202ed\u2066e\u061cf\u0085\u2028g';
  const shown = String.raw`a\u009bb\u007fc\u202ed\u2066e\u061cf\u0085\u2028g`;
  const own = JSON.stringify({ time: '2026-11-22T12:00:00Z', level: 'info', event: 'log', session: 'S', msg });
  const told = [
    asJson(own),
    asJson(own.replace(',"msg"', ',\t\r"msg"')),
    asJson(line('ping', msg).trim()),
    asJson(msg),
  ];
  for (const json of told) {
    assert.ok(json.includes(`"msg":"${shown}"`), json);
    assert.equal(JSON.parse(json).msg, msg);
    assert.doesNotMatch(json, /[^ -~]/);
  }
  // It looks like a record, and is no JSON.
  const forged = own.replace('"msg"', '"x":"\u001b[2J","msg"');
  assert.deepEqual(JSON.parse(asJson(forged)), { msg: forged });
});

test('a bad rotated file is told with its own name, and the rest is shown', async (t) => {
  const { prefix, file } = withFile(t, text(0, 4));
  const bad = file.replace('.log', '.20261122T134000.log.gz');
  writeFileSync(bad, 'no gzip');
  const { status, stdout, stderr } = await prefix.run('fate', 'logs', '-n', 'all');
  assert.deepEqual([status, stdout], [0, text(0, 4)]);
  assert.equal(stderr, `fate: the rotated log ${bad} cannot be read, or not to its end: incorrect header check\n`);
});

test('where there is no room for what is shown, it is the writing that failed', async (t) => {
  const { prefix } = withFile(t, text(0, 300));
  const full = openSync('/dev/full', 'w');
  t.after(() => closeSync(full));
  const child = spawn(process.execPath, [join(COMPILED, 'fate.js'), 'logs', '-n', 'all'], {
    env: prefix.env,
    stdio: ['ignore', full, 'pipe'],
  });
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [status] = await once(child, 'close');
  assert.equal(status, 1);
  assert.match(stderr, /^fate: fatal: cannot write the standard output: .*ENOSPC.*\n$/);
});

test('fate logs -f waits for the folder of a log that was never written', { timeout: 30_000 }, async (t) => {
  const { prefix, file } = withFile(t, '');
  rmSync(dirname(file), { recursive: true });
  const child = spawn(process.execPath, [join(COMPILED, 'fate.js'), 'logs', '-f'], {
    env: prefix.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [said] = await once(child.stderr, 'data');
  assert.equal(`${said}`, `fate: nothing is logged yet in ${file}\n`);
  mkdirSync(dirname(file));
  writeFileSync(file, text(0, 1));
  const [shown] = await once(child.stdout, 'data');
  assert.equal(`${shown}`, text(0, 1));
  child.kill('SIGINT');
  await once(child, 'exit');
});

test('a line of more than a record is shown to where it is kept', async (t) => {
  const { prefix, file } = withFile(t, '');
  writeFileSync(file, `${'x'.repeat(3 * 1024 * 1024)}\n${text(0, 1)}`);
  const { stdout } = await prefix.run('fate', 'logs');
  assert.equal(stdout.length, 1024 * 1024 + '… 2097152 bytes left out …\n'.length + text(0, 1).length);
  assert.ok(stdout.endsWith(`xx… 2097152 bytes left out …\n${text(0, 1)}`));
});
