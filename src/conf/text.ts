/** Reads a configuration file as text: UTF-8, with or without a BOM, anything else is told with its place (SPEC 3). For load. */
import { isUtf8 } from 'node:buffer';
import { constants, open } from 'node:fs/promises';
import { errnoOf } from '../errors.ts';
import type { Fault } from './document.ts';

export type Text =
  | { readonly ok: true; readonly text: string }
  /** `errno` where it could not be read at all. */
  | { readonly ok: false; readonly errno: string | null; readonly fault: Fault };

/** Never rejects. */
export async function readText(file: string): Promise<Text> {
  let bytes: Buffer;
  try {
    // O_NONBLOCK: a FIFO must not hang the start.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const facts = await handle.stat();
      if (!facts.isFile() && !isNull(facts.rdev, facts.isCharacterDevice())) {
        return unreadable(
          facts.isDirectory() ? 'EISDIR' : 'EINVAL',
          `expected a file, found ${facts.isDirectory() ? 'a folder' : 'something else'}`,
        );
      }
      bytes = await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    const errno = errnoOf(thrown);
    return unreadable(
      errno,
      `expected a file that can be read, found ${REASONS[errno ?? ''] ?? errno ?? String(thrown)}`,
    );
  }
  const encoding = encodingFault(bytes);
  if (encoding !== null) return { ok: false, errno: null, fault: encoding };
  // Removes the BOM.
  return { ok: true, text: new TextDecoder().decode(bytes) };
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'that reading it is not permitted',
  EPERM: 'that reading it is not permitted',
  ENOENT: 'a link to a file that is not there',
  ELOOP: 'a link that leads back to itself',
  EIO: 'an input/output error',
};

/** /dev/null: an empty file. */
const isNull = (rdev: number, isCharacterDevice: boolean): boolean => isCharacterDevice && rdev === 0x0103;

function unreadable(errno: string | null, message: string): Text {
  return { ok: false, errno, fault: { message, position: null, excerpt: null } };
}

function encodingFault(bytes: Buffer): Fault | null {
  const mark = bytes.subarray(0, 2).toString('hex');
  if (mark === 'fffe' || mark === 'feff')
    return { message: 'expected UTF-8, found UTF-16', position: null, excerpt: null };
  if (isUtf8(bytes)) {
    const nul = bytes.indexOf(0);
    return nul === -1 ? null : faultAt(bytes, nul, 'expected text, found a NUL');
  }
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    const line = bytes.subarray(start, end === -1 ? bytes.length : end);
    if (!isUtf8(line)) {
      const offset = start + validPrefix(line);
      const byte = (bytes[offset] ?? 0).toString(16).toUpperCase().padStart(2, '0');
      return faultAt(bytes, offset, `expected UTF-8, found the byte 0x${byte}`);
    }
    // There is an invalid line, so the end of the file is not reached.
    start = end + 1;
  }
}

/** How many bytes of a line are whole characters. */
function validPrefix(line: Buffer): number {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(line);
  let length = 0;
  for (const character of text) {
    const size = Buffer.byteLength(character);
    if (line.subarray(length, length + size).toString() !== character || !isUtf8(line.subarray(length, length + size)))
      break;
    length += size;
  }
  return length;
}

function faultAt(bytes: Buffer, offset: number, message: string): Fault {
  const start = bytes.lastIndexOf(0x0a, offset - 1) + 1;
  const from = offset === 0 ? 0 : start;
  const end = bytes.indexOf(0x0a, offset);
  const line = bytes.subarray(0, offset).filter((byte) => byte === 0x0a).length + 1;
  const column = [...new TextDecoder().decode(bytes.subarray(from, offset))].length + 1;
  const excerpt = new TextDecoder().decode(bytes.subarray(from, end === -1 ? bytes.length : end)).replace(/\r$/, '');
  return { message, position: { line, column }, excerpt };
}
