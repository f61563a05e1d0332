/**
 * The folders of results, one at a time. Promises to hold one descriptor at most, however many folders there are, and none
 * for a task that runs as the scheduler itself: of that the path is used as it is.
 */
import { chmod, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolders } from '../folders.ts';
import type { Identity } from '../types.ts';
import { type Anchor, type Making, openAnchor, SET_GROUP_ID } from './anchor.ts';
import { isShared, type Owning } from './ownership.ts';
import { syncFolder } from './sync.ts';

export class Anchors {
  readonly #making: Making | null;
  readonly #owning: Owning | null;
  #held: { readonly folder: string; readonly anchor: Anchor } | null = null;

  /** @param owning of the folders that are made; null where none are */
  constructor(owning: Owning | null = null, user: Identity | null = null) {
    this.#owning = owning;
    this.#making = owning === null || user === null ? null : { ...owning, user };
  }

  /**
   * It is there to be used until the next call.
   * @param owner the user of the task; null for one that runs as the scheduler itself
   * @throws as openAnchor
   */
  async of(folder: string, owner: number | null): Promise<Anchor> {
    if (owner === null) return plainAnchor(folder, this.#owning);
    if (this.#held?.folder === folder) return this.#held.anchor;
    await this.close();
    const anchor = await openAnchor(folder, this.#making);
    this.#held = { folder, anchor };
    return anchor;
  }

  async close(): Promise<void> {
    const held = this.#held;
    this.#held = null;
    await held?.anchor.close();
  }
}

function plainAnchor(folder: string, owning: Owning | null): Anchor {
  return {
    at: (name) => join(folder, name),
    ours: true,
    gid: null,
    make: () => makeDurably(folder, owning),
    sync: () => syncFolder(folder),
    close: async () => {},
  };
}

async function makeDurably(folder: string, owning: Owning | null): Promise<boolean> {
  const first = await makeFolders(folder);
  if (first === null) return true;
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    const umask = owning === null || isShared(made, owning) ? null : owning.umask;
    if (umask !== null) await chmod(made, ((await stat(made)).mode & SET_GROUP_ID) | (0o777 & ~umask));
    // Each new folder is an entry of the one above it.
    await syncFolder(dirname(made));
  }
  return true;
}
