/**
 * The five descriptors of a run (SPEC 7). Promises launch.ts that every descriptor it opens is closed
 * again on every path, and that no writer, also none that outlives the task, keeps the run from its end.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { Bytes, Identity, Native } from '../types.ts';
import { openGate } from './limits.ts';
import { createMemorySink, openFileSink } from './sink.ts';

/** What fd 4 may bring (SPEC 7). */
const STATE_LIMIT: Bytes = 16 << 20;
/** pipe(7): what a pipe holds unless told otherwise; who fills it has much to say. */
const PIPE_DEFAULT: Bytes = 64 << 10;
/** Measured: as fast as 1 MiB where nothing else runs, and faster where it has to share the processor's cache. */
const PIPE_LARGE: Bytes = 512 << 10;

export interface PipeOptions {
  readonly native: Native;
  readonly param: string | Buffer;
  readonly state: string | Buffer;
  /** The file to create for fd 1. */
  readonly stdout: string;
  /** Who the pipes and the files in memory are to belong to; null: the scheduler's user. */
  readonly identity: Identity | null;
  /** What fd 1 may bring; the rest is read, and dropped. Null: no limit. */
  readonly outputLimit: Bytes | null;
  /** The same for fd 2. */
  readonly logLimit: Bytes | null;
  /** Called once, when fd 1 has brought more than its limit. */
  onOver(): void;
  /** Gets a copy of the bytes of fd 2. */
  onStderr(chunk: Buffer): void;
}

export interface Collected {
  readonly stdoutBytes: Bytes;
  readonly stdoutError: string | null;
  /** Whether more came on fd 1 than it may bring. */
  readonly stdoutOver: boolean;
  readonly state: Buffer | null;
  readonly stderrDropped: Bytes;
}

export interface TaskPipes {
  /** For spawn: what becomes fd 0 to 4 of the task. */
  readonly stdio: number[];
  /** Closes our copies of what the task was given; to be called right after the spawn, whatever came of it. */
  release(): void;
  /** Reads what waits in the pipes at this moment, and closes them. */
  collect(): void;
  /** After `collect`: closes the file. Never rejects. */
  finish(): Promise<Collected>;
}

/** Opens everything, or throws the system error and leaves nothing open. */
export function openPipes(o: PipeOptions): TaskPipes {
  const undo: (() => void)[] = [];
  try {
    return open(o, undo);
  } catch (error) {
    for (const close of undo.reverse()) close();
    throw error;
  }
}

function open(o: PipeOptions, undo: (() => void)[]): TaskPipes {
  const stdout = openFileSink(o.stdout);
  undo.push(() => void stdout.close());
  const state = createMemorySink(STATE_LIMIT);
  const theirs: number[] = [];
  const give = (fd: number): number => {
    theirs.push(fd);
    return fd;
  };
  const release = (): void => {
    for (const fd of theirs.splice(0)) closeSync(fd);
  };
  undo.push(release);
  // So that the task can open each again by its name, as /dev/stderr.
  const own = (fd: number): void => {
    if (o.identity !== null) o.native.giveTo(fd, o.identity.uid, o.identity.gid);
  };
  const input = (name: string, content: string | Buffer): number => {
    // Everybody's already, and never to be anybody's.
    if (content.length === 0) return give(openSync('/dev/null', 'r'));
    const fd = give(o.native.memoryFile(name, content));
    own(fd);
    return fd;
  };
  const sources: Source[] = [];
  const receive = (take: (chunk: Buffer) => void, large: boolean): number => {
    const { read, write } = o.native.pipe();
    give(write);
    const source = watch(read, o.native, take, large);
    sources.push(source);
    undo.push(source.close);
    own(write);
    return write;
  };
  const output = openGate(o.outputLimit, stdout.take, o.onOver);
  const log = openGate(o.logLimit, (chunk) => o.onStderr(Buffer.from(chunk)));
  // Memory that can only be read: no task can block or break us by not reading it.
  const fd0 = input('fate-param', o.param);
  const fd3 = input('fate-state', o.state);
  const fd1 = receive(output.take, true);
  const fd2 = receive(log.take, false);
  const fd4 = receive(state.take, false);
  return {
    stdio: [fd0, fd1, fd2, fd3, fd4],
    release,
    collect() {
      for (const source of sources) source.collect();
    },
    async finish() {
      await stdout.close();
      return {
        stdoutBytes: stdout.bytes,
        stdoutError: stdout.error,
        stdoutOver: output.dropped > 0,
        state: state.content(),
        stderrDropped: log.dropped,
      };
    },
  };
}

// ---------------------------------------------------------------------------------------------- read ends

interface Source {
  collect(): void;
  close(): void;
}

let shared: Buffer | null = null;

/**
 * One buffer for all pipes of all runs: libuv reads into it and hands it on in one go, so that no two reads ever
 * meet in it, and 200 runs need no more memory than one.
 */
function sharedBuffer(): Buffer {
  shared ??= Buffer.allocUnsafeSlow(PIPE_LARGE);
  return shared;
}

/** Hands what comes to `take`, which must be done with the bytes when it returns. Owns `fd` from the first moment. */
function watch(fd: number, native: Native, take: (chunk: Buffer) => void, large: boolean): Source {
  let mayEnlarge = large;
  const receive = (size: number, buffer: Uint8Array): boolean => {
    // Only for who needs it: what one user's pipes may hold is limited (pipe-user-pages-soft, pipe(7)).
    if (mayEnlarge && size >= PIPE_DEFAULT) {
      mayEnlarge = false;
      native.enlargePipe(fd, PIPE_LARGE);
    }
    take((buffer as Buffer).subarray(0, size));
    return true;
  };
  const socket = socketOf(fd, receive);
  // There is nothing to do about an error of reading but to read no more, which the stream sees to by itself.
  socket.on('error', () => {});
  // With nobody to listen to 'data' this only lets the stream come to its end, and close itself there.
  socket.resume();
  return {
    collect() {
      // A stream that came to its end has closed its descriptor, whose number may be another's by now.
      if (socket.destroyed) return;
      socket.pause();
      drain(fd, native, take);
      socket.destroy();
    },
    close: () => void socket.destroy(),
  };
}

function socketOf(fd: number, callback: (size: number, buffer: Uint8Array) => boolean): Socket {
  try {
    // libuv makes the descriptor non-blocking. The task's end is another open file description and stays as it is.
    // `onread` works for any stream socket; the types know it for connections only.
    const options: SocketConstructorOpts & { onread: OnReadOpts } = {
      fd,
      readable: true,
      writable: false,
      onread: { buffer: sharedBuffer(), callback },
    };
    return new Socket(options);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Reads no more than waits now: another process may hold the other end and write for ever. */
function drain(fd: number, native: Native, take: (chunk: Buffer) => void): void {
  const buffer = sharedBuffer();
  try {
    for (let waiting = native.bytesWaiting(fd); waiting > 0; ) {
      const size = readSync(fd, buffer, 0, Math.min(waiting, buffer.length), null);
      if (size === 0) return;
      take(buffer.subarray(0, size));
      waiting -= size;
    }
  } catch (error) {
    // EAGAIN: another reader was faster (whoever opened /dev/stdout to read); what was there is taken.
    if (!(error instanceof Error && 'syscall' in error)) throw error;
  }
}
