/** Writes to a file descriptor until all is written. */
import { write } from 'node:fs';
import { promisify } from 'node:util';

const writeSome = promisify(write);

/** What is still to be written; a full disk may take a part of it. */
export interface Remainder {
  bytes: Buffer;
}

/** Off the loop, at the file's own position. @throws a system error; `left` then holds what was not written. */
export async function writeAll(fd: number, left: Remainder): Promise<void> {
  while (left.bytes.length > 0) {
    const { bytesWritten } = await writeSome(fd, left.bytes, 0, left.bytes.length, null);
    left.bytes = left.bytes.subarray(bytesWritten);
  }
}
