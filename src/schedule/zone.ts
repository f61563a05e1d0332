/**
 * Time zones as stretches of constant offset: from TZif files (RFC 9636), from a POSIX rule, or from Node's own tables.
 * Promised to occurrences.ts and platform/zone-files.ts; the bytes come in, no file is read here.
 */
import { IANAZone } from 'luxon';
import type { EpochMs, Ms, Zone } from '../types.ts';
import { parsePosixRule, type Segment, type SegmentAt } from './posix-rule.ts';

const WEEK_MS = 7 * 86_400_000;
const HEADER = 44;

/** A zone of segments; the last one used is kept, since questions come in clusters. */
function zoneOf(name: string, segmentAt: SegmentAt): Zone {
  let last: Segment = { start: 0, end: 0, offset: 0 };
  const at = (instant: EpochMs): Segment => {
    if (!(instant >= last.start && instant < last.end)) last = segmentAt(instant);
    return last;
  };
  return {
    name,
    offsetAt: (instant) => at(instant).offset,
    nextTransition: (instant) => {
      const { end } = at(instant);
      return end === Number.POSITIVE_INFINITY ? null : end;
    },
  };
}

/** A zone from a POSIX `TZ` rule, such as `CET-1CEST,M3.5.0,M10.5.0/3`; null when the text is none. */
export function posixZone(rule: string, name: string): Zone | null {
  const segmentAt = parsePosixRule(rule);
  return segmentAt === null ? null : zoneOf(name, segmentAt);
}

/**
 * A zone from the bytes of a TZif file of version 1 to 4 with its footer for the far future (RFC 9636); null when they
 * are none, or damaged. Leap seconds are taken out: Fate's instants are POSIX time.
 */
export function parseTzif(bytes: Uint8Array, name: string): Zone | null {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!isHeader(view, 0)) return null;
    const old = view.getUint8(4) === 0;
    const start = old ? 0 : HEADER + sizeOf(view, 0, 4);
    if (!isHeader(view, start)) return null;
    const table = readTable(view, start, old ? 4 : 8);
    if (table === null) return null;
    const footer = old ? '' : footerText(bytes, start + HEADER + sizeOf(view, start, 8));
    if (footer === null) return null;
    const tail = footer === '' ? null : parsePosixRule(footer);
    if (footer !== '' && tail === null) return null;
    return zoneOf(name, segmentsOf(table, tail));
  } catch (thrown) {
    // Reading past the end: the file is cut off.
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
}

interface Table {
  readonly first: Ms;
  /** Ascending; only those at which the offset changes. */
  readonly at: readonly EpochMs[];
  readonly offsets: readonly Ms[];
  /** The last transition of the file, whether or not the offset changes: from there on the footer speaks. */
  readonly last: EpochMs;
}

function isHeader(view: DataView, start: number): boolean {
  return view.getUint32(start) === 0x54_5a_69_66;
}

/** The six counts of a header, in the order of the format. */
function countsAt(view: DataView, start: number) {
  const count = (index: number): number => view.getUint32(start + 20 + 4 * index);
  return { isUt: count(0), isStandard: count(1), leaps: count(2), times: count(3), types: count(4), chars: count(5) };
}

/** Bytes of a data block whose times have `width` bytes. */
function sizeOf(view: DataView, start: number, width: 4 | 8): number {
  const { isUt, isStandard, leaps, times, types, chars } = countsAt(view, start);
  return times * (width + 1) + types * 6 + chars + leaps * (width + 4) + isStandard + isUt;
}

function readTable(view: DataView, start: number, width: 4 | 8): Table | null {
  const { leaps, times, types, chars } = countsAt(view, start);
  const time = (at: number): number => (width === 4 ? view.getInt32(at) : Number(view.getBigInt64(at)));
  const timesAt = start + HEADER;
  const indexAt = timesAt + times * width;
  const typesAt = indexAt + times;
  const leapsAt = typesAt + types * 6 + chars;
  if (types === 0) return null;
  const offsetOf = (type: number): Ms => 1000 * view.getInt32(typesAt + 6 * type);

  const at: EpochMs[] = [];
  const offsets: Ms[] = [];
  const first = offsetOf(0);
  let last = Number.NEGATIVE_INFINITY;
  let leap = 0;
  let correction = 0;
  for (let index = 0; index < times; index += 1) {
    const counted = time(timesAt + index * width);
    while (leap < leaps && time(leapsAt + leap * (width + 4)) <= counted) {
      correction = view.getInt32(leapsAt + leap * (width + 4) + width);
      leap += 1;
    }
    const instant = 1000 * (counted - correction);
    const type = view.getUint8(indexAt + index);
    if (type >= types || instant <= last) return null;
    last = instant;
    if (offsetOf(type) === (offsets.at(-1) ?? first)) continue;
    at.push(instant);
    offsets.push(offsetOf(type));
  }
  return { first, at, offsets, last };
}

/** The text between the two newlines after the second block; null when they are not there. */
function footerText(bytes: Uint8Array, start: number): string | null {
  const text = new TextDecoder('latin1').decode(bytes.subarray(start, start + 1024));
  return /^\n([^\n]*)\n/.exec(text)?.[1] ?? null;
}

function segmentsOf({ first, at, offsets, last }: Table, tail: SegmentAt | null): SegmentAt {
  const inTable = (instant: EpochMs): Segment => {
    let low = 0;
    let high = at.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((at[middle] ?? 0) <= instant) low = middle + 1;
      else high = middle;
    }
    return {
      start: at[low - 1] ?? Number.NEGATIVE_INFINITY,
      end: at[low] ?? Number.POSITIVE_INFINITY,
      offset: offsets[low - 1] ?? first,
    };
  };
  if (tail === null) return inTable;
  return (instant) => {
    const segment = instant < last ? inTable(instant) : tail(instant);
    // The table's last stretch goes on until the footer first changes it.
    if (instant < last && segment.end === Number.POSITIVE_INFINITY) {
      const next = tail(last);
      return next.offset === segment.offset ? { ...segment, end: next.end } : { ...segment, end: last };
    }
    if (instant >= last && segment.start < last) {
      const before = inTable(last);
      return { ...segment, start: before.offset === segment.offset ? before.start : last };
    }
    return segment;
  };
}

/** Beyond this Node's tables hold nothing but yearly rules. */
const TABLES_END = Date.UTC(2088, 0);

/**
 * A zone from Node's own tables, where there are no zone files; null for an unknown name. They can only be asked for
 * single instants, so transitions are looked for week by week: two within one week that cancel out are not seen.
 */
export function intlZone(name: string): Zone | null {
  if (!/^[A-Za-z]/.test(name) || !IANAZone.isValidZone(name)) return null;
  const zone = IANAZone.create(name);
  const offsetAt = (instant: EpochMs): Ms => Math.round(zone.offset(instant) * 60_000);
  let from = 0;
  let end: EpochMs | null = 0;
  return {
    name,
    offsetAt,
    nextTransition: (instant) => {
      if (!(instant >= from && (end === null || instant < end))) {
        from = instant;
        end = searchTransition(offsetAt, instant);
      }
      return end;
    },
  };
}

function searchTransition(offsetAt: (instant: EpochMs) => Ms, from: EpochMs): EpochMs | null {
  const offset = offsetAt(from);
  const limit = Math.max(TABLES_END, from + 60 * WEEK_MS);
  for (let low = from; low < limit; low += WEEK_MS) {
    if (offsetAt(low + WEEK_MS) === offset) continue;
    let same = low;
    let other = low + WEEK_MS;
    while (other - same > 1) {
      const middle = Math.floor((same + other) / 2);
      if (offsetAt(middle) === offset) same = middle;
      else other = middle;
    }
    return other;
  }
  return null;
}
