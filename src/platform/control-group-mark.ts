/** The mark by which systemd tells a service that its control group is its own to manage: an extended attribute. */
import { koffi } from './libc.ts';

type GetAttribute = (path: string, name: string, value: Buffer, size: number) => number;

let loaded: GetAttribute | null = null;

/**
 * getxattr(2) of `user.delegate` (systemd 251 and later) and `trusted.delegate` (236 and later, seen by root alone), which
 * the system's instance sets, and a user's does not: whether one of them is there and says 1. "Control Group APIs and Delegation" of systemd describes both.
 */
export function isMarkedDelegated(path: string): boolean {
  if (loaded === null) {
    const signature = 'long getxattr(const char *path, const char *name, void *value, size_t size)';
    loaded = koffi().load(null).func(signature) as GetAttribute;
  }
  const value = Buffer.alloc(8);
  for (const name of ['user.delegate', 'trusted.delegate']) {
    const size = Number(loaded(path, name, value, value.length));
    if (size > 0 && value.toString('latin1', 0, size) === '1') return true;
  }
  return false;
}
