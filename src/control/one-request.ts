/**
 * A connection as HTTP sees it: one request, and nothing of what is sent behind it. A parser given more would make a request of
 * each twenty bytes in one moment of the loop, whoever sends them.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Bytes } from '../types.ts';

export interface OneRequest extends Duplex {
  /** Of what comes behind the header so much is the body. Until this is called nothing of it is let through. */
  allowBody(size: Bytes): void;
  /** As that of net.Socket: ends, and does not wait for the other side to do the same. */
  destroySoon(): void;
}

/** Where the header ends, as any parser may see it. */
const END = /\r?\n\r?\n/;
const LONGEST_END = 3;

export function oneRequest(socket: Socket): OneRequest {
  /** Null: the header has not ended. */
  let left: Bytes | null = null;
  /** The last bytes of the header so far, where its end may have begun. */
  let tail = '';
  /** What came behind the header before the length of the body was known. */
  let held: Buffer | null = null;

  const pass = (chunk: Buffer): void => {
    if (chunk.length > 0 && !stream.push(chunk)) socket.pause();
  };
  const passBody = (chunk: Buffer): void => {
    // Whatever is too much is read and forgotten, so that it is seen when the client goes.
    const body = chunk.subarray(0, left ?? 0);
    left = (left ?? 0) - body.length;
    pass(body);
  };
  const take = (chunk: Buffer): void => {
    if (left !== null) {
      passBody(chunk);
      return;
    }
    const text = tail + chunk.toString('latin1');
    const end = END.exec(text);
    if (end === null) {
      tail = text.slice(-LONGEST_END);
      pass(chunk);
      return;
    }
    const size = end.index + end[0].length - tail.length;
    held = chunk.subarray(size);
    // Nothing more is read until the header is understood, or refused.
    socket.pause();
    stream.push(chunk.subarray(0, size));
  };

  const stream = new Duplex({
    read() {
      if (held === null) socket.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      socket.write(chunk, done);
    },
    final(done) {
      socket.end(done);
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', take);
  socket.on('end', () => stream.push(null));
  socket.on('error', () => stream.destroy());
  socket.on('close', () => stream.destroy());
  return Object.assign(stream, {
    allowBody(size: Bytes) {
      // The parser is in the middle of the header when it tells of the request, and takes no more before that is done.
      setImmediate(() => {
        if (stream.destroyed) return;
        const early = held ?? Buffer.alloc(0);
        held = null;
        left = size;
        passBody(early);
        socket.resume();
      });
    },
    destroySoon() {
      if (stream.writable) stream.end();
      if (stream.writableFinished) stream.destroy();
      else stream.once('finish', () => stream.destroy());
    },
  });
}
