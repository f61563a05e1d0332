/**
 * The bytes of an archive as a stream, decompressed: gz by Node's zlib, bz2, xz and zst by their programs (SPEC 8).
 * Whoever stops reading early frees the file, and ends the program, by leaving the loop.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { errnoOf } from '../errors.ts';
import type { Bytes } from '../types.ts';
import type { Compression } from './detection.ts';

/** Small enough that the headers in one chunk are read in a few ms. */
const CHUNK = 64 * 1024;

type Packed = Exclude<Compression, ''>;

/** How each begins: gzip (RFC 1952), bzip2 with its first block or none, xz, and the Zstandard frame of RFC 8878. */
const MAGIC: Readonly<Record<Packed, RegExp>> = {
  '.gz': /^\x1f\x8b\x08/,
  '.bz2': /^BZh[1-9](1AY&SY|\x17rE8P\x90)/,
  '.xz': /^\xfd7zXZ\x00/,
  '.zst': /^\x28\xb5\x2f\xfd/,
};

/** With bounds on memory, which a hostile stream could ask gigabytes of. */
const PROGRAMS: Readonly<Record<Exclude<Packed, '.gz'>, readonly [string, ...string[]]>> = {
  '.bz2': ['bzip2', '-dc'],
  '.xz': ['xz', '-dc', '--memlimit-decompress=256MiB'],
  '.zst': ['zstd', '-dc', '--memory=256MiB'],
};

/** The program that would be needed is not installed. */
export class ProgramMissing extends Error {
  readonly program: string;

  constructor(program: string) {
    super(`${program} is not installed`);
    this.program = program;
  }
}

/** The compression that a file's first bytes tell. */
export function compressionOf(head: Buffer): Compression {
  const start = head.toString('latin1', 0, 16);
  const found = (Object.keys(MAGIC) as Packed[]).find((suffix) => MAGIC[suffix].test(start));
  return found ?? '';
}

/**
 * From `start` on, which is for files that are not compressed. Throws ProgramMissing, errors of the file, and an Error of
 * one sentence where the stream is damaged.
 */
export async function* unpackedBytes(file: string, compression: Compression, start: Bytes): AsyncGenerator<Buffer> {
  if (compression === '') yield* createReadStream(file, { highWaterMark: CHUNK, start });
  else if (compression === '.gz') {
    const packed = createReadStream(file, { highWaterMark: CHUNK });
    // The callback's error comes out of the loop over the last stream as well.
    yield* pipeline(packed, createGunzip({ chunkSize: CHUNK }), () => {}) as AsyncIterable<Buffer>;
  } else {
    yield* throughProgram(file, PROGRAMS[compression]);
  }
}

async function* throughProgram(
  file: string,
  [program, ...args]: readonly [string, ...string[]],
): AsyncGenerator<Buffer> {
  const input = await open(file);
  let child: ChildProcess | undefined;
  try {
    // Nothing but PATH: XZ_OPT and its like would change what the program does. A session of its own: Ctrl-C at the
    // scheduler's terminal must not end it while the scheduler still records.
    const env = { ...(process.env.PATH === undefined ? {} : { PATH: process.env.PATH }), LC_ALL: 'C' };
    const started = spawn(program, args, { stdio: [input.fd, 'pipe', 'ignore'], env, cwd: '/', detached: true });
    child = started;
    const ended = new Promise<Error | null>((resolve) => {
      // Comes before `close` where the program could not be started.
      started.once('error', resolve);
      started.once('close', (status, signal) =>
        resolve(status === 0 ? null : new Error(`${program} ended with ${signal ?? `status ${status}`}`)),
      );
    });
    // Never null: fd 1 is a pipe.
    yield* started.stdout as AsyncIterable<Buffer>;
    const error = await ended;
    if (errnoOf(error) === 'ENOENT') throw new ProgramMissing(program);
    if (error !== null) throw error;
  } finally {
    child?.kill('SIGKILL');
    await input.close();
  }
}
