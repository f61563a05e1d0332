/**
 * The keys of the ledger, as bytes, so that they sort as wanted whatever a name holds. Promises that the places of one task
 * and kind stand together, in the order of their due times.
 */
import type { Entry, EpochMs } from '../types.ts';

/** What the index tells apart; retention counts the closed ones, each for itself. */
export const KIND = { open: 0, good: 1, skipped: 2, bad: 3 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];
export type ClosedKind = Exclude<Kind, typeof KIND.open>;
export const CLOSED_KINDS: readonly ClosedKind[] = [KIND.good, KIND.skipped, KIND.bad];
export const KINDS: readonly Kind[] = [KIND.open, ...CLOSED_KINDS];

/** LMDB's limit for a key, in pages of 4 KiB; lmdb-js throws for longer ones, also when it reads. */
const LONGEST = 1978;
const DUE = 8;

export interface Place {
  readonly kind: Kind;
  readonly due: EpochMs;
  readonly id: string;
}

/** Null for an id that no entry can have: empty, or too long for a key. */
export function idKey(id: string): Buffer | null {
  const key = Buffer.from(id);
  return key.length > 0 && key.length <= LONGEST ? key : null;
}

/** Length and name first: no name is the beginning of another one then. Null for one that is too long for a key. */
export function taskKey(task: string): Buffer | null {
  const name = Buffer.from(task);
  if (name.length > LONGEST) return null;
  const length = Buffer.alloc(2);
  length.writeUInt16BE(name.length);
  return Buffer.concat([length, name]);
}

/** Before the first place of a task and kind, behind the last one of the kind before. */
export function placesFrom(task: Buffer, kind: number): Buffer {
  return Buffer.concat([task, Buffer.from([kind])]);
}

/** Before every place of this due time. */
export function placesAt(task: Buffer, kind: Kind, due: EpochMs): Buffer {
  const tail = Buffer.alloc(1 + DUE);
  // Signed, in two halves: Buffer has no 64-bit number without a BigInt. An instant has 54 bits with its sign.
  const high = Math.floor(due / 2 ** 32);
  tail.writeUInt8(kind);
  tail.writeUInt32BE(high + 2 ** 31, 1);
  tail.writeUInt32BE(due - high * 2 ** 32, 5);
  return Buffer.concat([task, tail]);
}

/** @throws Error for a name or an id that is too long for a key */
export function placeOf({ task, due, id }: Entry, kind: Kind): Buffer {
  const key = taskKey(task);
  if (key === null) throw new Error(`the name of a task is too long to be recorded: ${task.slice(0, 40)}…`);
  return Buffer.concat([placesAt(key, kind, due), Buffer.from(id)]);
}

export function readPlace(place: Uint8Array): Place {
  const bytes = Buffer.from(place.buffer, place.byteOffset, place.length);
  const at = 2 + bytes.readUInt16BE();
  return {
    // Written by placeOf only.
    kind: bytes.readUInt8(at) as Kind,
    due: (bytes.readUInt32BE(at + 1) - 2 ** 31) * 2 ** 32 + bytes.readUInt32BE(at + 5),
    id: bytes.toString('utf8', at + 1 + DUE),
  };
}

export function closedKindOf({ phase, ending }: Entry): ClosedKind {
  if (phase === 'skipped') return KIND.skipped;
  return ending?.status === 'OK' ? KIND.good : KIND.bad;
}
