/**
 * What a log file and those that were rotated out of it hold, for `fate logs` (SPEC 12). Promises that they are read from
 * the newest on, and no further than is asked for; of all that is asked for, no more than a block is in memory. A rotated file
 * that cannot be read, or not to its end, is told, and keeps nobody from the others.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { errnoOf } from '../errors.ts';
import type { Bytes, EpochMs } from '../types.ts';
import { headOf } from './line.ts';
import { chunksOf, endOfLines, linesBackwards, splitLines } from './lines.ts';
import { rotatedPattern } from './rotation.ts';

export interface Choice {
  /** Whether a record is wanted. */
  wants(line: string): boolean;
  /** Null: since ever. */
  readonly since: EpochMs | null;
  /** The latest so many; Infinity for all. */
  readonly number: number;
}

/** The file that is written, open, up to its last newline. */
export interface Present {
  readonly handle: FileHandle;
  readonly end: Bytes;
}

/** Told of each rotated file that cannot be read, or not to its end. */
export type Unread = (path: string, error: unknown) => void;

/** Clocks are put right: a record this much older than its neighbours may stand behind them. */
const DISORDER = 3_600_000;

/** The records wanted, oldest first. @throws a system error of the file that is written */
export async function* pastRecords(
  file: string,
  present: Present | null,
  choice: Choice,
  unread: Unread,
): AsyncGenerator<string> {
  if (choice.number === 0) return;
  const since = choice.since ?? Number.NEGATIVE_INFINITY;
  const rotated = (await rotatedFiles(file)).filter(({ written }) => written >= since - DISORDER);
  const wants = (line: string): boolean => choice.wants(line) && (headOf(line)?.time ?? since) >= since;
  if (choice.number === Number.POSITIVE_INFINITY) {
    for (const { path } of rotated.reverse()) yield* forwards(path, wants, unread);
    if (present !== null) yield* filtered(splitLines(chunksOf(present.handle, 0, present.end)), wants);
    return;
  }
  const found: string[] = [];
  const take = async (lines: AsyncIterable<string>): Promise<boolean> => {
    for await (const line of lines) {
      if (wants(line)) found.push(line);
      if (found.length === choice.number) return true;
      if ((headOf(line)?.time ?? since) < since - DISORDER) return true;
    }
    return false;
  };
  let enough = present !== null && (await take(linesBackwards(present.handle, present.end)));
  for (const { path } of rotated) {
    if (enough) break;
    enough = await take(backwards(path, wants, choice.number - found.length, unread));
  }
  yield* found.reverse();
}

async function* filtered(lines: AsyncIterable<string>, wants: (line: string) => boolean): AsyncGenerator<string> {
  for await (const line of lines) if (wants(line)) yield line;
}

interface Rotated {
  readonly path: string;
  /** When its last record was written. */
  readonly written: EpochMs;
}

/** Newest first, also those of logrotate(8) (`fate.log.1`, `fate.log-20261122.gz`). */
export async function rotatedFiles(file: string): Promise<Rotated[]> {
  const [own, base] = [rotatedPattern(file), basename(file)];
  const names = await readdir(dirname(file)).catch(() => []);
  const matching = names.filter(
    (name) => own.test(name) || (name.startsWith(base) && /^[.-]\d+(\.gz)?$/.test(name.slice(base.length))),
  );
  // One that is being compressed is there under both names in the end.
  const once = matching.filter((name) => !name.endsWith('.gz') || !matching.includes(name.slice(0, -3)));
  const found: Rotated[] = [];
  for (const name of once) {
    const plain = join(dirname(file), name);
    // It may be compressed at this moment.
    for (const path of [plain, `${plain}.gz`]) {
      const stats = await stat(path).catch(() => null);
      if (stats === null) continue;
      // Compressed it has the same time, in whole milliseconds.
      if (stats.isFile()) found.push({ path, written: Math.floor(stats.mtimeMs) });
      break;
    }
  }
  return found.sort((a, b) => b.written - a.written || order(b.path, a.path));
}

/** Of files that were last written within one tick of the kernel's clock: `x-10` after `x-2` after `x`. */
function order(a: string, b: string): number {
  const stampOf = (path: string): string => /\d{8}T\d{6}/.exec(basename(path))?.[0] ?? '';
  const nthOf = (path: string): number => Number(/T\d{6}-(\d+)/.exec(basename(path))?.[1] ?? 0);
  const [stampA, stampB] = [stampOf(a), stampOf(b)];
  return stampA === stampB ? nthOf(a) - nthOf(b) : stampA < stampB ? -1 : 1;
}

interface Opened {
  readonly handle: FileHandle;
  readonly zipped: boolean;
}

/** Null where it has gone by retention. One that went to be compressed is there by another name. */
async function opened(path: string): Promise<Opened | null> {
  for (const name of path.endsWith('.gz') ? [path] : [path, `${path}.gz`]) {
    try {
      return { handle: await open(name), zipped: name.endsWith('.gz') };
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
  return null;
}

/** From its front; closes it in the end. */
function linesOf({ handle, zipped }: Opened): AsyncGenerator<string> {
  const stream = createReadStream('', { fd: handle });
  // What fails, or is no longer asked for, ends both.
  return splitLines(zipped ? untilItFails(pipeline(stream, createGunzip(), () => {})) : stream);
}

/** All that it gives, before its error: a stream's own iterator drops what it still holds then. */
async function* untilItFails(stream: Readable): AsyncGenerator<Buffer> {
  let wake = (): void => {};
  const look = (): void => wake();
  for (const event of ['readable', 'end', 'error', 'close']) stream.on(event, look);
  try {
    for (;;) {
      const more = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const chunk: Buffer | null = stream.read();
      if (chunk !== null) yield chunk;
      else if (stream.errored) throw stream.errored;
      else if (stream.readableEnded || stream.destroyed) return;
      else await more;
    }
  } finally {
    stream.destroy();
  }
}

/** The records of one rotated file that are wanted. */
export async function* forwards(
  path: string,
  wants: (line: string) => boolean,
  unread: Unread,
): AsyncGenerator<string> {
  try {
    const file = await opened(path);
    if (file !== null) yield* filtered(linesOf(file), wants);
  } catch (error) {
    unread(path, error);
  }
}

async function* backwards(
  path: string,
  wants: (line: string) => boolean,
  number: number,
  unread: Unread,
): AsyncGenerator<string> {
  // What is compressed can only be read from its front: the last so many that are wanted are kept.
  const kept: string[] = [];
  try {
    const file = await opened(path);
    if (file === null) return;
    if (!file.zipped) {
      const { handle } = file;
      try {
        yield* linesBackwards(handle, await endOfLines(handle, (await handle.stat()).size));
      } finally {
        await handle.close();
      }
      return;
    }
    for await (const line of filtered(linesOf(file), wants)) {
      kept.push(line);
      // Twice as many, so that to drop the older ones costs little.
      if (kept.length > 2 * number) kept.splice(0, kept.length - number);
    }
  } catch (error) {
    unread(path, error);
  }
  yield* kept.slice(-number).reverse();
}
