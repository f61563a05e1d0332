/**
 * Tells whether a stream of bytes is a table of delimiter-separated values (RFC 4180), in memory that does not grow: all
 * delimiters are tried side by side, and the first row ends most of them. Pure.
 */

export interface CsvScanner {
  /** Takes the next bytes; false as soon as they cannot be a table any more. */
  push(bytes: Uint8Array): boolean;
  /** No more bytes come: whether it was a table. */
  end(): boolean;
}

const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const TAB = 0x09;
const PIPE = 0x7c;
const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;

/** Where a reader stands: a row has begun with nothing in it yet, a field, a plain text, a quoted one, after its quote. */
type Place = 'row' | 'field' | 'plain' | 'quoted' | 'closed';

interface Attempt {
  readonly delimiter: number;
  place: Place;
  /** Fields of the row so far, less one. */
  delimiters: number;
  /** The same of the first row; -1 before its end. */
  width: number;
}

/**
 * A table: rows all have the same number of fields, two at least; quotes stand around whole fields and are doubled
 * within; the delimiter is `,`, `;`, tab or `|`. One row is enough (a header without data); empty lines do not count.
 */
export function createCsvScanner(): CsvScanner {
  let attempts: Attempt[] = [COMMA, SEMICOLON, TAB, PIPE].map((delimiter) => ({
    delimiter,
    place: 'row',
    delimiters: 0,
    width: -1,
  }));
  return {
    push(bytes) {
      attempts = attempts.filter((attempt) => read(attempt, bytes));
      return attempts.length > 0;
    },
    end: () => attempts.some((a) => a.place !== 'quoted' && (a.place === 'row' || endRow(a)) && a.width > 0),
  };
}

function endRow(a: Attempt): boolean {
  if (a.width < 0) a.width = a.delimiters;
  const even = a.delimiters === a.width && a.width > 0;
  a.delimiters = 0;
  a.place = 'row';
  return even;
}

/** False when the bytes are no rows with this delimiter. */
function read(a: Attempt, bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    if (a.place === 'quoted') {
      if (byte === QUOTE) a.place = 'closed';
      else if (byte === 0) return false;
    } else if (byte === a.delimiter) {
      a.delimiters++;
      a.place = 'field';
    } else if (byte === LF || byte === CR) {
      // An empty line, or the second half of CR LF.
      if (a.place !== 'row' && !endRow(a)) return false;
    } else if (byte === QUOTE) {
      if (a.place === 'plain') return false;
      a.place = 'quoted';
    } else {
      // A text after the closing quote, or a NUL, which no text has.
      if (a.place === 'closed' || byte === 0) return false;
      a.place = 'plain';
    }
  }
  return true;
}
