/**
 * Follows a log file through its rotations, for `fate logs --follow`. Promises each line once and in order, told by the
 * kernel when there is more (inotify(7)): nothing is polled.
 */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { type FileHandle, open, readlink, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { errnoOf } from '../errors.ts';
import type { Bytes } from '../types.ts';
import { chunksOf, endOfLines, lineSplitter } from './lines.ts';
import { forwards, rotatedFiles, type Unread } from './past.ts';

/** Opens the file as it is now; null where it is not there yet. @throws a system error */
export async function openPresent(file: string): Promise<{ handle: FileHandle; end: Bytes } | null> {
  try {
    const handle = await open(file);
    return { handle, end: await endOfLines(handle, (await handle.stat()).size) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Events of a folder, of which any number are one. */
export interface Watch {
  /** Resolves when something happened since it was last asked: false when that was the close. @throws a system error */
  next(): Promise<boolean>;
  close(): void;
}

/**
 * Begins at once, so that nothing is missed that happens while the file is read. Where the folder of the file is not there yet,
 * the nearest above it is watched until it is. @throws a system error
 */
export function watchFolder(file: string): Watch {
  const stem = basename(file).replace(/\.[^.]*$/, '');
  let [pending, closed] = [false, false];
  let failure: unknown = null;
  let wake: (() => void) | null = null;
  const note = (): void => {
    pending = true;
    wake?.();
  };
  const fail = (error: unknown): void => {
    failure = error;
    note();
  };
  const wanted = dirname(file);
  let watched = nearest(wanted);
  let watcher = begin();
  approach();

  function begin(): FSWatcher {
    const folder = watched;
    const made = watch(folder, (_, name) => {
      if (closed || folder !== watched) return;
      if (folder !== wanted) approach();
      else if (name === null || name.startsWith(stem)) note();
    });
    return made.on('error', fail);
  }
  /** Until the nearest is watched: what is made before the watch begins is not told by it. */
  function approach(): void {
    try {
      for (let next = nearest(wanted); next !== watched; next = nearest(wanted)) {
        watcher.close();
        watched = next;
        watcher = begin();
        note();
      }
    } catch (error) {
      fail(error);
    }
  }

  return {
    async next() {
      if (!pending && !closed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      [pending, wake] = [false, null];
      if (failure !== null) throw failure;
      return !closed;
    },
    close() {
      closed = true;
      watcher.close();
      note();
    },
  };
}

/** The folder, or the nearest above it that is there. @throws a system error */
function nearest(folder: string): string {
  const above = dirname(folder);
  return above === folder || statSync(folder, { throwIfNoEntry: false }) !== undefined ? folder : nearest(above);
}

/** Every line behind `present`, as it comes, until the watch is closed. Closes the handle. @throws a system error */
export async function* followLines(
  file: string,
  present: { readonly handle: FileHandle; readonly end: Bytes } | null,
  watching: Watch,
  unread: Unread,
): AsyncGenerator<string> {
  let handle = present?.handle ?? null;
  let at = present?.end ?? 0;
  const splitter = lineSplitter();

  async function* read(): AsyncGenerator<string> {
    if (handle === null) return;
    const { size } = await handle.stat();
    if (size < at) {
      // Emptied (logrotate's copytruncate).
      at = 0;
      splitter.clear();
    }
    for await (const chunk of chunksOf(handle, at, size)) {
      at += chunk.length;
      yield* splitter.push(chunk);
    }
  }

  try {
    do {
      yield* read();
      while (await isMoved(file, handle)) {
        const next = await open(file).catch(() => null);
        if (next === null) break;
        // What was still written to the old one before it was moved, and what came between the two.
        yield* read();
        for (const path of await rotatedBetween(file, handle, next)) yield* forwards(path, () => true, unread);
        await handle?.close();
        handle = next;
        at = 0;
        splitter.clear();
        yield* read();
      }
    } while (await watching.next());
  } finally {
    await handle?.close();
  }
}

/** Whether another file is there by that name. While there is none, the one that was moved is still the one to read. */
async function isMoved(file: string, handle: FileHandle | null): Promise<boolean> {
  const there = await stat(file).catch(() => null);
  if (there === null) return false;
  const ours = await handle?.stat();
  return there.ino !== ours?.ino || there.dev !== ours.dev;
}

/** The files that were begun and rotated away after the old one and before the new one, oldest first. */
async function rotatedBetween(file: string, old: FileHandle | null, next: FileHandle): Promise<readonly string[]> {
  if (old === null) return [];
  const newestFirst = await rotatedFiles(file);
  const indexOf = async (handle: FileHandle): Promise<number> => {
    const name = await nameOf(handle);
    return newestFirst.findIndex(({ path }) => basename(path) === name || basename(path) === `${name}.gz`);
  };
  const [from, until] = [(await indexOf(next)) + 1, await indexOf(old)];
  // Retention may have deleted it.
  const { mtimeMs } = await old.stat();
  const between = until < 0 ? newestFirst.filter(({ written }) => written > mtimeMs) : newestFirst.slice(0, until);
  return between
    .slice(from)
    .map(({ path }) => path)
    .reverse();
}

/** What an open file is called by now, also once it is deleted (proc(5), /proc/PID/fd). */
async function nameOf({ fd }: FileHandle): Promise<string> {
  return basename((await readlink(`/proc/self/fd/${fd}`)).replace(/ \(deleted\)$/, ''));
}
