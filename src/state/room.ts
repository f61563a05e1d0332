/**
 * Room on the disk before LMDB writes. Promises the store that a disk which refuses a transaction does so before LMDB begins
 * with it: lmdb-js 3.5 formats its message about a refused write into too little memory, which can end the process, and after
 * a refused write of its first pages it refuses everything until it is opened anew.
 */
import { accessSync, closeSync, constants, fstatSync, ftruncateSync, openSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Bytes } from '../types.ts';

/** What a transaction writes: records, each of which may be on a page of its own, and their sizes together. */
export interface Need {
  readonly records: number;
  readonly bytes: Bytes;
}

export interface Room {
  /** Within a transaction, before its first write, since another process must not make the file longer meanwhile. @throws a system error */
  make(need: Need): void;
  close(): void;
}

/** Every transaction may need as much for its pages: it copies each that it changes (LMDB, "copy-on-write"). */
const SPARE: Bytes = 256 * 1024;
const PAGE: Bytes = 4096;
const ZEROS = Buffer.alloc(SPARE);
/** statfs(2): btrfs, ZFS, bcachefs. There to write over what is in a file needs room as well. */
const COPYING: readonly number[] = [0x9123683e, 0x2fc12fc1, 0xca451a4e];

/** @param used the length of data.mdb that LMDB has pages in, as last committed */
export function openRoom(folder: string, used: () => Bytes): Room {
  const file = join(folder, 'data.mdb');
  const fd = openSync(file, 'r+');
  const copying = COPYING.includes(statfsSync(folder).type >>> 0);
  return {
    make({ records, bytes }) {
      // A file system that became read-only in an emergency still has the file open for writing.
      accessSync(file, constants.W_OK);
      const present = used();
      const needed = SPARE + bytes + Math.ceil(bytes / 4) + Math.min(present, records * PAGE);
      if (copying) checkFree(folder, needed);
      const { size } = fstatSync(fd);
      if (size < present + needed) lengthen(fd, size, Math.ceil((present + needed + SPARE) / PAGE) * PAGE);
    },
    close: () => closeSync(fd),
  };
}

/** With zeros, not with a hole: what is allocated can be written over. Leaves the file as it was when it throws. */
function lengthen(fd: number, from: Bytes, to: Bytes): void {
  try {
    for (let at = from; at < to; ) at += writeSync(fd, ZEROS, 0, Math.min(ZEROS.length, to - at), at);
  } catch (error) {
    ftruncateSync(fd, from);
    throw error;
  }
}

function checkFree(folder: string, needed: Bytes): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < needed) {
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', syscall: 'statfs' });
  }
}
