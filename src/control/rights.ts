/** Who may do what over the control socket (SPEC 12). Pure. Whoever could connect may read: the socket's mode has let him in. */

import type { Peer } from '../types.ts';

export type { Peer };

/** Root, the daemon's own user, and the members of the group that the configuration names. Nobody that is not known. */
export function maySteer(peer: Peer | null, ownUid: number, steerGroup: () => number | null): boolean {
  if (peer === null) return false;
  if (peer.uid === 0 || peer.uid === ownUid) return true;
  const steerGid = steerGroup();
  return steerGid !== null && (peer.gid === steerGid || peer.groups.includes(steerGid));
}

/** For the log: `uid 1000 (pid 4711)`. */
export function nameOf(peer: Peer | null): string {
  return peer === null ? 'somebody unknown' : `uid ${peer.uid} (pid ${peer.pid})`;
}
