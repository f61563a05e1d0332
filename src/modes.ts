/** Who may write what, by inode(7), and what Node has no names for of open(2) and the modes, for all who ask. Pure. */
import type { Stats } from 'node:fs';
import type { Identity } from './types.ts';

/** In every Linux but that of alpha, parisc and sparc. */
export const O_PATH = 0o10000000;

export const STICKY = 0o1000;
export const GROUP_WRITES = 0o020;
export const OTHERS_WRITE = 0o002;

export type Mode = Pick<Stats, 'uid' | 'gid' | 'mode'>;

export function canWrite({ uid, gid, mode }: Mode, user: Identity): boolean {
  // An owner can give himself the right.
  if (uid === user.uid || (mode & OTHERS_WRITE) !== 0) return true;
  return (mode & GROUP_WRITES) !== 0 && (gid === user.gid || user.groups.includes(gid));
}
