/**
 * Turns what a task writes to fd 2 into log records, as it comes (SPEC 10). Holds at most one record's first 64 KiB, and
 * costs the same for each byte, however they are cut into chunks. Pure: the caller watches the time.
 */
import type { Bytes, Level, LogFormat, Separator } from '../types.ts';
import { recordOf } from './record-fields.ts';

export interface TaskLogRecord {
  readonly level: Level;
  readonly msg: string | null;
  readonly fields: Record<string, unknown>;
  /** The whole record without its `<n>`, cut where it is too long. */
  readonly text: string;
  /** True size in bytes, where it was cut. */
  readonly size?: Bytes;
  /** There were bytes that are no UTF-8; they were replaced by U+FFFD. */
  readonly encoding?: 'invalid';
  /** The format that was named does not parse. */
  readonly warning?: string;
}

export interface RecordReader {
  push(chunk: Buffer): TaskLogRecord[];
  /** Nothing more came for 200 ms: lines, if neither lines nor NUL were decided for. */
  settle(): TaskLogRecord[];
  /** Bytes are held back because it is not decided yet. */
  readonly undecided: boolean;
  end(): TaskLogRecord[];
}

/** Where a NUL must come to make a stream one of NUL-separated records; and what is kept of one record. */
const LIMIT: Bytes = 64 * 1024;
const NUL = 0;
const NEWLINE = 10;

export function createRecordReader(options: { format: LogFormat; separator: Separator }): RecordReader {
  /** Null while undecided. */
  let separator = { auto: null, nul: NUL, line: NEWLINE }[options.separator];
  /** The beginning of the record that comes, or all that came while undecided. */
  const held = createPrefix(LIMIT);

  function emit(records: TaskLogRecord[]): void {
    const record = recordOf(held.bytes(), held.size, separator === NUL ? 'nul' : 'line', options.format);
    if (record !== null) records.push(record);
    held.clear();
  }

  function split(chunk: Buffer, by: number): TaskLogRecord[] {
    const records: TaskLogRecord[] = [];
    let start = 0;
    for (let at = chunk.indexOf(by); at >= 0; at = chunk.indexOf(by, start)) {
      held.add(chunk.subarray(start, at));
      emit(records);
      start = at + 1;
    }
    held.add(chunk.subarray(start));
    return records;
  }

  function decide(by: number): TaskLogRecord[] {
    separator = by;
    const before = Buffer.from(held.bytes());
    held.clear();
    return split(before, by);
  }

  return {
    push(chunk) {
      if (separator !== null) return split(chunk, separator);
      const room = LIMIT - held.size;
      const [looked, rest] = [chunk.subarray(0, room), chunk.subarray(room)];
      held.add(looked);
      if (looked.includes(NUL)) return [...decide(NUL), ...split(rest, NUL)];
      if (held.size < LIMIT) return [];
      return [...decide(NEWLINE), ...split(rest, NEWLINE)];
    },
    settle: () => (separator === null && held.size > 0 ? decide(NEWLINE) : []),
    get undecided() {
      return separator === null && held.size > 0;
    },
    end() {
      const records = separator === null ? decide(NEWLINE) : [];
      if (held.size > 0) emit(records);
      return records;
    },
  };
}

interface Prefix {
  /** Bytes added so far, kept or not. */
  readonly size: Bytes;
  add(bytes: Buffer): void;
  /** What is kept; valid until the next change. */
  bytes(): Buffer;
  clear(): void;
}

/** Keeps the first `limit` bytes of what is added, in a buffer that grows as it is needed. */
function createPrefix(limit: Bytes): Prefix {
  let buffer = Buffer.alloc(0);
  let kept = 0;
  let size = 0;
  return {
    get size() {
      return size;
    },
    add(bytes) {
      size += bytes.length;
      const length = Math.min(bytes.length, limit - kept);
      if (length === 0) return;
      if (kept + length > buffer.length) {
        const larger = Buffer.allocUnsafe(Math.min(limit, Math.max(1024, 2 * (kept + length))));
        buffer.copy(larger, 0, 0, kept);
        buffer = larger;
      }
      bytes.copy(buffer, kept, 0, length);
      kept += length;
    },
    bytes: () => buffer.subarray(0, kept),
    clear() {
      kept = 0;
      size = 0;
    },
  };
}
