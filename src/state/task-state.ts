/**
 * A task's state as it goes to fd 3 and comes back from fd 4 (SPEC 9). Promises the scheduler that what a task wrote is
 * never lost in translation: a value that JSON cannot hold is kept as the text it was written in.
 */
import { type Parsed, parseText, stringify } from '../output/formats.ts';
import type { Bytes, StateFormat, TextFormat } from '../types.ts';
import type { StoredState } from './store.ts';

export type NewState =
  /** Nothing was written, or nothing changed. */
  | { readonly kind: 'keep' }
  | { readonly kind: 'store'; readonly state: StoredState }
  | { readonly kind: 'bad'; readonly message: string };

/** TOML and YAML take seconds for megabytes, and this runs on the loop: unasked they are tried up to here only. */
const TRIED_UP_TO: Bytes = 64 * 1024;

const DATE = /\d{4}-\d{2}-\d{2}|\d{2}:\d{2}/;

const KEEP: NewState = { kind: 'keep' };

/**
 * What fd 3 is given; '' when there is no state yet. A structure that the format cannot express (TOML has no null, and only
 * tables on top) is written as JSON, since a task whose state cannot be handed over would never run again.
 */
export function encodeState(stored: StoredState | null, format: TextFormat): string {
  if (stored === null) return '';
  if (stored.kind === 'text') return String(stored.value);
  try {
    return stringify(format, stored.value);
  } catch {
    return JSON.stringify(stored.value);
  }
}

/**
 * What came from fd 4.
 * @param old what was stored before, and what fd 3 was given
 */
export function decodeState(
  bytes: Buffer,
  format: StateFormat,
  old: { readonly stored: StoredState | null; readonly sent: string },
): NewState {
  if (bytes.length === 0 || bytes.equals(Buffer.from(old.sent))) return KEEP;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { kind: 'bad', message: 'the new state is not UTF-8' };
  }
  const parsed = format === 'auto' ? guess(text) : parseText(format, text);
  if (!parsed.ok) {
    const { message, line, column } = parsed;
    const place = line === undefined ? '' : ` (line ${line}, column ${column ?? 1})`;
    return { kind: 'bad', message: `the new state is not valid ${format.toUpperCase()}: ${message}${place}` };
  }
  const state: StoredState =
    parsed.value !== undefined && isPlain(parsed.value)
      ? { kind: 'structure', value: parsed.value }
      : { kind: 'text', value: text };
  if (old.stored !== null && JSON.stringify(old.stored) === JSON.stringify(state)) return KEEP;
  return { kind: 'store', state };
}

/** The first of json, toml and yaml that gives something other than a bare string; `undefined` for plain text. */
function guess(text: string): Parsed {
  // Blank text, and nothing but comments, would be an empty table in TOML, and null in YAML.
  if (text.split('\n').every((line) => /^\s*(#|$)/.test(line))) return { ok: true, value: undefined };
  for (const format of ['json', 'toml', 'yaml'] as const) {
    if (format !== 'json' && text.length > TRIED_UP_TO) break;
    const parsed = parseText(format, text);
    // A date of TOML is no string, though it reads as one: kept as text it comes back as it was written.
    if (format === 'toml' && parsed.ok && DATE.test(text)) break;
    if (parsed.ok && typeof parsed.value !== 'string') return parsed;
  }
  return { ok: true, value: undefined };
}

/** Whether JSON gives the same value back: no dates, no infinities, no integers beyond what a double counts exactly. */
function isPlain(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') {
    return Number.isInteger(value) ? Number.isSafeInteger(value) && !Object.is(value, -0) : Number.isFinite(value);
  }
  if (typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.every(isPlain);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return false;
  return Object.values(value).every(isPlain);
}
