import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { accepted, ask, errorOf, follow } from '../../../src/control/client.ts';
import { FateError } from '../../../src/errors.ts';
import { openRig } from './daemon.ts';

const never = new AbortController().signal;

async function all(records: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const record of records) found.push(record);
  return found;
}

test('nobody there is a temporary failure that names the socket', async () => {
  await assert.rejects(ask('/nowhere/control.sock', 'GET', '/v1/status'), {
    code: 'TEMPORARY',
    message: 'the daemon cannot be reached: nobody listens at /nowhere/control.sock',
  });
});

test('who does not answer in time, or something else, is as good as nobody', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fate-client-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 's');
  let reply: string | null = null;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => reply !== null && socket.end(reply));
  }).listen(path);
  t.after(() => server.close());
  await assert.rejects(ask(path, 'GET', '/v1/status', undefined, 100), {
    code: 'TEMPORARY',
    message: 'the daemon cannot be reached: it did not answer in time',
  });
  reply = '';
  await assert.rejects(ask(path, 'GET', '/v1/status'), { code: 'TEMPORARY' });
  reply = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half":';
  await assert.rejects(ask(path, 'GET', '/v1/status'), { code: 'TEMPORARY' });
  await assert.rejects(all(follow(path, 'POST', '/v1/run', {}, never)), { code: 'TEMPORARY' });
  reply = 'SSH-2.0-OpenSSH_9.2\r\n';
  await assert.rejects(ask(path, 'GET', '/v1/status'), { code: 'TEMPORARY' });
});

test('what the daemon refuses comes as the error it is, with its problems', async (t) => {
  const rig = await openRig(t);
  const problem = { severity: 'error', kind: 'value', file: 'tasks.toml', path: ['disk'], message: 'no' } as const;
  rig.reloaded = new FateError('CONF_INVALID', 'bad', { problems: [problem] });
  const refused = await ask(rig.path, 'POST', '/v1/reload');
  assert.throws(
    () => accepted(refused),
    (error) => {
      assert.ok(error instanceof FateError);
      assert.deepEqual([error.code, error.exitStatus, error.problems], ['CONF_INVALID', 78, [problem]]);
      return true;
    },
  );
  await assert.rejects(all(follow(rig.path, 'POST', '/v1/run', { task: 'x' }, never)), { code: 'TASK_UNKNOWN' });
});

test('a daemon of another version may answer with a code that is not known here', () => {
  assert.equal(errorOf({ error: { code: 'toString', message: 'new' } }).code, 'FATAL');
  assert.equal(errorOf({ error: { code: 'NEW', message: 'something new' } }).message, 'something new');
  for (const body of [null, 7, {}, { error: 'x' }, []]) assert.equal(errorOf(body).code, 'FATAL');
});

test('records come as they are sent, and who does not want to wait any more leaves', async (t) => {
  const rig = await openRig(t);
  const records = follow(rig.path, 'POST', '/v1/run', { task: 'disk', wait: true }, never);
  assert.equal(((await records.next()).value as { run: string }).run, '01kf3g');
  rig.end();
  assert.equal(((await records.next()).value as { status: string }).status, 'Lost');
  assert.equal((await records.next()).done, true);
  const leaving = new AbortController();
  const again = follow(rig.path, 'POST', '/v1/run', { task: 'disk', wait: true }, leaving.signal);
  await again.next();
  leaving.abort();
  await assert.rejects(again.next(), { code: 'TEMPORARY' });
  assert.equal((await ask(rig.path, 'GET', '/v1/status')).status, 200);
});
