/**
 * The control socket (SPEC 12): HTTP/1.1 with JSON on a unix socket, one request per connection. Promises the daemon that no
 * client, broken, slow or hostile, costs it more than a bounded piece of memory and of each turn of the loop, and that only
 * those steer it who may.
 */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errnoOf, FateError, messageOf } from '../errors.ts';
import type { Bytes, Level, LogFields, Ms, Steering } from '../types.ts';
import { answer, answerRaw, type Reply } from './answer.ts';
import { errorJson } from './json.ts';
import { type OneRequest, oneRequest } from './one-request.ts';
import { Refusal, statusOf } from './refusal.ts';
import { countRefused } from './refused.ts';
import { bodySize, fieldsOf, pathOf, readBody } from './request.ts';
import { maySteer, nameOf, type Peer } from './rights.ts';
import { ROUTES, type Route } from './routes.ts';
import { answerSlices } from './slices.ts';
import { listenAt } from './socket.ts';

export type { Peer } from './rights.ts';

export interface ControlOptions {
  /** `<run>/run-<pid>`, which is there. */
  readonly folder: string;
  /** `<run>/control.sock`, for people. */
  readonly link: string;
  /** Number of the group that may connect; null: the daemon's own. */
  readonly group: number | null;
  readonly ownUid: number;
  /** Number of the group that may steer besides; asked for each request, since a reload may change it. */
  steerGid(): number | null;
  peerOf(fd: number): Peer | null;
  readonly steering: Steering;
  log(level: Level, fields: LogFields): void;
}

export interface Control {
  /** Where it listens. */
  readonly path: string;
  /** Nobody can connect any more; who is connected has a moment to read his answer. Never rejects. */
  close(): Promise<void>;
}

export interface Limits {
  readonly connections: number;
  /** Of these, how many may be of clients that can only read, so that they keep out nobody who steers. */
  readonly readers: number;
  /** How many may wait for the end of a run. */
  readonly waiting: number;
  readonly headers: Bytes;
  readonly body: Bytes;
  /** For the whole request to come. */
  readonly request: Ms;
  /** For the client to read what was sent. */
  readonly idle: Ms;
  /** For the answers that are on their way when the socket is closed. */
  readonly close: Ms;
}

export const LIMITS: Limits = {
  connections: 64,
  readers: 48,
  waiting: 40,
  headers: 8 * 1024,
  body: 64 * 1024,
  request: 5_000,
  idle: 10_000,
  close: 500,
};

interface Connection {
  readonly stream: OneRequest;
  readonly peer: Peer | null;
  readonly steers: boolean;
  /** Ended when the client is gone, or the socket is closed. */
  readonly until: AbortController;
  readonly timer: NodeJS.Timeout;
  asked: boolean;
  waits: boolean;
}

/** Opens the socket. @throws FateError FATAL where it cannot be made */
export async function openControl(options: ControlOptions, limits: Limits = LIMITS): Promise<Control> {
  const { steering, log, ownUid } = options;
  const connections = new Map<Duplex, Connection>();
  const refused = countRefused(() => performance.now());
  let failed = false;
  const steerGid = (): number | null => {
    try {
      const gid = options.steerGid();
      failed = false;
      return gid;
    } catch (error) {
      if (!failed) log('warning', { msg: `the group that may steer cannot be looked up: ${messageOf(error)}` });
      failed = true;
      return null;
    }
  };
  const maySteerNow = (peer: Peer | null): boolean => maySteer(peer, ownUid, steerGid);

  // It never listens itself: connections come from a server of ours, so that Node starts no timer that turns for ever to look
  // for slow ones. Each has a timer of its own.
  const http = createHttpServer({ maxHeaderSize: limits.headers, requireHostHeader: false });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const stream = oneRequest(socket);
    // Errors end the connection, and the client has seen them.
    stream.on('error', () => {});
    const peer = options.peerOf(fdOf(socket));
    const steers = maySteerNow(peer);
    if (connections.size >= (steers ? limits.connections : limits.readers)) {
      answerRaw(stream, '503 Service Unavailable', 'TEMPORARY', 'too many connections; try again');
      return;
    }
    const timer = setTimeout(() => {
      answerRaw(stream, '408 Request Timeout', 'USAGE', 'the request did not come in time');
    }, limits.request);
    const until = new AbortController();
    connections.set(stream, { stream, peer, steers, until, timer, asked: false, waits: false });
    stream.on('close', () => {
      clearTimeout(timer);
      connections.delete(stream);
      until.abort();
    });
    http.emit('connection', stream);
  });
  http.on('clientError', (error: Error, stream: Duplex) => {
    const connection = connections.get(stream);
    if (connection === undefined || connection.asked) stream.destroy();
    else if (errnoOf(error) === 'HPE_HEADER_OVERFLOW') {
      answerRaw(connection.stream, '431 Request Header Fields Too Large', 'USAGE', 'the header is too large');
    } else answerRaw(connection.stream, '400 Bad Request', 'USAGE', 'expected a request of HTTP/1.1');
  });
  http.on('request', (request, response) => {
    const connection = connections.get(request.socket);
    if (connection === undefined || connection.asked) request.socket.destroy();
    else void serve(connection, request, response);
  });

  async function serve(connection: Connection, request: IncomingMessage, response: ServerResponse): Promise<void> {
    connection.asked = true;
    response.on('error', () => {});
    // A client that leaves while its request is carried out changes nothing in that.
    response.on('close', () => connection.until.abort());
    let reply: Reply;
    try {
      const route = routeOf(request);
      permit(connection, route, request);
      connection.stream.allowBody(bodySize(request, limits.body));
      const body = await readBody(request);
      clearTimeout(connection.timer);
      reply = await carryOut(connection, route, fieldsOf(request, body, route.fields));
    } catch (error) {
      clearTimeout(connection.timer);
      reply = replyTo(error, request);
    }
    await answer(response, reply, limits.idle);
  }

  function permit({ peer, steers }: Connection, route: Route, request: IncomingMessage): void {
    if (route.steers === null || (steers && maySteerNow(peer))) return;
    const msg = `${nameOf(peer)} may not steer: ${request.method} ${pathOf(request)} was refused`;
    const more = refused.count(peer?.uid ?? null);
    const others = more === null || more === 0 ? '' : `; ${more} more of this user were since the last that was told`;
    if (more !== null) log('warning', { msg: msg + others, uid: peer?.uid, pid: peer?.pid });
    throw new FateError(
      'NOT_PERMITTED',
      'only root, the user of the daemon and the members of steer_group may do this',
    );
  }

  async function carryOut(connection: Connection, route: Route, fields: Record<string, unknown>): Promise<Reply> {
    const { peer, until } = connection;
    if (route.steers === null) return route.reply(steering, fields, until.signal);
    const msg = `${nameOf(peer)} asked for ${route.steers(fields)}`;
    const who = { uid: peer?.uid, pid: peer?.pid };
    try {
      log('info', { msg, ...who });
      if (route.waits?.(fields)) {
        if ([...connections.values()].filter(({ waits }) => waits).length >= limits.waiting) {
          throw new FateError('TEMPORARY', `${limits.waiting} clients wait for the end of a run already`);
        }
        connection.waits = true;
      }
      return await route.reply(steering, fields, until.signal);
    } catch (error) {
      log('warning', { msg: `${msg}, and it was refused: ${messageOf(error)}`, ...who });
      throw error;
    }
  }

  function replyTo(error: unknown, request: IncomingMessage): Reply {
    if (error instanceof Refusal) {
      const json = { error: { code: 'USAGE', message: error.message } };
      return { status: error.status, parts: answerSlices(json), allow: error.allow };
    }
    if (error instanceof FateError) return { status: statusOf(error.code), parts: answerSlices(errorJson(error)) };
    log('error', { msg: `${request.method} ${pathOf(request)} failed: ${messageOf(error)}` });
    const message = `a fault of the daemon: ${messageOf(error)}`;
    return { status: 500, parts: answerSlices(errorJson(new FateError('SOFTWARE', message))) };
  }

  const { folder, link, group } = options;
  const place = await listenAt(server, { folder, link, group, warn: (msg) => log('warning', { msg }) });
  server.on('error', (error) => log('error', { msg: `the control socket: ${messageOf(error)}` }));

  return {
    path: place.path,
    async close() {
      place.remove();
      for (const { asked, stream, until } of connections.values()) {
        if (asked) until.abort();
        else stream.destroy();
      }
      const open = [...connections.keys()];
      const late = setTimeout(() => {
        for (const stream of open) stream.destroy();
      }, limits.close);
      await Promise.all(open.map((stream) => new Promise((resolve) => stream.on('close', resolve))));
      clearTimeout(late);
    },
  };
}

/** @throws Refusal */
function routeOf(request: IncomingMessage): Route {
  const path = pathOf(request);
  const route = ROUTES.get(path);
  if (route === undefined) throw new Refusal(404, `there is no ${path.slice(0, 200)} here`);
  if (request.method !== route.method) throw new Refusal(405, `${path} takes ${route.method} only`, route.method);
  return route;
}

/** Of a connected socket of Node, which tells it nowhere else; -1 where there is none. */
function fdOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}
