/**
 * Who can write a configuration that root would run (SPEC 4): a file or its folder that others than root can write is
 * refused when the scheduler is root. For load.
 */
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const GROUP = 0o020;
const OTHERS = 0o002;

export interface Unsafe {
  readonly file: string;
  readonly message: string;
}

/** What is wrong with the files, the folders they stand in, and where one is a link its target and that one's folder. */
export async function unsafeParts(files: readonly string[]): Promise<Unsafe[]> {
  const paths = new Set<string>();
  for (const file of files) {
    const real = await realpath(file).catch(() => file);
    // stat follows links: the owner and mode of the link itself mean nothing, those of its folder do.
    if (real !== '/dev/null') for (const path of [dirname(file), dirname(real), real]) paths.add(path);
  }
  const found: Unsafe[] = [];
  for (const path of paths) {
    const message = await objection(path);
    if (message !== null) found.push({ file: path, message });
  }
  return found;
}

/** A sticky folder does not help: others may make new files in it. ACLs show in the group's bits. */
async function objection(path: string): Promise<string | null> {
  const facts = await stat(path).catch(() => null);
  if (facts === null) return null;
  const others = [
    ...(facts.uid === 0 ? [] : [`its owner ${facts.uid}`]),
    ...((facts.mode & GROUP) === 0 ? [] : [`its group ${facts.gid}`]),
    ...((facts.mode & OTHERS) === 0 ? [] : ['everybody']),
  ];
  if (others.length === 0) return null;
  const what = facts.isDirectory() ? 'folder' : 'file';
  return `expected a ${what} that only root can write, found that ${others.join(' and ')} can`;
}
