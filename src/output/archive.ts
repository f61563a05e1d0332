/** Tar archives in outputs: whether an output is one, and what is in it, member by member; memory does not grow with it. */

import { stat } from 'node:fs/promises';
import { extract } from 'tar-stream';
import { messageOf } from '../errors.ts';
import type { Bytes } from '../types.ts';
import { compressionOf, ProgramMissing, unpackedBytes } from './archive-bytes.ts';
import type { Compression, TarFinding } from './detection.ts';

export interface Member {
  /** As written, without a leading `./`. */
  readonly name: string;
  /** `file` can be recorded; a `folder` is nothing to record; anything else says what it is, to refuse it. */
  readonly kind: 'file' | 'folder' | 'link' | 'device' | 'sparse file' | 'member of unknown type';
  readonly body: AsyncIterable<Buffer>;
  /** Where the next member's header begins, in the bytes from where reading began. */
  readonly end: Bytes;
}

/** What is used of the package, whose own types leave out an option, the kinds it does not know, and `end()`. */
interface Entry extends AsyncIterable<Buffer> {
  readonly header: {
    readonly name: string;
    readonly type: string | null;
    readonly size: Bytes;
    /** Where the body begins. */
    readonly byteOffset: Bytes;
    readonly pax: Readonly<Record<string, string>> | null;
  };
  resume(): void;
}
interface Reader extends AsyncIterable<Entry> {
  write(chunk: Buffer): boolean;
  end(): void;
  destroy(error?: Error): void;
  readonly destroyed: boolean;
  on(event: 'drain' | 'close', call: () => void): void;
  off(event: 'drain' | 'close', call: () => void): void;
}

/** The member that says: unpack me (SPEC 8). */
const MARK = '.fate';
const BLOCK: Bytes = 512;
/** A larger body is jumped over when only the headers matter. */
const LARGE: Bytes = 1024 * 1024;

/** Reads an output through and says whether it is a tar; `head` is its first bytes. Never rejects because of the bytes. */
export async function examineArchive(file: string, head: Buffer): Promise<TarFinding> {
  const compression = compressionOf(head);
  // An archive of nothing, or a run of zero bytes (SPEC 8), has no header to begin with.
  if (compression === '' && !isTarHeader(head)) return { kind: 'none' };
  let members = 0;
  let marked = false;
  let opaque = false;
  try {
    for await (const { name, kind } of membersBySeeking(file, compression)) {
      members++;
      if (kind === 'folder' && name === MARK) marked = true;
      // The reader cannot tell where the rest of these ends, other tars can.
      if (kind === 'sparse file' || kind === 'member of unknown type') opaque = true;
    }
  } catch (error) {
    if (error instanceof ProgramMissing) return { kind: 'unreadable', program: error.program };
    if (members === 0) return { kind: 'none' };
    if (!opaque) return { kind: 'damaged', reason: messageOf(error) };
  }
  return members === 0 ? { kind: 'none' } : { kind: 'tar', compression, marked };
}

/** The checksum that every header has (tar(5)); that of a block of zeros is wrong. */
function isTarHeader(block: Buffer): boolean {
  if (block.length < BLOCK) return false;
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i] ?? 0;
  const told = /^ *([0-7]{1,7})/.exec(block.toString('latin1', 148, 156))?.[1];
  return told !== undefined && Number.parseInt(told, 8) === sum && sum > 8 * 0x20;
}

/** The members of an archive whose bodies do not matter: large ones of a plain tar are not even read. */
async function* membersBySeeking(file: string, compression: Compression): AsyncGenerator<Member> {
  if (compression !== '') return yield* archiveMembers(file, compression);
  const { size } = await stat(file);
  for (let start = 0, next = 0; ; start = next) {
    let from = 0;
    for await (const member of archiveMembers(file, compression, start)) {
      yield member;
      if (member.end - from > LARGE) {
        next = start + member.end;
        break;
      }
      from = member.end;
    }
    if (next === start) return;
    if (next > size) throw new Error('Unexpected end of data');
  }
}

/**
 * The members in order. A body that is not read is skipped. Throws an Error of one sentence where the archive is damaged,
 * ProgramMissing, and errors of the file.
 */
export async function* archiveMembers(
  file: string,
  compression: Compression,
  start: Bytes = 0,
): AsyncGenerator<Member> {
  const options: object = { allowUnknownFormat: true };
  const reader = extract(options) as unknown as Reader;
  const feeding = feed(unpackedBytes(file, compression, start), reader);
  try {
    for await (const entry of reader) {
      const { header } = entry;
      const size = header.type === 'directory' ? 0 : header.size;
      const end = header.byteOffset + Math.ceil(size / BLOCK) * BLOCK;
      yield { name: nameOf(header), kind: kindOf(header), body: entry, end };
      entry.resume();
    }
  } finally {
    reader.destroy();
    await feeding;
  }
}

/** Never rejects: what goes wrong at the source is handed on as the reader's own error. */
async function feed(bytes: AsyncGenerator<Buffer>, reader: Reader): Promise<void> {
  try {
    for await (const chunk of bytes) {
      if (reader.destroyed) return;
      if (!reader.write(chunk)) await drained(reader);
    }
    reader.end();
  } catch (error) {
    reader.destroy(error instanceof Error ? error : new Error(messageOf(error)));
  }
}

function drained(reader: Reader): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      reader.off('drain', done);
      reader.off('close', done);
      resolve();
    };
    reader.on('drain', done);
    reader.on('close', done);
    if (reader.destroyed) done();
  });
}

function nameOf({ name }: Entry['header']): string {
  return name.replace(/^(\.\/+)+/, '').replace(/(.)\/+$/, '$1');
}

function kindOf(header: Entry['header']): Member['kind'] {
  switch (header.type) {
    case 'file':
    case 'contiguous-file':
      if (Object.keys(header.pax ?? {}).some((key) => key.startsWith('GNU.sparse.'))) return 'sparse file';
      // Archivers before POSIX wrote folders so.
      return header.name.endsWith('/') ? 'folder' : 'file';
    case 'directory':
      return 'folder';
    case 'link':
    case 'symlink':
      return 'link';
    case 'character-device':
    case 'block-device':
    case 'fifo':
      return 'device';
    default:
      return 'member of unknown type';
  }
}
