/** Lines of the log read again: whose they are and when they were written, for `fate logs`. The other side of text.ts. Pure. */
import type { EpochMs } from '../types.ts';
import { escapeText, JSON_TEXT, render } from './values.ts';

const STRING = '"((?:[^"\\\\]|\\\\.)*)"';
/** `<2> time="…" level="info" event="log" session="…" task="…" …`, the number as any target writes it, or none. */
const TEXT = new RegExp(
  `^(?:<\\d> ?)?time=${STRING} level="\\w+" event="\\w+" session=${STRING}(?: task=${STRING})?(?: |$)`,
);
const JSON_LINE = new RegExp(
  `^(?:<\\d>)?\\{"time":${STRING},"level":"\\w+","event":"\\w+","session":${STRING}(?:,"task":${STRING})?[,}]`,
);

export interface Head {
  readonly time: EpochMs;
  /** As it stands in the line: compare it with what `spelling` gives. */
  readonly task: string | null;
  readonly format: 'text' | 'json';
}

/** Null for a line that is no record: of another program, or cut. */
export function headOf(line: string): Head | null {
  const text = TEXT.exec(line);
  const match = text ?? JSON_LINE.exec(line);
  if (match === null) return null;
  const time = Date.parse(match[1] ?? '');
  if (Number.isNaN(time)) return null;
  return { time, task: match[3] ?? null, format: text === null ? 'json' : 'text' };
}

/** How the name of a task stands in a line. */
export function spelling(task: string, format: Head['format']): string {
  return format === 'text' ? escapeText(task) : JSON.stringify(task).slice(1, -1);
}

/** One line of text, without the number in front, cut where no string is open: each piece is a line of TOML. */
export function tomlOf(line: string): string {
  return (line.replace(/^<\d> ?/, '').match(/(?:"(?:[^"\\]|\\.)*"|[^" ])+/g) ?? []).join('\n');
}

/** What was read, as a line of JSON such as the log's own. */
export function jsonLine(fields: unknown): string {
  return render(fields, JSON_TEXT, { left: Number.POSITIVE_INFINITY });
}
