/**
 * The values that `H` and `U` stand for: the same for one id for ever, on every machine (SPEC 5, "Hashed jitter").
 * Promised to the parser of fields, bit for bit as SPEC's table.
 */
import { crc32 } from 'node:zlib';

/** What one hash id gives; `index` is the place of the field in SPEC 5: minute 0, hour 1, … second 5. */
export interface Hash {
  /** `h(i, lo, hi)` of SPEC 5: a value in lo..hi, both included. */
  value(index: number, lo: number, hi: number): number;
}

/** The hash of an id: CRC-32 (as in zlib) of its UTF-8, which the field's index shifts. */
export function hashOf(id: string): Hash {
  const crc = crc32(id);
  return { value: (index, lo, hi) => ((crc >>> index) % (hi - lo + 1)) + lo };
}

/** The largest day of the month that every month has. */
const EVERY_MONTH = 28;

/** A plain `H`: over the whole field; in the day field (index 2) never a day that some month lacks (SPEC 5, [fix]). */
export function plainValue(hash: Hash, index: number, min: number, max: number): number {
  const value = hash.value(index, min, max);
  return index === 2 && value > EVERY_MONTH ? hash.value(index, 1, EVERY_MONTH) : value;
}

/**
 * Where `H/step` (`range` null) or `H(a-b)/step` starts (SPEC 5). In a field from 0 an offset equal to the step would
 * leave out the first slot, so it counts as 0; a start past the end wraps into the range.
 */
export function stepStart(
  hash: Hash,
  index: number,
  field: { readonly min: number; readonly max: number },
  range: { readonly from: number; readonly to: number } | null,
  step: number,
): number {
  const { from, to } = range ?? { from: field.min, to: field.max };
  const raw = hash.value(index, field.min, step);
  const offset = field.min === 0 && raw === step ? 0 : raw;
  // Without a range the hashed value is the start itself; with one it is added to it, whatever the field's minimum.
  const start = range === null ? offset : from + offset;
  return start > to ? from + (offset % (to - from + 1)) : start;
}
