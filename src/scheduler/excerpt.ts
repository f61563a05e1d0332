/**
 * The beginning and the end of what a run wrote, in bounded memory, for the record of one that was not good (SPEC 7): from a
 * file, or from chunks as they come.
 */
import { open } from 'node:fs/promises';
import type { Bytes, Excerpt } from '../types.ts';

const HEAD: Bytes = 16 * 1024;
const TAIL: Bytes = 64 * 1024;
const LEAST: Bytes = 1024;

const CHARACTERS = 200;
/** No character of UTF-8 has more bytes. */
const HEAD_BYTES = CHARACTERS * 4;

const NOTHING: Buffer = Buffer.alloc(0);
export const EMPTY: Excerpt = { head: NOTHING, tail: NOTHING, size: 0 };

/** The first 200 characters, for the log. */
export function headOf({ head }: Excerpt): string {
  return [...head.toString('utf8', 0, HEAD_BYTES)].slice(0, CHARACTERS).join('').trimEnd();
}

export interface ExcerptCollector {
  /** Copies what it keeps. */
  push(chunk: Buffer): void;
  excerpt(): Excerpt;
}

/** Takes no more memory than was needed so far, and at most 80 KiB; a million single bytes cost what they are. */
export function collectExcerpt(): ExcerptCollector {
  let head = NOTHING;
  let headLength = 0;
  let ring = NOTHING;
  let size = 0;

  const intoRing = (bytes: Buffer): void => {
    const before = size - HEAD;
    const needed = Math.min(TAIL, before + bytes.length);
    if (needed > ring.length) ring = grown(ring, Math.min(before, ring.length), needed, TAIL);
    // Only what will still be there at the end.
    const kept = bytes.subarray(Math.max(0, bytes.length - TAIL));
    // Below its full size the ring has never been passed round, and holds it all.
    const at = (before + bytes.length - kept.length) % TAIL;
    const first = kept.copy(ring, at, 0, Math.min(kept.length, TAIL - at));
    kept.copy(ring, 0, first);
  };

  return {
    push(chunk) {
      let rest = chunk;
      if (headLength < HEAD) {
        const part = chunk.subarray(0, HEAD - headLength);
        if (headLength + part.length > head.length) head = grown(head, headLength, headLength + part.length, HEAD);
        headLength += part.copy(head, headLength);
        size += part.length;
        rest = chunk.subarray(part.length);
      }
      if (rest.length === 0) return;
      intoRing(rest);
      size += rest.length;
    },
    excerpt() {
      const after = size - headLength;
      const turn = after % TAIL;
      const tail =
        after <= TAIL ? ring.subarray(0, after) : Buffer.concat([ring.subarray(turn), ring.subarray(0, turn)]);
      return { head: head.subarray(0, headLength), tail, size };
    },
  };
}

function grown(old: Buffer, length: Bytes, needed: Bytes, most: Bytes): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.min(most, Math.max(needed, old.length * 2, LEAST)));
  old.copy(larger, 0, 0, length);
  return larger;
}

/** Empty where there is no such file, or as far as it cannot be read. */
export async function readExcerpt(file: string): Promise<Excerpt> {
  try {
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      const read = async (from: Bytes, to: Bytes): Promise<Buffer> => {
        if (to <= from) return NOTHING;
        const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(to - from), 0, to - from, from);
        return buffer.subarray(0, bytesRead);
      };
      const head = await read(0, Math.min(size, HEAD));
      const tail = await read(Math.max(HEAD, size - TAIL), size);
      return { head, tail, size: Math.max(size, head.length + tail.length) };
    } finally {
      await handle.close();
    }
  } catch {
    return EMPTY;
  }
}
