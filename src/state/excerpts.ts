/**
 * The output that is kept with an entry, as bytes: what a task wrote need not be text. Promises readers whole excerpts or
 * null, whatever is in the store.
 */
import type { Excerpt, Output } from '../types.ts';

/** One byte for the form, then size (a double), length of head and of tail for either stream, then their bytes. */
const FORM = 1;
const STREAM = 16;
const HEAD = 1 + 2 * STREAM;

export function encodeOutput({ stdout, stderr }: Output): Buffer {
  const header = Buffer.alloc(HEAD);
  header.writeUInt8(FORM);
  for (const [i, { head, tail, size }] of [stdout, stderr].entries()) {
    const at = 1 + i * STREAM;
    header.writeDoubleBE(size, at);
    header.writeUInt32BE(head.length, at + 8);
    header.writeUInt32BE(tail.length, at + 12);
  }
  return Buffer.concat([header, stdout.head, stdout.tail, stderr.head, stderr.tail]);
}

/** Null for what was not written by encodeOutput. */
export function decodeOutput(bytes: Buffer): Output | null {
  if (bytes.length < HEAD || bytes.readUInt8() !== FORM) return null;
  let from = HEAD;
  const [stdout, stderr] = [0, 1].map((i): Excerpt | null => {
    const at = 1 + i * STREAM;
    const size = bytes.readDoubleBE(at);
    const middle = from + bytes.readUInt32BE(at + 8);
    const end = middle + bytes.readUInt32BE(at + 12);
    if (end > bytes.length || !Number.isSafeInteger(size) || size < end - from) return null;
    const excerpt = { head: bytes.subarray(from, middle), tail: bytes.subarray(middle, end), size };
    from = end;
    return excerpt;
  });
  return stdout && stderr && from === bytes.length ? { stdout, stderr } : null;
}
