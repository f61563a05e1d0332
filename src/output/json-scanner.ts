/**
 * Tells whether a stream of bytes is one JSON text (RFC 8259 as JSON.parse reads it, in valid UTF-8), in memory that
 * does not grow with it: a table of states and bytes, and one bit for each level of nesting. Pure.
 */

/** What a whole text was; a bare string is JSON too, but gives a result no suffix (SPEC 8). */
export type JsonVerdict = 'value' | 'string' | 'none';

export interface JsonScanner {
  /** Takes the next bytes; false as soon as they cannot be JSON any more. */
  push(bytes: Uint8Array): boolean;
  /** No more bytes come. */
  end(): JsonVerdict;
  /** Bytes that were read without fault: where the fault is, after a push that answered false. */
  readonly offset: number;
}

/** Deeper text is no JSON for us: no reader could take it, and memory stays bounded (128 KiB). */
const MAX_DEPTH = 1 << 20;

// States. A string is 13 states, once for keys and once for values: a number says which follows the closing quote.
const VALUE = 1;
const FIRST_ITEM = 2;
const FIRST_KEY = 3;
const KEY = 4;
const COLON = 5;
const AFTER_TOP = 6;
const AFTER_ITEM = 7;
const AFTER_MEMBER = 8;
const VALUE_STRING = 10;
const KEY_STRING = 24;
const MINUS = 38;
const ZERO = 39;
const DIGITS = 40;
const POINT = 41;
const FRACTION = 42;
const EXPONENT = 43;
const EXPONENT_SIGN = 44;
const EXPONENT_DIGITS = 45;
const LITERAL = 46;
const STATES = 63;

// What a byte may do besides going to another state.
const ACTION = 64;
const OPEN_ARRAY = 64;
const OPEN_OBJECT = 65;
const CLOSE_ARRAY = 66;
const CLOSE_OBJECT = 67;
const END_OF_VALUE = 68;
/** A number ends before this byte, which is read again as what comes after it. */
const END_BEFORE = 69;
const ERROR = 70;

/** Row by state, column by byte: the next state's row (shifted by 8, which saves a step per byte), or an action. */
const TABLE = makeTable();

function makeTable(): Uint16Array {
  const table = new Uint16Array(STATES * 256).fill(ERROR << 8);
  const on = (state: number, bytes: string | readonly [number, number], next: number): void => {
    const list =
      typeof bytes === 'string'
        ? [...bytes].map((c) => c.charCodeAt(0))
        : Array.from({ length: bytes[1] - bytes[0] + 1 }, (_, i) => bytes[0] + i);
    for (const byte of list) table[state * 256 + byte] = next << 8;
  };

  for (const state of [VALUE, FIRST_ITEM, FIRST_KEY, KEY, COLON, AFTER_TOP, AFTER_ITEM, AFTER_MEMBER]) {
    on(state, ' \t\n\r', state);
  }
  let literal = LITERAL;
  for (const word of ['true', 'false', 'null']) {
    for (const state of [VALUE, FIRST_ITEM]) on(state, word.charAt(0), literal);
    for (let i = 1; i < word.length; i++, literal++) {
      on(literal, word.charAt(i), i === word.length - 1 ? END_OF_VALUE : literal + 1);
    }
  }
  for (const state of [VALUE, FIRST_ITEM]) {
    on(state, '"', VALUE_STRING);
    on(state, '[', OPEN_ARRAY);
    on(state, '{', OPEN_OBJECT);
    on(state, '-', MINUS);
    on(state, '0', ZERO);
    on(state, '123456789', DIGITS);
  }
  on(FIRST_ITEM, ']', CLOSE_ARRAY);
  on(FIRST_KEY, '}', CLOSE_OBJECT);
  on(FIRST_KEY, '"', KEY_STRING);
  on(KEY, '"', KEY_STRING);
  on(COLON, ':', VALUE);
  on(AFTER_ITEM, ',', VALUE);
  on(AFTER_ITEM, ']', CLOSE_ARRAY);
  on(AFTER_MEMBER, ',', KEY);
  on(AFTER_MEMBER, '}', CLOSE_OBJECT);

  addString(on, VALUE_STRING, END_OF_VALUE);
  addString(on, KEY_STRING, COLON);

  on(MINUS, '0', ZERO);
  on(MINUS, '123456789', DIGITS);
  for (const state of [ZERO, DIGITS, FRACTION, EXPONENT_DIGITS]) on(state, ' \t\n\r,]}', END_BEFORE);
  on(DIGITS, '0123456789', DIGITS);
  for (const state of [ZERO, DIGITS]) on(state, '.', POINT);
  on(POINT, '0123456789', FRACTION);
  on(FRACTION, '0123456789', FRACTION);
  for (const state of [ZERO, DIGITS, FRACTION]) on(state, 'eE', EXPONENT);
  on(EXPONENT, '+-', EXPONENT_SIGN);
  for (const state of [EXPONENT, EXPONENT_SIGN, EXPONENT_DIGITS]) on(state, '0123456789', EXPONENT_DIGITS);
  return table;
}

/** The states of a string: plain text, escapes, and well-formed UTF-8 (table 3-7 of the Unicode standard). */
function addString(
  on: (state: number, bytes: string | readonly [number, number], next: number) => void,
  base: number,
  closed: number,
): void {
  const escaped = base + 1;
  const hex = base + 2;
  const one = base + 6;
  const two = base + 7;
  const three = base + 8;
  const [e0, ed, f0, f4] = [base + 9, base + 10, base + 11, base + 12];
  on(base, [0x20, 0x7f], base);
  on(base, '"', closed);
  on(base, '\\', escaped);
  on(escaped, '"\\/bfnrt', base);
  on(escaped, 'u', hex);
  for (let i = 0; i < 4; i++) on(hex + i, '0123456789abcdefABCDEF', i === 3 ? base : hex + i + 1);
  on(base, [0xc2, 0xdf], one);
  on(base, [0xe1, 0xef], two);
  on(base, [0xe0, 0xe0], e0);
  on(base, [0xed, 0xed], ed);
  on(base, [0xf1, 0xf3], three);
  on(base, [0xf0, 0xf0], f0);
  on(base, [0xf4, 0xf4], f4);
  on(one, [0x80, 0xbf], base);
  on(two, [0x80, 0xbf], one);
  on(three, [0x80, 0xbf], two);
  on(e0, [0xa0, 0xbf], one);
  on(ed, [0x80, 0x9f], one);
  on(f0, [0x90, 0xbf], two);
  on(f4, [0x80, 0x8f], two);
}

/** A scanner for one text; it reads some hundred megabytes a second. */
export function createJsonScanner(): JsonScanner {
  let state = VALUE;
  let depth = 0;
  /** Bit n: level n is an object. */
  let objects = new Uint8Array(64);
  let bare = false;
  let offset = 0;

  function after(): number {
    if (depth === 0) return AFTER_TOP;
    const level = depth - 1;
    return ((objects[level >> 3] ?? 0) >> (level & 7)) & 1 ? AFTER_MEMBER : AFTER_ITEM;
  }

  function open(object: boolean): boolean {
    if (depth === MAX_DEPTH) return false;
    const at = depth >> 3;
    if (at === objects.length) {
      const larger = new Uint8Array(objects.length * 2);
      larger.set(objects);
      objects = larger;
    }
    const bit = 1 << (depth & 7);
    objects[at] = object ? (objects[at] ?? 0) | bit : (objects[at] ?? 0) & ~bit;
    depth++;
    return true;
  }

  function push(bytes: Uint8Array): boolean {
    const table = TABLE;
    const length = bytes.length;
    let row = state << 8;
    for (let i = 0; i < length; i++) {
      // In range: i is below the length, and the table has a row of 256 for each state.
      const to = table[row | (bytes[i] as number)] as number;
      if (to < ACTION << 8) {
        row = to;
        continue;
      }
      const next = to >> 8;
      let s: number;
      if (next === OPEN_ARRAY || next === OPEN_OBJECT) {
        s = open(next === OPEN_OBJECT) ? (next === OPEN_OBJECT ? FIRST_KEY : FIRST_ITEM) : ERROR;
      } else if (next === CLOSE_ARRAY || next === CLOSE_OBJECT) {
        depth--;
        s = after();
      } else if (next === END_OF_VALUE) {
        if (depth === 0 && row === VALUE_STRING << 8) bare = true;
        s = after();
      } else if (next === END_BEFORE) {
        s = after();
        i--;
      } else {
        s = ERROR;
      }
      if (s === ERROR) {
        state = ERROR;
        offset += i;
        return false;
      }
      row = s << 8;
    }
    state = row >> 8;
    offset += length;
    return true;
  }

  function end(): JsonVerdict {
    const number = state === ZERO || state === DIGITS || state === FRACTION || state === EXPONENT_DIGITS;
    if (depth === 0 && (state === AFTER_TOP || number)) return bare ? 'string' : 'value';
    return 'none';
  }

  return {
    push: (bytes) => state !== ERROR && push(bytes),
    end,
    get offset() {
      return offset;
    },
  };
}
