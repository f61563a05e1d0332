/** Finds the files of a configuration (SPEC 3): `tasks` and `defaults` in one of their formats, and the drop-ins. For load. */
import { lstat, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, messageOf } from '../errors.ts';
import type { Style } from './document.ts';

export const SUFFIXES = ['toml', 'yaml', 'yml'] as const;

/** The files of one name that are there: none, one, or too many. */
export async function findNamed(folder: string, name: string): Promise<string[]> {
  const found: string[] = [];
  for (const suffix of SUFFIXES) {
    const file = join(folder, `${name}.${suffix}`);
    try {
      // A link to nothing is there too: reading it says what is wrong with it.
      await lstat(file);
      found.push(file);
    } catch (thrown) {
      if (!isAbsent(thrown)) throw thrown;
    }
  }
  return found;
}

const isAbsent = (thrown: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(errnoOf(thrown) ?? '');

export function styleOf(file: string): Style {
  return file.endsWith('.toml') ? 'toml' : 'yaml';
}

export interface DropIns {
  readonly files: readonly string[];
  /** Folders that cannot be listed, with why. */
  readonly unreadable: readonly { readonly file: string; readonly message: string }[];
}

/**
 * The drop-ins of both folders in the order of their names. One of the first folder takes the place of the packaged one
 * of the same name; a link to /dev/null takes it away.
 */
export async function findDropIns(folder: string, packaged: string | null): Promise<DropIns> {
  const byName = new Map<string, string>();
  const unreadable: { file: string; message: string }[] = [];
  for (const place of packaged === null ? [folder] : [packaged, folder]) {
    try {
      for (const name of await readdir(place)) if (isDropIn(name)) byName.set(name, join(place, name));
    } catch (thrown) {
      if (!isAbsent(thrown))
        unreadable.push({ file: place, message: `expected a folder, found that ${messageOf(thrown)}` });
    }
  }
  const files: string[] = [];
  // By code point, as `ls` in the C locale: `<` on strings compares UTF-16, which differs beyond the BMP only.
  for (const name of [...byName.keys()].sort((a, b) => (a < b ? -1 : 1))) {
    const file = byName.get(name);
    if (file !== undefined && (await realpath(file).catch(() => file)) !== '/dev/null') files.push(file);
  }
  return { files, unreadable };
}

/** As the shell's `*.toml`: no hidden files, and no backups such as `a.toml~`. */
const isDropIn = (name: string): boolean => /^[^.].*\.(toml|yaml|yml)$/s.test(name);
