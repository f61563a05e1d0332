/** The two files of the LMDB environment, and what a failure of it means in words. */
import {
  chmodSync,
  closeSync,
  fstatSync,
  linkSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { errnoOf, FateError, messageOf } from '../errors.ts';

/** Where lmdb-js's format has its magic number and version, little-endian, behind the head of the first page. */
const MAGIC = { at: 24, bytes: Buffer.from([0xde, 0xc0, 0xef, 0xbe, 2, 0, 0, 0]) } as const;
/** More than LMDB needs for its 126 readers of 64 bytes and the head. */
const LOCK_SIZE = 16_384;
/** Less room than this may well be none for a transaction. */
const SCARCE = 1_048_576;

/**
 * Makes data.mdb and lock.mdb with mode 0600, where lmdb-js would use 0664 less the umask. The lock file is written in full:
 * LMDB makes it a sparse file and writes to it through memory, so that opening it on a full disk ends the process with
 * SIGBUS. It appears by link(2), whole, since another process may open it at the same moment.
 * @throws Error with an errno
 */
export function makeFiles(folder: string): void {
  const data = join(folder, 'data.mdb');
  const lock = join(folder, 'lock.mdb');
  closeSync(openSync(data, 'a', 0o600));
  if (!isThere(lock)) {
    const whole = join(folder, `lock.mdb.${process.pid}`);
    try {
      writeFileSync(whole, Buffer.alloc(LOCK_SIZE), { mode: 0o600 });
      linkSync(whole, lock);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    } finally {
      rmSync(whole, { force: true });
    }
  }
  for (const file of [data, lock]) if ((statSync(file).mode & 0o777) !== 0o600) chmodSync(file, 0o600);
}

/**
 * lmdb-js ends the process by SIGSEGV when LMDB refuses a file, so what LMDB would refuse is refused here.
 * @throws Error when data.mdb is no file of LMDB in the version that lmdb-js writes
 */
export function checkFormat(folder: string): void {
  const fd = openSync(join(folder, 'data.mdb'), 'r');
  try {
    const head = Buffer.alloc(MAGIC.at + MAGIC.bytes.length);
    const length = readSync(fd, head, 0, head.length, 0);
    if (length > 0 && !head.subarray(MAGIC.at, length).equals(MAGIC.bytes))
      throw new Error('data.mdb is no store of Fate');
    if (length > 0 && isCutShort(fd)) throw new Error('data.mdb is cut short: a part of it is missing');
  } finally {
    closeSync(fd);
  }
}

/**
 * Whether the newer of the two heads counts a page that the file does not have: LMDB reads through memory, and would end the
 * process by SIGBUS. The length is asked for last, since a writer may make the file longer meanwhile.
 */
function isCutShort(fd: number): boolean {
  const headAt = (at: number): { pageSize: number; last: bigint; transaction: bigint } | null => {
    const head = Buffer.alloc(160);
    if (readSync(fd, head, 0, head.length, at) < head.length) return null;
    return { pageSize: head.readUInt32LE(48), last: head.readBigUInt64LE(144), transaction: head.readBigUInt64LE(152) };
  };
  const first = headAt(0);
  const second = first === null ? null : headAt(first.pageSize);
  if (first === null || second === null) return true;
  const { last } = second.transaction > first.transaction ? second : first;
  return (last + 1n) * BigInt(first.pageSize) > BigInt(fstatSync(fd).size);
}

/** LMDB leaves data.mdb open for every program that a task starts (mdb_env_get_fd(3)); this finds the descriptors. */
export function openDescriptors(folder: string): number[] {
  const data = realpathSync(join(folder, 'data.mdb'));
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === data ? [Number(name)] : [];
    } catch {
      // It was the descriptor by which the folder was read.
      return [];
    }
  });
}

function isThere(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

/** What an environment that cannot be opened is called. */
export function openError(folder: string, error: unknown): FateError {
  if (error instanceof FateError) return error;
  const code = ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '') ? 'NOT_PERMITTED' : 'FATAL';
  return new FateError(code, explainFailure('opened', folder, error), { cause: error });
}

/** LMDB tells a write that was cut short as EIO, whatever the reason: the room that is left says which it was. */
export function explainFailure(done: 'opened' | 'written', folder: string, error: unknown): string {
  const full = errnoOf(error) === 'ENOSPC' || roomIn(folder) < SCARCE;
  return `the state in ${folder} could not be ${done}: ${messageOf(error)}${full ? ' (the disk is full)' : ''}`;
}

function roomIn(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
