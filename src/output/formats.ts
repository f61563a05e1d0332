/**
 * The table of the text formats that parameters, state, records and results are written in (SPEC 3.1, `format`).
 * Whatever text comes in, a codec answers: it never throws, and what it gives is nested at most MAX_DEPTH levels. Pure.
 */
import { stringify as writeToml } from 'smol-toml';
import { parse as readToml } from 'toml';
import { stringify as writeYaml } from 'yaml';
import { messageOf } from '../errors.ts';
import type { TextFormat } from '../types.ts';
import { composeYaml, FormatFault, MAX_DEPTH, measureYaml, placeOf } from './formats-yaml.ts';
import { createJsonScanner } from './json-scanner.ts';

export type Parsed = { ok: true; value: unknown } | { ok: false; message: string; line?: number; column?: number };

interface Codec {
  /** Throws FormatFault, or any Error. */
  parse(text: string, expansion: number): unknown;
  stringify(value: unknown): string;
}

/** Longer TOML and YAML is not parsed: 4 MiB take a second. In UTF-16 code units. */
export const TEXT_LIMIT = 4 * 1024 * 1024;

/** What aliases may make of a YAML text: a billion laughs must not reach the one who writes the value out again. */
const MAX_EXPANSION = 16 * 1024 * 1024;

const CODECS: Readonly<Record<TextFormat, Codec>> = {
  json: { parse: parseJson, stringify: (value) => JSON.stringify(value) },
  yaml: {
    parse: parseYaml,
    // Quoted so that readers of YAML 1.1 (PyYAML) do not take `yes` or `12:30` for something else; no anchors.
    stringify: (value) => writeYaml(value, { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' }),
  },
  toml: { parse: parseToml, stringify: stringifyToml },
};

/**
 * Reads one text. Values are plain objects, arrays, strings, numbers, booleans and null, and from TOML also Dates; a
 * YAML text is one document. `line` and `column` are 1-based. `expansion` bounds, in characters, what a YAML text may
 * come to once its aliases are written out. JSON of any length is read, TOML and YAML up to TEXT_LIMIT.
 */
export function parseText(format: TextFormat, text: string, expansion = MAX_EXPANSION): Parsed {
  try {
    if (format !== 'json' && text.length > TEXT_LIMIT) return { ok: false, message: 'longer than 4 MiB' };
    const value = CODECS[format].parse(text, expansion);
    if (nestedDeeper(value, MAX_DEPTH)) return { ok: false, message: `nested more than ${MAX_DEPTH} levels deep` };
    return { ok: true, value };
  } catch (error) {
    const fault = error instanceof FormatFault ? error : new FormatFault(messageOf(error));
    return {
      ok: false,
      message: fault.message,
      ...(fault.line === undefined ? {} : { line: fault.line }),
      ...(fault.column === undefined ? {} : { column: fault.column }),
    };
  }
}

/** Writes a value. Throws an Error of one sentence when the format cannot express it (null in TOML). */
export function stringify(format: TextFormat, value: unknown): string {
  if (value === undefined) throw new Error(`there is no value to write as ${format}`);
  return CODECS[format].stringify(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const scanner = createJsonScanner();
    const bytes = Buffer.from(text);
    scanner.push(bytes);
    const { line, column } = placeOf(text, bytes.toString('utf8', 0, scanner.offset).length);
    // V8 words the place in several ways, in some versions with the text around it.
    throw new FormatFault(
      messageOf(error).replace(/(, "| in JSON at position| at position| \(line).*$/s, ''),
      line,
      column,
    );
  }
}

function parseYaml(text: string, expansion: number): unknown {
  const [document, second] = composeYaml(text);
  const error = document?.errors[0];
  if (error) {
    const { line, column } = placeOf(text, error.pos[0]);
    throw new FormatFault(error.message, line, column);
  }
  if (document === undefined) return null;
  if (second) {
    const { line, column } = placeOf(text, second.range[0]);
    throw new FormatFault('a second document begins here, where one is expected', line, column);
  }
  if (measureYaml(document, text, true) > expansion) throw new FormatFault('aliases make it too large');
  return document.toJS({ maxAliasCount: -1 });
}

function parseToml(text: string): unknown {
  try {
    return plain(readToml(text.startsWith('\uFEFF') ? text.slice(1) : text), MAX_DEPTH);
  } catch (error) {
    throw tomlFault(error);
  }
}

/** The parser's own errors have a place in `line` or in `location.start`, and list every token that could stand there. */
function tomlFault(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof FormatFault) return error;
  const { line, column, location } = error as Error & {
    line?: number;
    column?: number;
    location?: { start: { line: number; column: number } };
  };
  const found = /^Expected .* but (.*) found\.$/s.exec(error.message)?.[1];
  const message = found === undefined ? error.message.replace(/\. Use the .*$|\.$/s, '') : `${found} cannot stand here`;
  return new FormatFault(message, line ?? location?.start.line, column ?? location?.start.column);
}

/** Objects with the usual prototype instead of none, as the other codecs give them; Dates stay. */
function plain(value: unknown, depth: number): unknown {
  if (depth < 0) throw new FormatFault(`nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) return value.map((item) => plain(item, depth - 1));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, plain(item, depth - 1)] as const);
  return Object.fromEntries(entries);
}

function nestedDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Date) return false;
  if (depth === 0) return true;
  for (const item of Array.isArray(value) ? value : Object.values(value)) {
    if (typeof item === 'object' && item !== null && nestedDeeper(item, depth - 1)) return true;
  }
  return false;
}

function stringifyToml(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date) {
    throw new Error('TOML can only express a mapping, with keys and values');
  }
  const path = pathOfNull(value);
  if (path !== null) throw new Error(`TOML has no null, which is the value of ${path}`);
  return writeToml(value);
}

/** The key path of the first null or undefined, which smol-toml leaves out or refuses by place. */
function pathOfNull(value: object): string | null {
  for (const [key, item] of Object.entries(value)) {
    if (item === null || item === undefined) return key;
    if (typeof item !== 'object' || item instanceof Date) continue;
    const below = pathOfNull(item);
    if (below !== null) return `${key}.${below}`;
  }
  return null;
}
