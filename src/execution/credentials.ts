/**
 * The credentials of a run (SPEC 3.1): copies in a folder of its own, for its user alone, gone with it. Promises that nothing of
 * what they hold is ever told, and that taking them away leads the scheduler nowhere else: the folder stays the scheduler's,
 * and nobody else can make, name or remove anything in it.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFoldersSync } from '../folders.ts';
import type { Bytes, Identity, Task } from '../types.ts';
import type { Env } from './environment.ts';
import { systemText } from './failure.ts';
import { readSmall } from './small-file.ts';

/** Of each, as systemd takes (systemd.exec(5), LoadCredential=). */
const LARGEST: Bytes = 1024 * 1024;
const OWN_UID = process.geteuid?.() ?? 0;
const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

type Credential = Task['context']['credentials'][number];

/**
 * Makes `folder` with a file (0400) for each credential of the task, owned by `identity`. The folder is the scheduler's, and
 * the group of `identity` may look into it (0550; without one 0500); the folder above it is made where it is missing, for
 * anyone to pass and for nobody to list. `env`: the scheduler's. Answers why it could not, with nothing left; never throws.
 */
export function placeCredentials(folder: string, task: Task, identity: Identity | null, env: Env): string | null {
  try {
    const above = dirname(folder);
    if (lstatSync(above, { throwIfNoEntry: false }) === undefined) {
      makeFoldersSync(above, 0o711);
      inFolder(above, (fd) => fchmodSync(fd, 0o711));
    }
    removeCredentials(folder);
    mkdirSync(folder, 0o700);
    // Whatever the umask takes away.
    inFolder(folder, (fd) => fchmodSync(fd, 0o700));
  } catch (error) {
    return `the credentials cannot be placed in ${folder}: ${systemText(error)}`;
  }
  const why = fill(folder, task, identity, env);
  if (why !== null) removeCredentials(folder);
  return why;
}

function fill(folder: string, task: Task, identity: Identity | null, env: Env): string | null {
  for (const credential of task.context.credentials) {
    const source = sourceOf(credential, env);
    if (source === null) {
      return `the credential ${credential.name} cannot be had: the scheduler was given no credentials by systemd, of which ${credential.source} is to be one`;
    }
    const read = readSmall(source, LARGEST, identity);
    if (!read.ok) return `the credential ${credential.name} cannot be had: ${source} ${read.why}`;
    try {
      write(join(folder, credential.name), read.bytes, identity);
    } catch (error) {
      return `the credential ${credential.name} cannot be placed in ${folder}: ${systemText(error)}`;
    } finally {
      read.bytes.fill(0);
    }
  }
  try {
    inFolder(folder, (fd) => {
      fchmodSync(fd, identity === null ? 0o500 : 0o550);
      if (identity !== null) fchownSync(fd, OWN_UID, identity.gid);
    });
  } catch (error) {
    return `the credentials cannot be placed in ${folder}: ${systemText(error)}`;
  }
  return null;
}

/** The file of a credential; null for one of systemd's where there are none. */
export function sourceOf({ source }: Credential, env: Env): string | null {
  if (source.startsWith('/')) return source;
  const folder = env.CREDENTIALS_DIRECTORY;
  return folder === undefined || folder === '' ? null : join(folder, source);
}

function write(file: string, bytes: Buffer, identity: Identity | null): void {
  const fd = openSync(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o400);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    handOver(fd, 0o400, identity);
  } finally {
    closeSync(fd);
  }
}

/** The mode first: who owns a file may set it again, and the umask has no say. */
function handOver(fd: number, mode: number, identity: Identity | null): void {
  fchmodSync(fd, mode);
  if (identity !== null) fchownSync(fd, identity.uid, identity.gid);
}

function isOurs(fd: number): boolean {
  if (fstatSync(fd).uid !== OWN_UID) return false;
  fchmodSync(fd, 0o700);
  return true;
}

function inFolder<T>(path: string, work: (fd: number) => T): T {
  const fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

// ---------------------------------------------------------------------------------------------- taking away

/**
 * Removes the folder of a run with all that is in it; one that is not there is no error, and what cannot be removed stays. Never
 * throws, and follows no link.
 */
export function removeCredentials(folder: string): void {
  try {
    // In a folder of somebody else what a path leads to may change at any moment.
    if (!inFolder(folder, isOurs)) return;
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Not there, or busy: who makes it again removes it first.
  }
}
