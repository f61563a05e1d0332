/**
 * Where a task's output goes: into a file as it comes (fd 1), or into memory up to a limit (fd 4). Promises the
 * pipes that taking a chunk never throws, so that a full disk or a flood is the run's misfortune and no one else's.
 */
import { closeSync, constants, fdatasync, openSync, writeSync } from 'node:fs';
import { faultPoint } from '../faults.ts';
import { systemText } from './failure.ts';

/**
 * fdatasync(2) is started, off the loop, each time so many bytes were written, so that the sync at the end finds little
 * left to do. Measured: 1 GB written and synced takes 1.1 s so, and 1.5 s in one go.
 */
const SYNC_EACH = 64 << 20;

export interface FileSink {
  /** Writes the whole chunk, or drops it once a write has failed. */
  take(chunk: Buffer): void;
  /** Closes the file; resolves (never rejects) when nothing of it is under way any more. */
  close(): Promise<void>;
  readonly bytes: number;
  /** Why the file is not whole; null when it is. */
  readonly error: string | null;
}

/** Creates the file (0600), which must not be there. Throws a system error. */
export function openFileSink(path: string): FileSink {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  faultPoint('run.stdout-open');
  const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  let bytes = 0;
  let synced = 0;
  let error: string | null = null;
  let syncing: Promise<void> | null = null;

  const fail = (thrown: unknown): void => {
    error ??= `${systemText(thrown)}, after ${bytes} bytes`;
  };
  const startSync = (): void => {
    synced = bytes;
    syncing = new Promise((resolve) => {
      fdatasync(fd, (thrown) => {
        syncing = null;
        // The kernel tells an error of writing back once: whoever syncs the file later would not hear of it.
        if (thrown) fail(thrown);
        resolve();
      });
    });
  };
  const shut = (): void => {
    try {
      closeSync(fd);
    } catch (thrown) {
      // close(2): NFS and quotas may tell a failed write as late as here.
      fail(thrown);
    }
  };
  return {
    take(chunk) {
      try {
        // write(2) may write less than it was given, as at the end of the disk; the next call tells why.
        for (let at = 0; at < chunk.length && error === null; ) {
          faultPoint('run.stdout-write');
          const written = writeSync(fd, chunk, at, chunk.length - at);
          at += written;
          bytes += written;
        }
      } catch (thrown) {
        fail(thrown);
      }
      if (syncing === null && bytes - synced >= SYNC_EACH && error === null) startSync();
    },
    // A number that is closed while another thread syncs by it may be somebody else's by then.
    close: async () => {
      await syncing;
      shut();
    },
    get bytes() {
      return bytes;
    },
    get error() {
      return error;
    },
  };
}

export interface MemorySink {
  take(chunk: Buffer): void;
  /** What came; null when it was more than the limit. */
  content(): Buffer | null;
}

/** Keeps at most `limit` bytes, in one piece: a task that writes them one by one makes a million small ones no more. */
export function createMemorySink(limit: number): MemorySink {
  let space = Buffer.alloc(0);
  let length = 0;
  let over = false;
  return {
    take(chunk) {
      if (over) return;
      const needed = length + chunk.length;
      if (needed > limit) {
        over = true;
        space = Buffer.alloc(0);
        return;
      }
      if (needed > space.length) {
        const larger = Buffer.allocUnsafeSlow(Math.min(limit, Math.max(needed, space.length * 2, 1024)));
        space.copy(larger, 0, 0, length);
        space = larger;
      }
      chunk.copy(space, length);
      length = needed;
    },
    content: () => (over ? null : space.subarray(0, length)),
  };
}
