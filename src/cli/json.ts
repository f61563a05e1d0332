/** What the commands print with `--json`. Promises that it is JSON, and that no text of a task in it steers a terminal. */

/** Besides those that JSON escapes itself: of ISO 6429, what ends a line for some, and what turns the direction of writing. */
const STEERING = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const WHITE_SPACE = /[\t\n\r]/g;

/** The same JSON: such characters can only stand in strings, and there any may be written as `\uXXXX` (RFC 8259, 7). */
export function escapeJson(text: string): string {
  return text.replaceAll(STEERING, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** One value, for people too. */
export function printJson(value: unknown): void {
  process.stdout.write(`${escapeJson(JSON.stringify(value, null, 2))}\n`);
}

/** A line that should be JSON, as it may be printed; null where it is none. */
export function ownJson(line: string): string | null {
  try {
    JSON.parse(line);
  } catch {
    return null;
  }
  // Between its values; in a string they are no JSON.
  return escapeJson(line.replaceAll(WHITE_SPACE, ' '));
}
