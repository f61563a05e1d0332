/**
 * A folder that is held while files in it are made, named and deleted. Promises the results of a task with a `user` that
 * nobody but root leads the scheduler, which is root, elsewhere: each part of a path is entered by itself, a link is
 * followed only where nobody else can put one, and what is done afterwards is done in the folder that was entered,
 * whatever its path leads to by then (path_resolution(7), `O_PATH` of open(2)).
 */
import { constants, type Stats } from 'node:fs';
import { chmod, chown, type FileHandle, mkdir, open, readdir, readlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf } from '../errors.ts';
import { O_PATH } from '../modes.ts';
import type { Identity } from '../types.ts';
import {
  isMisplaced,
  isNewFolder,
  isOurs,
  isShared,
  isTrusted,
  type Owning,
  processUmask,
  Unsafe,
} from './ownership.ts';
import { syncFolder } from './sync.ts';

export interface Anchor {
  /** For system calls: a path to this name in the folder. */
  at(name: string): string;
  /** Whether what is there may be replaced whoever it belongs to: none but the scheduler can write it, or anything above. */
  readonly ours: boolean;
  /** The group that its set-group-ID bit gives to what is made in it; null without one. */
  readonly gid: number | null;
  /** Makes it where it is missing, with what is missing above it. False where it cannot be missing. */
  make(): Promise<boolean>;
  /** Makes its entries durable. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** For whom missing folders are made, as `Owning` says. */
export interface Making extends Owning {
  readonly user: Identity;
}

const { O_DIRECTORY, O_NOFOLLOW } = constants;
export const SET_GROUP_ID = 0o2000;
/** path_resolution(7) */
const MOST_LINKS = 40;
/** How often somebody else may make, and take away, the very folder that is to be made. */
const MOST_TRIES = 3;

interface Place {
  readonly handle: FileHandle;
  /** For system calls. */
  readonly path: string;
  readonly stat: Stats;
  readonly ours: boolean;
}

/** A part of a path that is still to be entered. */
interface Part {
  readonly name: string;
  /** The path as it was asked for, up to here. */
  readonly shown: string;
  /** Out of the text of a link: such a folder is not made. */
  readonly linked: boolean;
}

/**
 * @param folder absolute
 * @param making null: nothing is made, and a folder may be anybody's
 * @throws a system error, such as ENOENT or ENOTDIR, or an Unsafe
 */
export async function openAnchor(folder: string, making: Making | null): Promise<Anchor> {
  let place = await rootFolder();
  try {
    let parts = partsOf(resolve(folder));
    for (let links = 0; ; ) {
      const [part, ...rest] = parts;
      if (part === undefined) return anchorAt(place);
      const next = await enter(place, part, making);
      if (typeof next !== 'string') {
        await place.handle.close();
        place = next;
        parts = rest;
        continue;
      }
      if (++links > MOST_LINKS) throw new Unsafe(`${part.shown} leads through too many links`);
      if (next.startsWith('/')) {
        await place.handle.close();
        place = await rootFolder();
      }
      const names = next.split('/').filter((name) => name !== '' && name !== '.');
      parts = [...names.map((name) => ({ name, shown: part.shown, linked: true })), ...rest];
    }
  } catch (error) {
    await place.handle.close();
    throw error;
  }
}

function partsOf(folder: string): Part[] {
  const parts: Part[] = [];
  for (let shown = folder; shown !== '/'; shown = dirname(shown)) {
    parts.unshift({ name: shown.slice(shown.lastIndexOf('/') + 1), shown, linked: false });
  }
  return parts;
}

function anchorAt({ handle, path, stat, ours }: Place): Anchor {
  return {
    at: (name) => `${path}/${name}`,
    ours,
    gid: (stat.mode & SET_GROUP_ID) === 0 ? null : stat.gid,
    make: async () => false,
    sync: () => syncFolder(`${path}/.`),
    close: () => handle.close(),
  };
}

const rootFolder = async (): Promise<Place> => placeOf(await open('/', O_PATH | O_DIRECTORY), true);

/** @param above whether all above it are ours */
async function placeOf(handle: FileHandle, above: boolean): Promise<Place> {
  try {
    const stat = await handle.stat();
    return { handle, path: `/proc/self/fd/${handle.fd}`, stat, ours: above && isOurs(stat) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The folder of this name, which is made where it is missing and may be, or the text of the link that is there. */
async function enter(above: Place, part: Part, making: Making | null, tries = MOST_TRIES): Promise<Place | string> {
  const path = `${above.path}/${part.name}`;
  let handle: FileHandle;
  try {
    handle = await open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOTDIR' || errno === 'ELOOP') return linkAt(path, above, part, error);
    if (errno !== 'ENOENT' || making === null || part.linked || tries === 0) throw error;
    return (await inTurn(() => makeIn(above, part, making))) ?? enter(above, part, making, tries - 1);
  }
  const place = await placeOf(handle, above.ours);
  if (making === null || !isMisplaced(place.stat, above.stat, making.user)) return place;
  // It may be one that another run of ours makes at this moment.
  await inTurn(async () => {});
  const settled = await placeOf(handle, above.ours);
  if (!isMisplaced(settled.stat, above.stat, making.user)) return settled;
  await handle.close();
  throw new Unsafe(
    `${part.shown} belongs to another user, and stands in a folder where the user of the task may have put it`,
  );
}

/** @throws an Unsafe for a link that is not to be followed, `otherwise` for what is no link */
async function linkAt(path: string, above: Place, part: Part, otherwise: unknown): Promise<string> {
  const handle = await open(path, O_PATH | O_NOFOLLOW);
  const stat = await handle.stat().finally(() => handle.close());
  if (!stat.isSymbolicLink()) throw otherwise;
  if (!above.ours || !isTrusted(stat.uid)) {
    throw new Unsafe(
      `${part.shown} is a link, and for a task with a user links are followed only where none but root can make one`,
    );
  }
  // Nobody else can put another one there meanwhile.
  return readlink(path);
}

let turns: Promise<unknown> = Promise.resolve();

/** Folders are made one after the other: nobody comes upon one that is not its user's yet. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = turns.then(work);
  turns = mine.catch(() => {});
  return mine;
}

/** Null where somebody else has made it meanwhile. */
async function makeIn(above: Place, part: Part, making: Making): Promise<Place | null> {
  const path = `${above.path}/${part.name}`;
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return null;
    throw error;
  }
  const place = await placeOf(await open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW), above.ours);
  const itself = `${place.path}/.`;
  try {
    // Where others write, there may be another folder by now. One of ours that is empty they could have taken away, and
    // made for themselves, so that it does no harm to give it away.
    const isNew = isNewFolder(place.stat) && (await readdir(itself)).length === 0;
    if (!isNew) throw new Unsafe(`${part.shown} was replaced while it was made`);
    const { user, umask } = making;
    const shared = isShared(part.shown, making);
    const inherited = (above.stat.mode & SET_GROUP_ID) !== 0;
    if (!shared) await chown(itself, user.uid, inherited ? place.stat.gid : user.gid);
    const mask = shared || umask === null ? await processUmask() : umask;
    await chmod(itself, (place.stat.mode & SET_GROUP_ID) | (0o777 & ~mask));
    await syncFolder(`${above.path}/.`);
    return await placeOf(place.handle, above.ours);
  } catch (error) {
    await place.handle.close();
    throw error;
  }
}
