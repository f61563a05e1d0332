/**
 * stdout or stderr as a target of the log. Promises that a reader that has stopped reading, or has gone, never holds up
 * the process: Node's own streams wait for terminals, and keep without bound what a pipe does not take.
 */
import { constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { isatty, WriteStream } from 'node:tty';
import { type Remainder, writeAll } from './bytes.ts';
import type { Sink } from './outlet.ts';

/** @param fd of the process, such as 2; it stays open. */
export function openStream(fd: number): Sink {
  try {
    const found = fstatSync(fd);
    if (isatty(fd)) return writableSink(openTerminal(fd), true);
    if (found.isFIFO()) return openPipe(fd);
    if (found.isSocket()) return writableSink(nodeStream(fd), false);
    return plainSink(fd);
  } catch {
    // Closed, or a terminal or pipe that has gone away.
    return deadSink();
  }
}

/**
 * Opened anew, a pipe has an open file description of its own (fifo(7)): what Node does with its own stream, and what others
 * write to that, is not in our way. Where that is not permitted (a pipe of another user), Node's stream has to do.
 */
function openPipe(fd: number): Sink {
  try {
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    return writableSink(new Socket({ fd: own, readable: false, writable: true }), true);
  } catch (error) {
    // Nobody has it open for reading.
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return deadSink();
    return writableSink(nodeStream(fd), false);
  }
}

/**
 * libuv opens a terminal anew, too. Node then makes it blocking, for programs that end by process.exit(); a daemon must
 * not stand still because somebody pressed Ctrl-S, and closes its log before it exits.
 */
function openTerminal(fd: number): Writable {
  const terminal = new WriteStream(fd);
  const { _handle: handle } = terminal as { _handle?: { setBlocking?(blocking: boolean): void } };
  handle?.setBlocking?.(false);
  return terminal;
}

/** A socket cannot be opened anew, and two streams of one descriptor cannot wait for it in one loop of libuv. */
function nodeStream(fd: number): Writable {
  if (fd === 1) return process.stdout;
  if (fd === 2) return process.stderr;
  return new Socket({ fd, readable: false, writable: true });
}

/** On the process's own streams, which outlive a log: what is still in them may fail later, and must not end the process. */
const guarded = new WeakSet<Writable>();
const ignore = (): void => {};

/** @param own whether the stream is ours, to be destroyed in the end */
function writableSink(stream: Writable, own: boolean): Sink {
  let dead = false;
  if (!guarded.has(stream)) stream.on('error', ignore);
  guarded.add(stream);
  return {
    get dead() {
      return dead || stream.destroyed;
    },
    write: (lines) =>
      new Promise((resolve, reject) => {
        stream.write(lines.join(''), (error) => {
          dead = error != null;
          if (error == null) resolve();
          else reject(error);
        });
      }),
    async close() {
      if (own) stream.destroy();
    },
  };
}

/** A file or a device such as /dev/null: written off the loop, at the position that all who share it have. */
function plainSink(fd: number): Sink {
  const left: Remainder = { bytes: Buffer.alloc(0) };
  return {
    dead: false,
    async write(lines) {
      left.bytes = Buffer.concat([left.bytes, Buffer.from(lines.join(''))]);
      await writeAll(fd, left);
    },
    async close() {},
  };
}

function deadSink(): Sink {
  return { dead: true, async write() {}, async close() {} };
}
