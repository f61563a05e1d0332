/** One pass of `fates`, with the real program, real tasks and a real store. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makePrefix, parseLine } from '../helpers/prefix.ts';

const HOUR = 3_600_000;

test('the first pass adopts the tasks and runs nothing; the next runs what is due, records it and keeps its state', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.yaml': `
count:
  schedule: "* * * * *"
  shell: |
    n=$(cat <&3); n=$((n + 1))
    echo "$n" >&4
    printf '{"n": %s, "param": %s}' "$n" "$(cat)"
    echo '<2>counting' >&2
  param: {step: 1}
`,
  });
  const first = await prefix.run('fates');
  assert.deepEqual([first.status, first.stdout], [0, '']);
  assert.deepEqual(prefix.results(), []);

  for (const n of [1, 2]) {
    await prefix.backdate(70_000);
    const pass = await prefix.run('fates');
    assert.equal(pass.status, 0, pass.stderr);
    const lines = pass.stderr.trim().split('\n').map(parseLine);
    assert.ok(
      lines.every((line) => /^<\d> time=/.test(line.text)),
      pass.stderr,
    );
    const [started, logged, ended, summary] = lines;
    assert.equal(started?.fields.event, 'started');
    assert.deepEqual([logged?.fields.event, logged?.fields.msg, logged?.fields.level], ['log', 'counting', 'info']);
    assert.deepEqual(
      [ended?.fields.status, ended?.fields.exitcode, ended?.fields.run],
      ['OK', '0', started?.fields.run],
    );
    assert.equal(summary?.fields.execution_count, '1');
    assert.ok(summary?.fields.scheduled_next);
    const file = prefix.results().at(-1) ?? '';
    assert.match(file, /^result-\d+-\d{8}T\d{6}-count(-1)?\.json$/);
    assert.equal(prefix.results().length, n);
    assert.ok(prefix.results().some((name) => JSON.parse(prefix.readResult(name)).n === n));
    assert.deepEqual(JSON.parse(prefix.readResult(file)).param, { step: 1 });
  }
  assert.deepEqual(readdirSync(join(prefix.stateFolder(), 'spool')), [], 'nothing is left in the spool');
  assert.deepEqual(readdirSync(prefix.paths.run), [], 'nothing is left in the run folder');
});

test('a result appears whole, with the modes it should have, and the state folder is private', async (t) => {
  const prefix = makePrefix(t, { 'tasks.toml': '[a]\nschedule = "* * * * *"\nexec = ["echo", "hello"]\n' });
  await prefix.run('fates');
  await prefix.backdate(HOUR);
  await prefix.run('fates');
  const [file = ''] = prefix.results();
  assert.match(file, /-a$/);
  assert.equal(prefix.readResult(file), 'hello\n');
  const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
  assert.equal(mode(join(prefix.paths.data, 'result', file)), (0o666 & ~process.umask()).toString(8));
  assert.equal(mode(prefix.stateFolder()), '700');
  for (const name of ['data.mdb', 'lock.mdb', 'lock'])
    assert.equal(mode(join(prefix.stateFolder(), name)), '600', name);
});

test('a task has its five descriptors and no other of the scheduler', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.toml': '[a]\nschedule = "* * * * *"\nexec = ["ls", "-l", "/proc/self/fd"]\n',
  });
  await prefix.run('fates');
  await prefix.backdate(HOUR);
  await prefix.run('fates');
  const lines = prefix
    .readResult(prefix.results()[0] ?? '')
    .trim()
    .split('\n')
    .slice(1);
  const open = lines.map((line) => line.replace(/^.* (\d+) -> /, '$1 ').replace(/:\[\d+\]$/, ''));
  assert.deepEqual(
    open.filter((line) => /^[0-4] /.test(line)),
    ['0 /memfd:fate-param (deleted)', '1 pipe', '2 pipe', '3 /dev/null', '4 pipe'],
  );
  // Whoever started the scheduler may have left others open; none of its own files is among them.
  assert.ok(!lines.join().includes(prefix.root), lines.join('\n'));
});

test('every way to end has its status, and only --fail makes the pass fail', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.toml': `
[ok]
schedule = "* * * * *"
exec = ["true"]
[good]
schedule = "* * * * *"
shell = "exit 3"
success_exit = [3]
[retry]
schedule = "* * * * *"
shell = "exit 42"
[error]
schedule = "* * * * *"
shell = "echo out; echo err >&2; exit 1"
[killed]
schedule = "* * * * *"
shell = "kill -KILL $$"
[terminated]
schedule = "* * * * *"
shell = "kill -TERM $$"
[signaled]
schedule = "* * * * *"
shell = "kill -USR1 $$"
[slow]
schedule = "* * * * *"
exec = ["sleep", "60"]
timeout = 1
[missing]
schedule = "* * * * *"
exec = ["fate-no-such-program"]
[template]
schedule = "* * * * *"
exec = ["echo", "<%= nothing.at.all %>"]
`,
  });
  await prefix.run('fates');
  await prefix.backdate(HOUR);
  const pass = await prefix.run('fates', '--fail');
  assert.equal(pass.status, 1);
  const ended = pass.stderr
    .split('\n')
    .map(parseLine)
    .filter((line) => line.fields.event === 'ended');
  const statuses = Object.fromEntries(ended.map(({ fields }) => [fields.task, `${fields.status} ${fields.level}`]));
  assert.deepEqual(statuses, {
    ok: 'OK info',
    good: 'OK info',
    retry: 'Retry warning',
    error: 'Error error',
    killed: 'Killed error',
    terminated: 'Terminated error',
    signaled: 'Signaled error',
    slow: 'Timeout error',
    missing: 'Failed error',
    template: 'Failed error',
  });
  const error = ended.find(({ fields }) => fields.task === 'error');
  assert.deepEqual([error?.fields.stdout, error?.fields.stderr], ['out', 'err']);
  assert.match(ended.find(({ fields }) => fields.task === 'missing')?.text ?? '', /fate-no-such-program/);
  assert.deepEqual(prefix.results(), []);
  await prefix.backdate(HOUR);
  assert.equal((await prefix.run('fates')).status, 0);
});

test('an invalid task is set aside alone, unless --strict', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.toml':
      '[good]\nschedule = "* * * * *"\nexec = ["echo", "1"]\n\n[bad]\nschedule = "61 * * * *"\nexec = ["true"]\n',
  });
  await prefix.run('fates');
  await prefix.backdate(HOUR);
  const pass = await prefix.run('fates');
  assert.equal(pass.status, 0);
  assert.match(pass.stderr, /event="config".*tasks\.toml:6/);
  assert.equal(prefix.results().length, 1);
  const strict = await prefix.run('fates', '--strict');
  assert.equal(strict.status, 78);
  assert.match(strict.stderr, /tasks\.toml:6.*bad\.schedule/);
});

test('a start without a configuration, with two, or with one that cannot be read, says which and how', async (t) => {
  const none = makePrefix(t);
  const missing = await none.run('fates');
  assert.equal(missing.status, 72);
  assert.match(missing.stderr, /^fates: .*tasks/m);

  const two = makePrefix(t, { 'tasks.toml': '', 'tasks.yaml': '' });
  assert.equal((await two.run('fates')).status, 64);

  const broken = makePrefix(t, { 'tasks.yaml': 'a:\n  schedule: "* * * * *"\n  exec: [\n' });
  const unparsable = await broken.run('fates');
  assert.equal(unparsable.status, 65);
  assert.match(unparsable.stderr, /tasks\.yaml:\d+:\d+/);
  assert.doesNotMatch(unparsable.stderr, /^\s+at /m, 'no stack is shown');
});

test('a result that cannot be recorded keeps the output and says where', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.toml':
      '[a]\nschedule = "* * * * *"\nexec = ["echo", "precious"]\npath = {result = "/proc/no/such/folder/x"}\n',
  });
  await prefix.run('fates');
  await prefix.backdate(HOUR);
  const pass = await prefix.run('fates');
  assert.equal(pass.status, 0);
  const kept = /kept for 7 days in (\S+?)"/.exec(pass.stderr)?.[1] ?? '';
  assert.ok(existsSync(kept), pass.stderr);
  assert.equal(readFileSync(kept, 'utf8'), 'precious\n');
});

test('no run of a task that overlaps the pass is left behind: fates waits for all', async (t) => {
  const prefix = makePrefix(t, {
    'tasks.toml':
      '[a]\nschedule = "* * * * *"\nshell = "sleep 0.3; echo 1"\n[b]\nschedule = "* * * * *"\nshell = "sleep 0.2; echo 2"\n',
  });
  await prefix.run('fates');
  await prefix.backdate(HOUR);
  await prefix.run('fates');
  assert.equal(prefix.results().length, 2);
});
