/**
 * What a problem of a configuration looks like to people: `file:line:column: key.path: expected …, found …`,
 * for everybody who prints, logs or compares problems. Pure.
 */
import type { Problem } from '../types.ts';

export type KeyPath = readonly (string | number)[];

/** A problem before its line is known: the parts that judge values know paths, only the files know lines. */
export interface Finding {
  readonly severity: Problem['severity'];
  readonly file: string;
  readonly path: KeyPath;
  /** Whether the key or the value is what is wrong: where the caret belongs. */
  readonly at: 'key' | 'value';
  readonly task: string | undefined;
  readonly message: string;
}

/** 1-based; columns count characters, not UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const SHOWN = 60;

/** A text as people write it in quotes, cut where it is long; control characters are escaped. */
export function quote(text: string): string {
  const characters = [...text.slice(0, SHOWN * 2)];
  const cut = characters.length > SHOWN || text.length > SHOWN * 2;
  return escapeControls(JSON.stringify(cut ? `${characters.slice(0, SHOWN).join('')}…` : text));
}

// JSON leaves DEL, the C1 controls and the bidirectional marks as they are; a terminal would obey them.
function escapeControls(text: string): string {
  return text.replaceAll(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** "the number 5", "a list": what was found, in words. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'nothing';
    case 'string':
      return value === '' ? 'an empty string' : `the string ${quote(value)}`;
    case 'number':
      return `the number ${Number.isNaN(value) ? 'nan' : String(value).replace('Infinity', 'inf')}`;
    case 'bigint':
      return `the number ${value}`;
    case 'boolean':
      return String(value);
    default:
      return describeObject(value);
  }
}

function describeObject(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (value instanceof Date) return `the time ${timeText(value)}`;
  if (ArrayBuffer.isView(value)) return 'binary data';
  return typeof value === 'object' && Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
}

/** RFC 3339 without a fraction where there is none. */
export function timeText(time: Date): string {
  return Number.isNaN(time.getTime()) ? 'of no calendar' : time.toISOString().replace('.000Z', 'Z');
}

/** The one form of a message about a value; the hint tells what to write instead. */
export function mismatch(expected: string, found: unknown, hint = ''): string {
  return `expected ${expected}, found ${describe(found)}${hint === '' ? '' : `; ${hint}`}`;
}

/** 'a, b or c'. */
export function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** `disk.exec[1]`; a key with other characters than a bare one's is quoted, as in TOML. */
export function pathText(path: KeyPath): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += (text === '' ? '' : '.') + (/^[\p{L}\p{Nd}_-]+$/u.test(key) ? key : quote(key));
  }
  return text;
}

/** 'tasks.toml:12:3: disk.timeout: expected …, found …', with the line and a caret below it for syntax errors. */
export function formatProblem(p: Problem): string {
  const line = p.line === undefined ? '' : `:${p.line}`;
  const column = p.line === undefined || p.column === undefined ? '' : `:${p.column}`;
  const path = p.path.length === 0 ? '' : `${pathText(p.path)}: `;
  const head = `${p.file}${line}${column}: ${path}${p.message}`;
  return p.excerpt === undefined ? head : `${head}\n${excerptText(p.excerpt, p.line ?? 0, p.column ?? 1)}`;
}

const WINDOW = 100;

function excerptText(excerpt: string, line: number, column: number): string {
  const characters = [...excerpt].map((c) => (/[\p{Cc}\p{Bidi_Control}]/u.test(c) ? (c === '\t' ? ' ' : '·') : c));
  // Of a very long line only the part around the caret is shown.
  const from = Math.max(0, column - 1 - WINDOW / 2);
  const shown = characters.slice(from, from + WINDOW).join('');
  const gutter = String(line);
  const caret = ' '.repeat(Math.min(column - 1, characters.length) - Math.min(from, characters.length));
  return `  ${gutter} | ${shown}\n  ${' '.repeat(gutter.length)} | ${caret}^`;
}

/** Same identity, same problem: where in the file it stands does not count (SPEC 3, reload). */
export function problemKey(p: Problem): string {
  const message = p.message.replaceAll(/\bline \d+/g, 'line');
  return JSON.stringify([p.severity, p.kind, p.file, p.path, p.task ?? null, message]);
}
