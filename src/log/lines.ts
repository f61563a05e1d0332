/**
 * Lines of files, from the front or from the back. Promises that no more than some blocks of a file are in memory: of a line
 * that is longer than any record the front is kept, with the number of bytes that are left out.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Bytes } from '../types.ts';

const BLOCK: Bytes = 64 * 1024;
/** A record is never as long; a file may hold anything. */
export const LONGEST_LINE: Bytes = 1024 * 1024;
const NEWLINE = 10;

/** The whole lines among chunks that come one after the other; what follows the last newline is left out. */
export async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const splitter = lineSplitter();
  for await (const chunk of chunks) yield* splitter.push(chunk);
}

export interface LineSplitter {
  push(chunk: Buffer): Generator<string>;
  /** Of a line that was begun. */
  readonly held: Bytes;
  /** Forgets the line that was begun. */
  clear(): void;
}

/** Not by node:readline, which ends lines at U+2028 as well. */
export function lineSplitter(): LineSplitter {
  let begun: Buffer[] = [];
  let [held, cut] = [0, 0];
  const take = (bytes: Buffer): Buffer => {
    const kept = bytes.subarray(0, LONGEST_LINE - held);
    held += kept.length;
    cut += bytes.length - kept.length;
    return kept;
  };
  return {
    *push(chunk) {
      let start = 0;
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, start)) {
        const end = take(chunk.subarray(start, at));
        const line = textOf(begun.length === 0 ? end : Buffer.concat([...begun, end]), cut);
        [begun, held, cut, start] = [[], 0, 0, at + 1];
        yield line;
      }
      const rest = take(chunk.subarray(start));
      // A copy: the chunk may be a block that is read into again.
      if (rest.length > 0) begun.push(Buffer.from(rest));
    },
    get held() {
      return held;
    },
    clear() {
      [begun, held, cut] = [[], 0, 0];
    },
  };
}

/** @param cut how many bytes of the line are not in `kept` */
function textOf(kept: Buffer, cut: number): string {
  if (cut === 0) return kept.toString();
  const end = endOfCharacters(kept);
  return `${kept.subarray(0, end).toString()}… ${cut + kept.length - end} bytes left out …`;
}

/** Behind the last whole character of UTF-8. */
function endOfCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    if (byte >= 0xc0) return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** A part of a file, from its front. */
export async function* chunksOf(handle: FileHandle, from: Bytes, until: Bytes): AsyncGenerator<Buffer> {
  const block = Buffer.allocUnsafe(BLOCK);
  for (let at = from; at < until; ) {
    const { bytesRead } = await handle.read(block, 0, Math.min(BLOCK, until - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield block.subarray(0, bytesRead);
  }
}

/** The lines before `end`, which lies behind a newline (or is 0), the last one first. */
export async function* linesBackwards(handle: FileHandle, end: Bytes): AsyncGenerator<string> {
  const block = Buffer.allocUnsafe(BLOCK);
  /** Of the line that goes on to the front, in the order of the file. */
  let begun: Buffer[] = [];
  let [held, cut] = [0, 0];
  const add = (bytes: Buffer): void => {
    begun.unshift(bytes);
    held += bytes.length;
    // What lies behind is left out, as from the front.
    for (let last = begun.at(-1); last !== undefined && held - last.length >= LONGEST_LINE; last = begun.at(-1)) {
      begun.pop();
      held -= last.length;
      cut += last.length;
    }
  };
  const whole = (): string => {
    const line = Buffer.concat(begun);
    const text = textOf(line.subarray(0, LONGEST_LINE), cut + Math.max(0, held - LONGEST_LINE));
    [begun, held, cut] = [[], 0, 0];
    return text;
  };
  // The newline that ends the last line ends nothing more.
  for (let at = Math.max(0, end - 1); at > 0; ) {
    const size = Math.min(BLOCK, at);
    at -= size;
    const { bytesRead } = await handle.read(block, 0, size, at);
    // Somebody has emptied it meanwhile.
    if (bytesRead < size) return;
    let until = size;
    for (let newline = lastNewline(block, until); newline >= 0; newline = lastNewline(block, until)) {
      add(block.subarray(newline + 1, until));
      yield whole();
      until = newline;
    }
    add(Buffer.from(block.subarray(0, until)));
  }
  if (end > 0) yield whole();
}

function lastNewline(block: Buffer, until: number): number {
  return until === 0 ? -1 : block.lastIndexOf(NEWLINE, until - 1);
}

/** Behind the last newline; 0 where there is none. */
export async function endOfLines(handle: FileHandle, size: Bytes): Promise<Bytes> {
  const block = Buffer.allocUnsafe(BLOCK);
  for (let at = size; at > 0; ) {
    const length = Math.min(BLOCK, at);
    at -= length;
    const { bytesRead } = await handle.read(block, 0, length, at);
    const newline = lastNewline(block, bytesRead);
    if (newline >= 0) return at + newline + 1;
  }
  return 0;
}
