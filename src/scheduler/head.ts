/** The first 200 characters of what a run wrote, for the record of a run that was not good (SPEC 7). */
import { open } from 'node:fs/promises';

const CHARACTERS = 200;
/** No character of UTF-8 has more bytes. */
export const HEAD_BYTES = CHARACTERS * 4;

export function headOf(text: string): string {
  return [...text].slice(0, CHARACTERS).join('').trimEnd();
}

/** '' where there is no such file, or it cannot be read. */
export async function readHead(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return headOf(buffer.toString('utf8', 0, bytesRead));
    } finally {
      await handle.close();
    }
  } catch {
    return '';
  }
}
