/** An upgrade under a daemon that runs: its programs and their packages are removed, and all that it does goes on. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openNotifySocket, whyNoNotifySocket } from '../helpers/notify-socket.ts';
import { makePrefix } from '../helpers/prefix.ts';
import { repo } from '../helpers/repo.ts';

const EVERY_SECOND = '"* * * * * *"';
const IDLE = '[idle]\nschedule = "@yearly"\nexec = ["true"]\n';
const task = (name: string, shell: string, more = ''): string =>
  `[${name}]\nschedule = ${EVERY_SECOND}\nshell = '''${shell}'''\n${more}`;

/** One task for each way in which an output is looked into: on the loop, by the thread, by a program, member by member. */
const TASKS = [
  task('json', `echo '{"a": 1}'`),
  task('json-large', `printf '['; i=0; while [ $i -lt 9000 ]; do printf '12345678, '; i=$((i+1)); done; echo '1]'`),
  task('yaml', 'echo "a: 1"'),
  task('yaml-large', 'i=0; while [ $i -lt 2000 ]; do echo "key$i: $i"; i=$((i+1)); done'),
  task('toml', 'echo "a = 1"'),
  task('toml-large', 'i=0; while [ $i -lt 1000 ]; do echo "key$i = $i"; i=$((i+1)); done'),
  task('csv', 'echo "a,b"; echo "1,2"', 'format.result = "csv"\n'),
  task('tar', 'tar -c -C / etc/hostname'),
  task('archive', 'echo "{}" >x.json; mkdir -p .fate; tar -cz .fate x.json', 'format.result = "archive"\n'),
  task('zst', 'tar -c -C / etc/hostname | zstd -q', 'path.result = "<%= default_path %>"\n'),
  task(
    'state',
    'n=$(cat <&3); echo $((n + 1)) >&4; echo "<3>told" >&2',
    'param = { given = "<%= now.toISODate() %>" }\n',
  ),
  task('files', 'ulimit -Sn', 'format.result = ""\n'),
];
const NAMES = TASKS.map((text) => text.slice(1, text.indexOf(']')));
const SUFFIXES = {
  json: '.json',
  'json-large': '.json',
  yaml: '.yaml',
  'yaml-large': '.yaml',
  toml: '.toml',
  'toml-large': '.toml',
  csv: '.csv',
  tar: '.tar',
  zst: '.tar.zst',
  'archive-x': '.json',
};

test('a daemon whose files are gone runs tasks of every kind, reloads, refuses a bad configuration, and stops', async (t) => {
  const why = whyNoNotifySocket();
  if (why !== null) return t.skip(why);
  const installed = mkdtempSync(join(tmpdir(), 'fate-installed-'));
  t.after(() => rmSync(installed, { recursive: true, force: true }));
  cpSync(join(repo, 'dist'), join(installed, 'dist'), { recursive: true });
  cpSync(join(repo, 'package.json'), join(installed, 'package.json'));
  const copied = spawnSync(process.execPath, ['packaging/scripts/runtime-modules.mjs', installed], { cwd: repo });
  assert.equal(copied.status, 0, String(copied.stderr));

  // All that ran before the files were gone is a task that was never due: what a run needs was not loaded for another one.
  const prefix = makePrefix(t, { 'tasks.toml': IDLE }, join(installed, 'dist'));
  const systemd = await openNotifySocket(t);
  prefix.env.NOTIFY_SOCKET = systemd.path;
  const daemon = prefix.daemon();
  await systemd.until(/^READY=1/);
  rmSync(installed, { recursive: true });

  prefix.write('tasks.toml', IDLE + TASKS.join(''));
  daemon.child.kill('SIGHUP');
  assert.equal((await daemon.until({ event: 'reload' })).fields.level, 'info', 'the new tasks are there');
  // Of the second run nothing is asked but that the first one, with its result, was done.
  for (const name of NAMES) await daemon.until({ event: 'ended', task: name, status: 'OK' }, 2);
  await daemon.until({ event: 'log', task: 'state', level: 'warning', msg: 'told' });
  const results = prefix.results();
  for (const [label, suffix] of Object.entries(SUFFIXES)) {
    const found = results.find((name) => new RegExp(`^result-\\d+-\\w+-${label}\\.`).test(name));
    assert.ok(found?.endsWith(`${label}${suffix}`), `${label}: ${found} of ${results.join(' ')}`);
  }

  // The exec helper puts the limit of open files back; what stands in for it where it is not there does not.
  const files = results.find((name) => name.endsWith('-files')) ?? '';
  if (existsSync(join(repo, `dist/fate-exec-${process.arch}`))) assert.equal(prefix.readResult(files), '1024\n');

  // Who asks has been upgraded; the daemon has not.
  const asked = spawnSync(process.execPath, [join(repo, 'dist/fate.js'), 'status', '--json'], { env: prefix.env });
  assert.equal(asked.status, 0, String(asked.stderr));
  assert.equal(JSON.parse(String(asked.stdout)).pid, daemon.child.pid);

  // Its place is found by a parser that a good configuration does not need.
  prefix.write('tasks.toml', `${IDLE}[b]\nschedule = "99 * * * *"\nexec = ["echo", "2"]\n`);
  daemon.child.kill('SIGHUP');
  const problem = await daemon.until({ event: 'config', level: 'error' });
  assert.match(problem.fields.msg ?? '', /tasks\.toml:5.*b\.schedule/);
  await daemon.until({ event: 'reload', level: 'error', msg: 'the old configuration stays' });
  prefix.write('tasks.toml', `a: 1\n`);
  daemon.child.kill('SIGHUP');
  await daemon.until({ event: 'reload', level: 'error' }, 2);

  const { status, stderr } = await daemon.stop();
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(stderr, /MODULE_NOT_FOUND|Cannot find|ENOENT/);
});
