/**
 * Writes an answer, as fast as the client reads it and no faster: what waits to be written is bounded, a client that reads
 * nothing is given up, and the loop has its turn in between. Promises its caller not to reject.
 */
import type { ServerResponse } from 'node:http';
import type { ErrorCode } from '../errors.ts';
import type { Ms } from '../types.ts';
import type { OneRequest } from './one-request.ts';

export interface Reply {
  readonly status: number;
  readonly parts: Iterable<string> | AsyncIterable<string>;
  /** A record per line, each sent as soon as it is there. */
  readonly lines?: boolean;
  /** Of a 405. */
  readonly allow?: string | null;
}

/** Parts are sent together from here on. */
const BATCH = 16 * 1024;
/** So long the parts may be made before everything else has its turn. */
const TURN: Ms = 4;

/** @param patience how long a client may take to read what was sent */
export async function answer(response: ServerResponse, reply: Reply, patience: Ms): Promise<void> {
  const { status, parts, lines = false, allow } = reply;
  response.sendDate = false;
  response.writeHead(status, {
    'Content-Type': lines ? 'application/x-ndjson' : 'application/json',
    'Cache-Control': 'no-store',
    Connection: 'close',
    ...(allow && { Allow: allow }),
  });
  try {
    let batch = '';
    let since = performance.now();
    for await (const part of parts) {
      if (response.closed) return;
      batch += part;
      const long = performance.now() - since >= TURN;
      if (lines || long || batch.length >= BATCH) {
        const written = response.write(batch);
        batch = '';
        if (!written) await read(response, 'drain', patience);
        if (!lines) await turn();
        since = performance.now();
      }
    }
    response.end(batch);
    await read(response, 'close', patience);
  } catch {
    // It has begun: that it breaks off is all that can still be said.
    response.destroy();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits for an event of the response, or its end. @throws Error when it does not come in time */
function read(response: ServerResponse, event: 'drain' | 'close', patience: Ms): Promise<void> {
  if (response.closed) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => {
      clearTimeout(timer);
      response.off(event, done);
      response.off('close', done);
      if (error) reject(error);
      else resolve();
    };
    const timer = setTimeout(() => done(new Error('the client does not read')), patience);
    response.on(event, done);
    response.on('close', done);
  });
}

/** What is said without a response, to who has made no request that can be read. */
export function answerRaw(stream: OneRequest, status: string, code: ErrorCode, message: string): void {
  if (!stream.writable) {
    stream.destroy();
    return;
  }
  const body = `${JSON.stringify({ error: { code, message } })}\n`;
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
  stream.end(`${head}\r\nConnection: close\r\n\r\n${body}`);
  stream.destroySoon();
}
