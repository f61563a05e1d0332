/**
 * One log file with its rotation (SPEC 10). Promises that lines are whole, also where the disk was full in the middle of
 * one; that the file is made anew, with its folders, when it can be; and that trouble with rotating never keeps a record out.
 */
import { constants } from 'node:fs';
import { access, type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../errors.ts';
import { faultPoint } from '../faults.ts';
import { makeFolders } from '../folders.ts';
import type { Clock, EpochMs, LogTarget, Ms } from '../types.ts';
import { type Remainder, writeAll } from './bytes.ts';
import type { Sink } from './outlet.ts';
import { tidyRotated } from './rotated-files.ts';
import { nextRotation, rotatedName } from './rotation.ts';

export type FileTarget = Pick<LogTarget, 'rotation' | 'retention' | 'compression'> & { readonly file: string };

/** A FIFO without a reader must not hold up the open. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOCTTY;
const MODE = 0o640;
/** A rotation that failed is not tried at every record. */
const ROTATION_RETRY: Ms = 60_000;

interface Open {
  readonly handle: FileHandle;
  size: number;
  /** When the wall clock asks for a new file. */
  next: EpochMs | null;
}

export class FileSink implements Sink {
  readonly dead = false;
  readonly #target: FileTarget;
  readonly #clock: Clock;
  readonly #complain: (message: string) => void;
  readonly #stopTidying = new AbortController();
  #tidying: Promise<void> = Promise.resolve();
  #open: Open | null = null;
  /** What was begun and is to be finished before anything else. */
  readonly #begun: Remainder = { bytes: Buffer.alloc(0) };
  #lines: readonly string[] = [];
  #noRotationBefore: EpochMs = 0;
  #complained = false;

  /** `complain` is told once of the trouble with rotated files; failures to write are the outlet's. */
  constructor(target: FileTarget, clock: Clock, complain: (message: string) => void) {
    this.#target = target;
    this.#clock = clock;
    this.#complain = complain;
  }

  async write(lines: readonly string[]): Promise<void> {
    this.#lines = this.#lines.length === 0 ? lines : [...this.#lines, ...lines];
    try {
      await this.#finish(await this.#opened());
      while (this.#lines.length > 0) {
        if (await this.#isDue(await this.#opened())) await this.#rotate();
        const open = await this.#opened();
        this.#begin(open);
        await this.#finish(open);
      }
    } catch (error) {
      // Opened anew for the next attempt: it may be gone, or on a file system that was mounted again.
      await this.#closeFile();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#stopTidying.abort();
    await this.#tidying;
    await this.#closeFile();
  }

  async #closeFile(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    await open?.handle.close().catch(() => {});
  }

  async #opened(): Promise<Open> {
    this.#open ??= await this.#openFile();
    return this.#open;
  }

  async #openFile(): Promise<Open> {
    const { file, rotation } = this.#target;
    const handle = await open(file, FLAGS, MODE).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await makeFolders(dirname(file));
      return open(file, FLAGS, MODE);
    });
    const found = await handle.stat();
    if (!found.isFile() && !found.isCharacterDevice()) {
      await handle.close();
      throw new Error('it is no regular file');
    }
    if (found.isFile()) this.#tidy();
    const since = found.size > 0 ? found.mtimeMs : this.#clock.now();
    const next = rotation === null || !found.isFile() ? null : nextRotation(rotation, since);
    return { handle, size: found.isFile() ? found.size : 0, next };
  }

  async #isDue(open: Open): Promise<boolean> {
    const { rotation } = this.#target;
    const now = this.#clock.now();
    if (rotation === null || now < this.#noRotationBefore) return false;
    if (open.size === 0) {
      // Nothing to put aside: the time of an empty file begins with its first record.
      if (open.next !== null && now >= open.next) open.next = nextRotation(rotation, now);
      return false;
    }
    if (open.next !== null && now >= open.next) return true;
    const limit = rotation.size ?? Number.POSITIVE_INFINITY;
    const line = Buffer.byteLength(this.#lines[0] ?? '');
    if (open.size + line <= limit) return false;
    // Somebody else may have emptied it (logrotate's copytruncate).
    open.size = (await open.handle.stat()).size;
    return open.size > 0 && open.size + line > limit;
  }

  /** Takes as many lines as fit before the next rotation, and at least one. */
  #begin(open: Open): void {
    const limit = this.#target.rotation?.size ?? null;
    let [taken, size] = [this.#lines.length, 0];
    if (limit !== null) {
      taken = 0;
      while (taken < this.#lines.length) {
        const line = Buffer.byteLength(this.#lines[taken] ?? '');
        if (taken > 0 && open.size + size + line > limit) break;
        size += line;
        taken += 1;
      }
    }
    this.#begun.bytes = Buffer.from(this.#lines.slice(0, taken).join(''));
    this.#lines = this.#lines.slice(taken);
  }

  async #finish(open: Open): Promise<void> {
    const size = this.#begun.bytes.length;
    try {
      if (size > 0) faultPoint('log.write');
      await writeAll(open.handle.fd, this.#begun);
    } finally {
      open.size += size - this.#begun.bytes.length;
    }
  }

  async #rotate(): Promise<void> {
    const { file } = this.#target;
    const now = this.#clock.now();
    try {
      let nth = 0;
      while (await isTaken(rotatedName(file, now, nth))) nth += 1;
      await rename(file, rotatedName(file, now, nth));
    } catch (error) {
      // Where it was moved away by somebody else, a new file is what is wanted.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#noRotationBefore = now + ROTATION_RETRY;
        this.#complainOnce('rotated', error);
        return;
      }
    }
    await this.#closeFile();
  }

  #tidy(): void {
    const { file, retention, compression } = this.#target;
    if (retention === null && compression === null) return;
    this.#tidying = this.#tidying
      .then(() => tidyRotated(file, { retention, compression }, this.#clock.now(), this.#stopTidying.signal))
      .catch((error: unknown) => this.#complainOnce('tidied up', error));
  }

  #complainOnce(what: string, error: unknown): void {
    if (!this.#complained) this.#complain(`${this.#target.file} cannot be ${what}: ${messageOf(error)}`);
    this.#complained = true;
  }
}

/** Also by its compressed form, which is there before the other one goes. */
async function isTaken(path: string): Promise<boolean> {
  const isThere = (name: string): Promise<boolean> =>
    access(name).then(
      () => true,
      () => false,
    );
  return (await isThere(path)) || (await isThere(`${path}.gz`));
}
