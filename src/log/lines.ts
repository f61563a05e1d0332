/** Lines of files, from the front or from the back. Promises that no more than some blocks of a file are in memory. */
import type { FileHandle } from 'node:fs/promises';
import type { Bytes } from '../types.ts';

const BLOCK: Bytes = 64 * 1024;
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
  let held = 0;
  return {
    *push(chunk) {
      let start = 0;
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, start)) {
        const end = chunk.subarray(start, at);
        const line = held === 0 ? end : Buffer.concat([...begun, end]);
        [begun, held, start] = [[], 0, at + 1];
        yield line.toString();
      }
      const rest = chunk.subarray(start);
      if (rest.length === 0) return;
      // A copy: the chunk may be a block that is read into again.
      begun.push(Buffer.from(rest));
      held += rest.length;
    },
    get held() {
      return held;
    },
    clear() {
      [begun, held] = [[], 0];
    },
  };
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
  // The newline that ends the last line ends nothing more.
  for (let at = Math.max(0, end - 1); at > 0; ) {
    const size = Math.min(BLOCK, at);
    at -= size;
    const { bytesRead } = await handle.read(block, 0, size, at);
    // Somebody has emptied it meanwhile.
    if (bytesRead < size) return;
    let until = size;
    for (let newline = lastNewline(block, until); newline >= 0; newline = lastNewline(block, until)) {
      yield Buffer.concat([block.subarray(newline + 1, until), ...begun]).toString();
      [begun, until] = [[], newline];
    }
    begun.unshift(Buffer.from(block.subarray(0, until)));
  }
  if (end > 0) yield Buffer.concat(begun).toString();
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
