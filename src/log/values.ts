/**
 * Values as they stand in a log line: as in TOML, or as in JSON (SPEC 10). Promises that whatever a task wrote, a value is
 * one piece of one line, and that no control character of it reaches a terminal.
 */

export interface Notation {
  text(value: string): string;
  key(name: string): string;
  number(value: number): string;
  integer(value: bigint): string;
  /** From an ISO 8601 text; what is no date is text. */
  date(iso: string): string;
  /** Between a key and its value. */
  readonly is: string;
  /** What stands for null in a list; in a mapping, and on top, `null` leaves the key out. */
  readonly nothing: string;
  readonly leavesOutNull: boolean;
}

/** Characters that are left to a record for what is nested in it; aliases of YAML can blow a few bytes up to megabytes. */
export interface Budget {
  left: number;
}
export const RECORD_BUDGET = 256 * 1024;

/** Deeper than any text is read (output/formats); only a cycle is. */
const MAX_DEPTH = 256;
const CUT = '…';

/** Besides the controls of TOML: those of ISO 6429 (a terminal may obey them), and what editors take for a line's end. */
const SPECIAL = /["\\\x00-\x1f\x7f-\x9f\u2028\u2029]/;
const ALL_SPECIAL = new RegExp(SPECIAL, 'g');
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

/** The inside of a basic string of TOML. */
export function escapeText(value: string): string {
  if (!SPECIAL.test(value)) return value;
  return value.replace(
    ALL_SPECIAL,
    (char) => SHORT[char] ?? `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
}

const BARE_KEY = /^[A-Za-z0-9_-]+$/;
/** Offset and local date-times, dates and times of TOML 1.0. */
const DATE = /^(\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?|\d\d:\d\d:\d\d(\.\d+)?)$/i;

const quoted = (value: string): string => `"${escapeText(value)}"`;

function tomlNumber(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Object.is(value, -0)) return '-0.0';
  const digits = String(value);
  // An integer that a double cannot count exactly is a float in TOML too.
  return Number.isInteger(value) && !Number.isSafeInteger(value) && !digits.includes('e') ? `${digits}.0` : digits;
}

export const TOML: Notation = {
  text: quoted,
  key: (name) => (BARE_KEY.test(name) ? name : quoted(name)),
  number: tomlNumber,
  // 64 bits, as TOML has them.
  integer: (value) => (BigInt.asIntN(64, value) === value ? String(value) : quoted(String(value))),
  date: (iso) => (DATE.test(iso) ? iso : quoted(iso)),
  is: '=',
  nothing: quoted('null'),
  leavesOutNull: true,
};

export const JSON_TEXT: Notation = {
  text: (value) => JSON.stringify(value),
  key: (name) => JSON.stringify(name),
  number: (value) => JSON.stringify(value),
  integer: String,
  date: (iso) => JSON.stringify(iso),
  is: ':',
  nothing: 'null',
  leavesOutNull: false,
};

/** A value that is text as it is; what is no text, as it stands in JSON but for what JSON does not have. */
const PLAIN: Notation = {
  ...JSON_TEXT,
  text: (value) => value,
  number: String,
  date: (iso) => iso,
};

/** For who takes any text: a scalar without quotes or escapes, also of several lines, anything else as JSON. Never throws. */
export function plainText(value: unknown, budget: Budget): string {
  const text = ArrayBuffer.isView(value) ? base64(value) : scalar(value, PLAIN);
  if (text === null) return render(value, JSON_TEXT, budget);
  budget.left -= text.length;
  return text;
}

/** Never throws, and never makes a line break. */
export function render(value: unknown, to: Notation, budget: Budget, depth = 0): string {
  const text = scalar(value, to);
  if (text !== null) {
    budget.left -= text.length;
    return text;
  }
  if (depth === MAX_DEPTH) return to.text(CUT);
  if (Array.isArray(value)) return `[${items(value, to, budget, depth).join(',')}]`;
  if (ArrayBuffer.isView(value)) return render(base64(value), to, budget);
  const entries = value instanceof Map ? [...value] : Object.entries(value as object);
  return `{${pairs(entries, to, budget, depth).join(',')}}`;
}

function base64({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function items(list: readonly unknown[], to: Notation, budget: Budget, depth: number): string[] {
  const parts: string[] = [];
  for (const item of list) {
    parts.push(budget.left > 0 ? render(item, to, budget, depth + 1) : to.text(CUT));
    if (budget.left <= 0) break;
  }
  return parts;
}

function pairs(
  entries: readonly (readonly [unknown, unknown])[],
  to: Notation,
  budget: Budget,
  depth: number,
): string[] {
  const parts: string[] = [];
  for (const [key, value] of entries) {
    if (value === undefined || (value === null && to.leavesOutNull)) continue;
    const name = to.key(String(key));
    budget.left -= name.length;
    parts.push(`${name}${to.is}${budget.left > 0 ? render(value, to, budget, depth + 1) : to.text(CUT)}`);
    if (budget.left <= 0) break;
  }
  return parts;
}

/** Null for what has parts. */
function scalar(value: unknown, to: Notation): string | null {
  switch (typeof value) {
    case 'string':
      return to.text(value);
    case 'number':
      return to.number(value);
    case 'boolean':
      return String(value);
    case 'bigint':
      return to.integer(value);
    case 'object':
      if (value === null) return to.nothing;
      // toISOString, since those who read TOML give local dates by a Date that says less than its instant.
      if (value instanceof Date)
        return Number.isNaN(value.getTime()) ? to.text('Invalid Date') : to.date(value.toISOString());
      return value instanceof Error ? to.text(value.message) : null;
    case 'undefined':
      return to.nothing;
    default:
      return to.text(String(value));
  }
}
