/** Whose folders and results are: the rules by which a result of a task with a `user` is made (SPEC 8), and umask(2). */
import { readFile } from 'node:fs/promises';
import { canWrite, GROUP_WRITES, type Mode, OTHERS_WRITE, STICKY } from '../modes.ts';
import type { Identity } from '../types.ts';

/** A path that no file is made at, or deleted: a user could have led it where he may not write. Its message is a sentence. */
export class Unsafe extends Error {}

const PERMISSIONS = 0o777;

/** Root, and who the scheduler itself is: both can do as they like without Fate. */
export function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/** No one else can write it. With a POSIX ACL (acl(5)) the group's bits are those of its mask, and thus tell too. */
export function isOurs({ uid, mode }: Mode): boolean {
  return isTrusted(uid) && (mode & (GROUP_WRITES | OTHERS_WRITE)) === 0;
}

/**
 * Whether a folder may have come to where it is by the user's hand (rename(2)), while he himself cannot write in it: root
 * would make his files for him where he may not.
 */
export function isMisplaced(folder: Mode, above: Mode, user: Identity): boolean {
  if (isTrusted(user.uid) || folder.uid === user.uid) return false;
  if ((folder.mode & (GROUP_WRITES | OTHERS_WRITE)) !== 0 || !canWrite(above, user)) return false;
  return (above.mode & STICKY) === 0 || above.uid === user.uid;
}

/** What holds for folders that are made. */
export interface Owning {
  /** The task's; null: the scheduler's. */
  readonly umask: number | null;
  /** `<data>/result`: it and what is above it are the scheduler's, with its umask; a folder made elsewhere is the task's. */
  readonly resultFolder: string;
}

export function isShared(folder: string, { resultFolder }: Owning): boolean {
  return resultFolder === folder || resultFolder.startsWith(`${folder}/`);
}

/** As mkdir(2) with 0700 leaves a folder of ours. */
export function isNewFolder({ uid, mode }: Mode): boolean {
  return uid === process.geteuid?.() && (mode & PERMISSIONS & ~0o700) === 0;
}

let umaskRead: Promise<number> | undefined;

/** The scheduler's own, from /proc, since process.umask() can only be read by setting it, for all threads. */
export function processUmask(): Promise<number> {
  umaskRead ??= readFile('/proc/self/status', 'utf8').then(
    (status) => Number.parseInt(/^Umask:\s*([0-7]+)/m.exec(status)?.[1] ?? '77', 8),
    () => 0o077,
  );
  return umaskRead;
}
