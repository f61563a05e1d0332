import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { ask } from '../../../src/control/client.ts';
import { FateError } from '../../../src/errors.ts';
import type { Problem } from '../../../src/types.ts';
import { AT, askAs, asRoot, get, makeRow, makeStatus, openRig, post, readRaw, UID } from './daemon.ts';

const NOBODY = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];

test('the status tells times as ISO 8601, and runs row by row', async (t) => {
  const rig = await openRig(t);
  rig.status = makeStatus({
    waiting: [makeRow({ run: 'x', phase: 'retry', startedAt: null, pid: null, retryAt: AT + 5_000 })],
    reloaded: { at: AT, ok: false },
    restart: { since: AT, refused: 'the disk is gone' },
  });
  const { status, body } = await ask(rig.path, 'GET', '/v1/status');
  assert.equal(status, 200);
  const row = { task: 'disk', due: '2026-11-22T02:00:00.000Z', attempt: 1, by_hand: false, waited: null };
  assert.deepEqual(body, {
    program: 'fated',
    version: '2.0.0',
    pid: process.pid,
    since: '2026-11-22T02:00:00.000Z',
    stopping: false,
    files: ['/etc/fate/tasks.toml'],
    tasks: 2,
    invalid: 0,
    next: { task: 'ping', at: '2026-11-22T02:01:00.000Z' },
    executions: 3,
    failures: 1,
    reloaded: { at: '2026-11-22T02:00:00.000Z', ok: false },
    restart: { since: '2026-11-22T02:00:00.000Z', refused: 'the disk is gone' },
    running: [
      {
        ...row,
        run: '01kf3g0000000000000000000',
        status: 'running',
        started: '2026-11-22T02:00:00.004Z',
        pid: 4711,
        retry: null,
      },
    ],
    waiting: [{ ...row, run: 'x', status: 'retry', started: null, pid: null, retry: '2026-11-22T02:00:05.000Z' }],
  });
});

test('the list is an array, also of no tasks', async (t) => {
  const rig = await openRig(t);
  const { body } = await ask(rig.path, 'GET', '/v1/tasks');
  assert.deepEqual(
    (body as { task: string }[]).map(({ task }) => task),
    ['task-0', 'task-1'],
  );
  rig.rows = [];
  assert.deepEqual((await ask(rig.path, 'GET', '/v1/tasks')).body, []);
});

test('a restart is at once unless it is to be when idle, tells what runs, or is refused with the reason', async (t) => {
  const rig = await openRig(t);
  const { body } = await ask(rig.path, 'POST', '/v1/restart', { when_idle: true });
  assert.deepEqual(body, { when_idle: true, running: ['disk'], restarting: false });
  rig.restarting = { whenIdle: false, running: [], restarting: true };
  assert.deepEqual((await ask(rig.path, 'POST', '/v1/restart')).body, {
    when_idle: false,
    running: [],
    restarting: true,
  });
  rig.restarting = new FateError('TEMPORARY', 'the daemon is stopping');
  assert.equal((await ask(rig.path, 'POST', '/v1/restart', { when_idle: false })).status, 503);
  assert.deepEqual(rig.asked, ['restart true', 'restart false', 'restart false']);
  assert.equal((await ask(rig.path, 'POST', '/v1/restart', { when_idle: 'yes' })).status, 400);
  const asked = rig.logged.map((line) => line.replace(/^.* asked for /, ''));
  assert.deepEqual(asked.slice(0, 2), ['a restart when nothing runs', 'a restart']);
});

test('a reload tells what changed, or is refused with its problems and their code', async (t) => {
  const rig = await openRig(t);
  const changes = { added: ['a'], removed: [], changed: ['b'] };
  assert.deepEqual(await ask(rig.path, 'POST', '/v1/reload'), { status: 200, body: changes });
  const problem: Problem = { severity: 'error', kind: 'syntax', file: 'tasks.toml', path: [], message: 'no TOML' };
  for (const [code, status] of [
    ['CONF_SYNTAX', 422],
    ['FATAL', 500],
  ] as const) {
    rig.reloaded = new FateError(code, 'it has problems', { problems: [problem] });
    assert.deepEqual(await ask(rig.path, 'POST', '/v1/reload', {}), {
      status,
      body: { error: { code, message: 'it has problems', problems: [problem] } },
    });
  }
});

test('steering is logged with who asked, a refusal as a warning', async (t) => {
  const rig = await openRig(t);
  assert.equal((await ask(rig.path, 'POST', '/v1/kill', { what: 'disk' })).status, 200);
  assert.equal((await ask(rig.path, 'POST', '/v1/kill', { what: 'nothing' })).status, 404);
  const who = `uid ${UID} (pid ${process.pid})`;
  assert.deepEqual(rig.logged, [
    `info: ${who} asked for the end of disk`,
    `info: ${who} asked for the end of nothing`,
    `warning: ${who} asked for the end of nothing, and it was refused: nothing of nothing goes or waits`,
  ]);
  await ask(rig.path, 'GET', '/v1/status');
  assert.equal(rig.logged.length, 3, 'who only looks is not logged');
});

test('a fault of the daemon is told as such, and logged as an error', async (t) => {
  const rig = await openRig(t);
  const { status, body } = await ask(rig.path, 'POST', '/v1/run', { task: 'broken' });
  assert.equal(status, 500);
  assert.deepEqual(body, {
    error: { code: 'SOFTWARE', message: 'a fault of the daemon: undefined is not a function' },
  });
  assert.ok(
    rig.logged.some((line) => line.startsWith('error: POST /v1/run failed')),
    `${rig.logged}`,
  );
});

test('what is no request for anything here is told so, with the status of HTTP', async (t) => {
  const rig = await openRig(t);
  const answered = async (bytes: string): Promise<[number, string]> => {
    const { socket, received } = await rig.connect();
    socket.write(bytes);
    const { status, body } = readRaw(await received);
    return [status, (body as { error: { message: string } }).error.message];
  };
  assert.deepEqual(await answered(get('/v2')), [404, 'there is no /v2 here']);
  assert.deepEqual(await answered(get('/constructor')), [404, 'there is no /constructor here']);
  assert.deepEqual(await answered(get('/v1/run')), [405, '/v1/run takes POST only']);
  assert.deepEqual(await answered(post('/v1/status', '{}')), [405, '/v1/status takes GET only']);
  assert.deepEqual(await answered(post('/v1/run', '{')), [400, 'the body is no JSON']);
  assert.deepEqual(await answered(post('/v1/run', '[]')), [400, 'expected a mapping as the body']);
  assert.deepEqual(await answered(post('/v1/run', '{"task":1}')), [400, 'task: expected a string, found a number']);
  assert.deepEqual(await answered(post('/v1/run', '')), [400, 'task: expected a string, found nothing']);
  assert.deepEqual(await answered(post('/v1/run', '{"task":""}')), [
    400,
    'task: expected 1 to 256 characters, found 0',
  ]);
  assert.deepEqual(await answered(post('/v1/run', '{"task":"disk","when":1}')), [
    400,
    'unknown key "when"; known: task, wait',
  ]);
  assert.deepEqual(await answered(post('/v1/run', '{"__proto__":{"task":"disk"}}')), [
    400,
    'unknown key "__proto__"; known: task, wait',
  ]);
  const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
  assert.deepEqual(await answered(post('/v1/run', 'task=disk', form)), [415, 'expected a body of application/json']);
  assert.deepEqual(rig.asked, []);
});

test('a 405 says which method would do, and no answer keeps the connection', async (t) => {
  const rig = await openRig(t);
  const { socket, received } = await rig.connect();
  socket.write(get('/v1/kill', 'Connection: keep-alive\r\n'));
  const { headers } = readRaw(await received);
  assert.match(headers, /^Allow: POST$/m);
  assert.match(headers, /^Connection: close$/m);
});

test('a run that is waited for has its end as a second line', async (t) => {
  const rig = await openRig(t);
  const { socket, received } = await rig.connect();
  let lines = '';
  const first = new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      lines += chunk;
      if (lines.includes('01kf3g')) resolve();
    });
  });
  socket.write(post('/v1/run', '{"task":"disk","wait":true}'));
  await first;
  rig.end({ skipped: { reason: 'overlap', detail: 'it goes', at: AT }, phase: 'skipped' });
  const text = await received;
  assert.match(text, /^Content-Type: application\/x-ndjson/m);
  const records = [...text.matchAll(/^\{.*\}$/gm)].map(([line]) => JSON.parse(line));
  assert.deepEqual(records[0], { run: '01kf3g', task: 'disk', waited: { for: 'tenancy', who: ['a', 'b'] } });
  assert.equal(records[1].status, 'skipped');
  assert.deepEqual(records[1].skipped, { reason: 'overlap', detail: 'it goes', at: '2026-11-22T02:00:00.000Z' });
});

test('the socket is for its owner and its group, and links lead to it', async (t) => {
  const rig = await openRig(t);
  assert.equal(statSync(rig.path).mode & 0o7777, 0o660);
  assert.ok(statSync(rig.path).isSocket());
  assert.equal(readlinkSync(rig.link), `run-${process.pid}/control.sock`);
  assert.deepEqual(readdirSync(rig.folder), ['control.sock'], 'nothing is left of where it was born');
  assert.equal((await ask(rig.link, 'GET', '/v1/status')).status, 200);
  await rig.control.close();
  assert.deepEqual(readdirSync(rig.folder), []);
  assert.throws(() => lstatSync(rig.link), { code: 'ENOENT' });
});

test('a link that another daemon has made its own meanwhile is left to it', async (t) => {
  const rig = await openRig(t);
  rmSync(rig.link);
  symlinkSync('run-1/control.sock', rig.link);
  await rig.control.close();
  assert.equal(readlinkSync(rig.link), 'run-1/control.sock');
});

test('a path that is too long for a socket is none for this one', async (t) => {
  const rig = await openRig(t, {}, { run: `${'a'.repeat(120)}/${'b'.repeat(120)}` });
  assert.ok(rig.path.length > 240);
  assert.equal((await ask(rig.path, 'GET', '/v1/status')).status, 200);
  assert.equal((await ask(rig.link, 'GET', '/v1/status')).status, 200);
  await rig.control.close();
  await assert.rejects(ask(rig.path, 'GET', '/v1/status'), { code: 'TEMPORARY' });
});

test('the socket belongs to the group that was named', asRoot, async (t) => {
  const rig = await openRig(t, {}, { group: 4242 });
  assert.equal(statSync(rig.path).gid, 4242);
  const member = ['--reuid', '65534', '--regid', '65534', '--groups', '4242'];
  assert.match(await askAs(member, rig.path, 'GET', '/v1/status'), /^200\n/);
  assert.equal(await askAs(NOBODY, rig.path, 'GET', '/v1/status'), 'EACCES\n', 'others do not come in');
});

test('the group reads; only root, the own user and the steer group steer', asRoot, async (t) => {
  const rig = await openRig(t, {}, { group: 4242 });
  const member = ['--reuid', '65534', '--regid', '4242', '--groups', '4343'];
  const kill = (who: readonly string[]): Promise<string> => askAs(who, rig.path, 'POST', '/v1/kill', '{"what":"disk"}');
  assert.match(await kill(member), /^403\n.*"code":"NOT_PERMITTED"/);
  assert.match(rig.logged.join('\n'), /^warning: uid 65534 \(pid \d+\) may not steer: POST \/v1\/kill was refused$/);
  rig.steerGid = 4343;
  assert.match(await kill(member), /^200\n/);
  rig.steerGid = 4242;
  assert.match(await kill(member), /^200\n/, 'its own group counts too');
  rig.steerGid = 1;
  assert.match(await kill(member), /^403\n/);
  assert.match(await kill(['--reuid', '0', '--regid', '0', '--clear-groups']), /^200\n/);
  assert.deepEqual(rig.asked, ['kill disk', 'kill disk', 'kill disk']);
});

test('nobody steers whom the kernel does not name', async (t) => {
  const rig = await openRig(t, {}, { peerOf: () => null });
  assert.equal((await ask(rig.path, 'POST', '/v1/reload')).status, 403);
  assert.equal((await ask(rig.path, 'GET', '/v1/status')).status, 200);
  assert.deepEqual(rig.asked, []);
});

test('a daemon of a user is steered by that user, and by root', asRoot, async (t) => {
  const rig = await openRig(t, {}, { ownUid: 65534, group: 65534 });
  assert.match(await askAs(NOBODY, rig.path, 'POST', '/v1/reload'), /^200\n/);
  assert.equal((await ask(rig.path, 'POST', '/v1/reload')).status, 200);
});

test('a group that cannot be looked up lets in nobody, keeps out neither root nor the own user, and is told once', async (t) => {
  const peer = { pid: 4711, uid: 0, gid: 0, groups: [] as number[] };
  let works = false;
  const rig = await openRig(
    t,
    {},
    {
      ownUid: 4242,
      peerOf: () => peer,
      steerGid() {
        if (!works) throw new Error('the database of groups does not answer');
        return 4343;
      },
    },
  );
  const reload = async (uid: number): Promise<number> => {
    Object.assign(peer, { uid, groups: [4343] });
    return (await ask(rig.path, 'POST', '/v1/reload')).status;
  };
  const warnings = (): number => rig.logged.filter((line) => line.includes('the database of groups')).length;
  assert.deepEqual([await reload(0), await reload(4242)], [200, 200]);
  assert.deepEqual([await reload(65534), await reload(65534)], [403, 403]);
  assert.equal((await ask(rig.path, 'GET', '/v1/status')).status, 200);
  assert.deepEqual([await reload(0), warnings()], [200, 1]);
  works = true;
  assert.equal(await reload(65534), 200);
  works = false;
  assert.deepEqual([await reload(65534), await reload(65534), warnings()], [403, 403, 2]);
});
