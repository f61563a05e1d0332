/** Clients that are broken, slow or mean: the loop goes on, memory is bounded, and everybody else is answered. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { ask } from '../../../src/control/client.ts';
import { LIMITS } from '../../../src/control/server.ts';
import { get, makeRow, makeStatus, makeTaskRow, openRig, post, type Raw, type Rig, readRaw } from './daemon.ts';

const closed = async ({ socket }: Raw): Promise<unknown> => socket.destroyed || (await once(socket, 'close'));
const isAlive = async (rig: Rig): Promise<void> => {
  assert.equal((await ask(rig.path, 'GET', '/v1/status')).status, 200);
};

/** How much was made between two turns of the loop at most, while something was done. */
async function mostInOneTurn(work: Promise<unknown>, made: () => number): Promise<number> {
  let most = 0;
  let last = made();
  let going = true;
  const look = (): void => {
    most = Math.max(most, made() - last);
    last = made();
    if (going) setImmediate(look);
  };
  look();
  await work;
  going = false;
  return most;
}

test('garbage is answered with 400, and the connection closed', async (t) => {
  const rig = await openRig(t);
  for (const bytes of [
    '\u0000\u0001\u0002garbage\r\n\r\n',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    `${'x'.repeat(3000)}`,
  ]) {
    const { socket, received } = await rig.connect();
    socket.write(bytes);
    assert.equal(readRaw(await received).status, 400, JSON.stringify(bytes.slice(0, 20)));
  }
  await isAlive(rig);
});

test('bytes that do not end are no request: a header of a mebibyte is cut off at its limit', async (t) => {
  const rig = await openRig(t);
  const { socket, received } = await rig.connect();
  socket.write(get('/v1/status', `X: ${'x'.repeat(1 << 20)}\r\n`));
  const { status, body } = readRaw(await received);
  assert.equal(status, 431);
  assert.deepEqual(body, { error: { code: 'USAGE', message: 'the header is too large' } });
  await isAlive(rig);
});

test('a body is taken up to its limit, whether its length is told or not', async (t) => {
  const rig = await openRig(t);
  const answered = async (bytes: string): Promise<number> => {
    const { socket, received } = await rig.connect();
    socket.write(bytes);
    return readRaw(await received).status;
  };
  const spaces = ' '.repeat(LIMITS.body);
  const kill = '{"what":"disk"}';
  assert.equal(await answered(post('/v1/kill', `${spaces.slice(kill.length)}${kill}`)), 200);
  assert.equal(await answered(post('/v1/kill', `${spaces.slice(kill.length)}${kill} `)), 413);
  assert.equal(await answered('POST /v1/kill HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n'), 413);
  const chunk = `10001\r\n${spaces} \r\n`;
  assert.equal(await answered(`POST /v1/kill HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`), 411);
  assert.deepEqual(rig.asked, ['kill disk']);
});

test('a client that dribbles, or says nothing, is sent away when its time is over, and holds up nobody', async (t) => {
  const rig = await openRig(t, { request: 300 });
  const silent = await rig.connect();
  const dribbling = await rig.connect();
  const body = await rig.connect();
  body.socket.write('POST /v1/kill HTTP/1.1\r\nContent-Length: 15\r\n\r\n{"wh');
  const bytes = [...get('/v1/status')].slice(0, -1);
  const timer = setInterval(() => dribbling.socket.writable && dribbling.socket.write(bytes.shift() ?? 'x'), 20);
  t.after(() => clearInterval(timer));
  await isAlive(rig);
  for (const { received } of [silent, dribbling, body]) assert.equal(readRaw(await received).status, 408);
  assert.deepEqual(rig.asked, []);
  await isAlive(rig);
});

test('a slow client that is quick enough is answered', async (t) => {
  const rig = await openRig(t);
  const { socket, received } = await rig.connect();
  for (const byte of get('/v1/tasks')) {
    socket.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal((readRaw(await received).body as unknown[]).length, 2);
});

test('who does not read is given up, and no more is made for him than he can be sent', async (t) => {
  const rig = await openRig(t, { idle: 300 });
  let made = 0;
  const givenUp = new Promise<void>((resolve) => {
    rig.rows = (function* () {
      try {
        for (; made < 1_000_000; made += 1) yield makeTaskRow(made);
      } finally {
        resolve();
      }
    })();
  });
  const { socket } = await rig.connect();
  socket.pause();
  socket.write(get('/v1/tasks'));
  await isAlive(rig);
  await givenUp;
  assert.ok(made > 10 && made < 20_000, `${made} rows were made`);
  socket.resume();
  await once(socket, 'close');
  await isAlive(rig);
});

test('a hundred thousand rows, or runs, hold nothing up: the loop turns after every hundred or so', async (t) => {
  const rig = await openRig(t);
  let made = 0;
  rig.rows = (function* () {
    for (; made < 100_000; made += 1) yield makeTaskRow(made);
  })();
  const drain = async (path: string): Promise<number> => {
    const { socket, received } = await rig.connect();
    socket.write(get(path));
    return (await received).length;
  };
  const list = drain('/v1/tasks');
  assert.ok((await mostInOneTurn(list, () => made)) < 300);
  assert.equal(made, 100_000);
  assert.ok((await list) > 15_000_000);
  let written = 0;
  const row = {
    ...makeRow(),
    get run() {
      written += 1;
      return 'run';
    },
  };
  rig.status = makeStatus({ running: Array.from({ length: 20_000 }, () => row) });
  assert.ok((await mostInOneTurn(drain('/v1/status'), () => written)) < 300);
  assert.equal(written, 20_000);
});

test('rows that are slow to make hold nothing up either', async (t) => {
  const rig = await openRig(t);
  let made = 0;
  rig.rows = (function* () {
    for (; made < 60; made += 1) {
      const until = performance.now() + 2;
      while (performance.now() < until);
      yield makeTaskRow(made);
    }
  })();
  assert.ok((await mostInOneTurn(ask(rig.path, 'GET', '/v1/tasks'), () => made)) <= 4);
  assert.equal(made, 60);
});

test('of seventy connections sixty-four are served, and the others told to come again', async (t) => {
  const rig = await openRig(t, { request: 1_000 });
  const raws = await Promise.all(Array.from({ length: 70 }, () => rig.connect()));
  const refused = raws.slice(64);
  for (const { received } of refused) {
    const { status, body } = readRaw(await received);
    assert.equal(status, 503);
    assert.deepEqual(body, { error: { code: 'TEMPORARY', message: 'too many connections; try again' } });
  }
  for (const { socket } of raws.slice(0, 64)) socket.write(get('/v1/status'));
  for (const { received } of raws.slice(0, 64)) assert.equal(readRaw(await received).status, 200);
  await isAlive(rig);
});

test('those who only read, or wait for runs, leave room for those who steer', async (t) => {
  const rig = await openRig(t, { connections: 4, readers: 2, waiting: 2 });
  const wait = post('/v1/run', '{"task":"disk","wait":true}');
  const waiting = [await rig.connect(), await rig.connect()];
  for (const { socket } of waiting) {
    socket.write(wait);
    await once(socket, 'data');
  }
  const third = await rig.connect();
  third.socket.write(wait);
  assert.equal(readRaw(await third.received).status, 503);
  assert.deepEqual(rig.asked, ['run disk', 'run disk'], 'what cannot be waited for was not started');
  await isAlive(rig);
});

test('readers are kept out before those who may steer', async (t) => {
  const rig = await openRig(t, { connections: 3, readers: 1, request: 1_000 }, { peerOf: () => null });
  const first = await rig.connect();
  const second = await rig.connect();
  assert.equal(readRaw(await second.received).status, 503);
  first.socket.destroy();
  // As soon as the daemon has seen that he is gone, there is room again.
  while ((await ask(rig.path, 'GET', '/v1/status')).status === 503);
  await isAlive(rig);
});

test('requests behind the first one of a connection are not even looked at', async (t) => {
  const rig = await openRig(t);
  const kill = post('/v1/kill', '{"what":"disk"}');
  const { socket, received } = await rig.connect();
  socket.write(`${kill}${kill}`.repeat(10_000));
  assert.match(await received, /^HTTP\/1\.1 200 OK\r\n/);
  assert.deepEqual(rig.asked, ['kill disk']);
  const split = await rig.connect();
  for (const piece of kill.split(/(?<=\r\n\r)|(?<=w)/)) {
    split.socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(await split.received, /^HTTP\/1\.1 200 OK\r\n/, 'wherever it is cut');
  assert.equal(rig.asked.length, 2);
});

test('a client that goes away in the middle changes nothing', async (t) => {
  const rig = await openRig(t);
  rig.rows = Array.from({ length: 50_000 }, (_, at) => makeTaskRow(at));
  for (const bytes of ['', 'GET', post('/v1/kill', '{"what":"disk"}').slice(0, -3), get('/v1/tasks')]) {
    const raw = await rig.connect();
    raw.socket.write(bytes, () => raw.socket.destroy());
    await closed(raw);
  }
  const waiting = await rig.connect();
  waiting.socket.write(post('/v1/run', '{"task":"disk","wait":true}'));
  await once(waiting.socket, 'data');
  waiting.socket.destroy();
  await closed(waiting);
  rig.end();
  await isAlive(rig);
  assert.deepEqual(rig.asked, ['run disk'], 'the run goes on, and half a request is none');
});

test('a client that closes its own side behind its request is harmless, and mostly answered', async (t) => {
  const rig = await openRig(t);
  const { socket, received } = await rig.connect();
  socket.end(get('/v1/status'));
  assert.match(await received, /^(HTTP\/1\.1 200 OK\r\n.*)?$/s);
  const half = await rig.connect();
  half.socket.end('GET /v1/sta');
  assert.match(await half.received, /^(HTTP\/1\.1 400 .*)?$/s);
  await isAlive(rig);
});

test('closing ends within a moment, with clients that are idle, slow, or wait for a run', async (t) => {
  const rig = await openRig(t, { close: 200 });
  rig.rows = (function* () {
    for (let at = 0; ; at += 1) yield makeTaskRow(at);
  })();
  const idle = await rig.connect();
  const slow = await rig.connect();
  slow.socket.pause();
  slow.socket.write(get('/v1/tasks'));
  const waiting = await rig.connect();
  waiting.socket.write(post('/v1/run', '{"task":"disk","wait":true}'));
  await once(waiting.socket, 'data');
  const before = performance.now();
  await rig.control.close();
  assert.ok(performance.now() - before < 2_000);
  assert.equal(await idle.received, '');
  assert.match(await waiting.received, /"code":"TEMPORARY","message":"the daemon stops/);
  slow.socket.resume();
  await closed(slow);
  await assert.rejects(rig.connect(), { code: 'ENOENT' });
});

test('an answer that is on its way when the socket is closed still comes', async (t) => {
  const rig = await openRig(t);
  const { socket, received } = await rig.connect();
  socket.write(post('/v1/run', '{"task":"disk","wait":true}'));
  await once(socket, 'data');
  rig.end();
  await rig.control.close();
  assert.match(await received, /"status":"Lost"/);
});
