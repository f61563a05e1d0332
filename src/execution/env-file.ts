/**
 * Files of `env_file`: the format of systemd's EnvironmentFile= (systemd.exec(5), as of version 254). Promises to take what
 * systemd takes, and to pass over what it passes over, with a warning where systemd logs one.
 */
import type { Bytes, Identity } from '../types.ts';
import { readSmall } from './small-file.ts';

/** Linux gives a program about 2 MiB for arguments and environment together (execve(2)). */
const LARGEST: Bytes = 1024 * 1024;

export interface EnvFile {
  /** In the order written; of two of one name the later counts. */
  readonly assignments: readonly (readonly [name: string, value: string])[];
  /** Assignments that were passed over, by their lines; nothing of them is told, since it may be secret. */
  readonly warnings: readonly string[];
}

export type EnvFileRead =
  | { readonly ok: true; readonly file: EnvFile }
  /** `why` follows the name of the file. */
  | { readonly ok: false; readonly missing: boolean; readonly why: string };

/** Never throws. @param user for whom root reads it */
export function readEnvFile(path: string, user: Identity | null = null): EnvFileRead {
  const read = readSmall(path, LARGEST, user);
  if (!read.ok) return read;
  const file = parseEnvFile(read.bytes);
  return typeof file === 'string' ? { ok: false, missing: false, why: file } : { ok: true, file };
}

/** What a file holds, or why it is none: systemd too refuses the whole of one with NUL, or with bad UTF-8 in an assignment. */
export function parseEnvFile(bytes: Buffer): EnvFile | string {
  if (bytes.includes(0)) return 'holds a NUL byte';
  const assignments: [string, string][] = [];
  const warnings: string[] = [];
  // Byte by byte: all that has a meaning is ASCII, and what a comment holds need be no UTF-8.
  for (const { line, name, value } of scan(bytes.toString('latin1'))) {
    const [key, text] = [decoded(name), decoded(value)];
    if (key === null || text === null) return `holds bytes that are no valid UTF-8, in line ${line}`;
    if (/^[A-Za-z_]\w*$/.test(key)) assignments.push([key, text]);
    else warnings.push(`line ${line} is passed over: before its = is no name of letters, digits and _`);
  }
  return { assignments, warnings };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decoded(latin1: string): string | null {
  try {
    const text = UTF8.decode(Buffer.from(latin1, 'latin1'));
    return /\p{Noncharacter_Code_Point}/u.test(text) ? null : text;
  } catch {
    return null;
  }
}

// ---------------------------------------------------------------------------------------------- the format

interface Written {
  /** 1-based, of the name. */
  readonly line: number;
  readonly name: string;
  readonly value: string;
}

/** A part of the text as it is meant, and where it ends. */
interface Part {
  readonly text: string;
  readonly end: number;
}

const BLANK = /[ \t\r\n]*/y;
const INDENT = /[ \t]*/y;
/** A carriage return ends a line too, so that files from Windows are read as they are meant. */
const REST_OF_LINE = /[^\r\n]*/y;

function past(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(text);
  return pattern.lastIndex;
}

const endsLine = (c: string | undefined): boolean => c === undefined || c === '\n' || c === '\r';

function* scan(text: string): Generator<Written> {
  let line = 1;
  let counted = 0;
  for (let at = past(BLANK, text, 0); at < text.length; at = past(BLANK, text, at)) {
    const end = past(REST_OF_LINE, text, at);
    // What begins a line begins a name, also where it is a `=`.
    const equals = text.slice(at, end).indexOf('=', 1);
    if (text[at] === '#' || text[at] === ';' || equals < 0) {
      at = end;
      continue;
    }
    for (; counted < at; counted += 1) if (text[counted] === '\n') line += 1;
    const name = stripEnd(text.slice(at, at + equals));
    const value = valueAt(text, at + equals + 1);
    at = value.end;
    yield { line, name, value: value.text };
  }
}

/** Pieces in quotes, with nothing but blanks between them, then text without; the latter to the end of its line. */
function valueAt(text: string, from: number): Part {
  const pieces: string[] = [];
  let at = from;
  for (;;) {
    at = past(INDENT, text, at);
    const c = text[at];
    if (endsLine(c)) return { text: pieces.join(''), end: at };
    const piece = c === "'" ? singleAt(text, at + 1) : c === '"' ? doubleAt(text, at + 1) : plainAt(text, at);
    pieces.push(piece.text);
    at = piece.end;
    if (c !== "'" && c !== '"') return { text: pieces.join(''), end: at };
  }
}

/** All as it is, over lines too; a quote that is missing is at the end of the file. */
function singleAt(text: string, from: number): Part {
  const close = text.indexOf("'", from);
  const end = close < 0 ? text.length : close;
  return { text: text.slice(from, end), end: Math.min(text.length, end + 1) };
}

/** As in a POSIX shell: a backslash counts before `"`, `\`, a backquote, `$` and the end of a line. */
function doubleAt(text: string, from: number): Part {
  let value = '';
  let at = from;
  for (; at < text.length && text[at] !== '"'; at += 1) {
    if (text[at] !== '\\') {
      value += text[at];
      continue;
    }
    at += 1;
    const c = text[at] ?? '\n';
    if (c !== '\n') value += '"\\`$'.includes(c) ? c : `\\${c}`;
  }
  return { text: value, end: Math.min(text.length, at + 1) };
}

/** A backslash takes the next character as it is, and an end of a line away; blanks at the end do not count. */
function plainAt(text: string, from: number): Part {
  let value = '';
  /** What a backslash protects is no blank at the end. */
  let kept = 0;
  let at = from;
  for (; !endsLine(text[at]); at += 1) {
    if (text[at] !== '\\') {
      value += text[at];
      continue;
    }
    at += 1;
    if (!endsLine(text[at])) value += text[at];
    kept = value.length;
    if (at >= text.length) break;
  }
  return { text: value.slice(0, kept) + stripEnd(value.slice(kept)), end: Math.min(text.length, at) };
}

function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end -= 1;
  return text.slice(0, end);
}
