/**
 * Who stands at the other end of a unix socket, as the kernel saw it when the connection was made (unix(7), SO_PEERCRED and
 * SO_PEERGROUPS): nobody can claim to be somebody else. Promises the control socket an answer or null, never an error.
 */
import type { Peer } from '../types.ts';
import { koffi } from './libc.ts';

type GetSockOpt = (fd: number, level: number, name: number, value: Uint32Array, length: Uint32Array) => number;

// <asm/socket.h>: POWER and MIPS have numbers of their own.
const IS_MIPS = process.arch.startsWith('mips');
const SOL_SOCKET = IS_MIPS ? 0xffff : 1;
const SO_PEERCRED = process.arch === 'ppc64' ? 21 : IS_MIPS ? 18 : 17;
const SO_PEERGROUPS = 59;
const WORD = 4;
/** NGROUPS_MAX of credentials(7): nobody is in more. */
const MOST_GROUPS = 65_536;

let loaded: GetSockOpt | null = null;

function getsockopt(): GetSockOpt {
  loaded ??= koffi()
    .load(null)
    .func('int getsockopt(int fd, int level, int name, _Out_ uint32_t *value, _Inout_ uint32_t *length)') as GetSockOpt;
  return loaded;
}

/** Null where `fd` is no connected unix socket, or the C library cannot be asked. Never throws. */
export function peerOf(fd: number): Peer | null {
  try {
    const credentials = option(fd, SO_PEERCRED, 3);
    if (credentials?.length !== 3) return null;
    const [pid = 0, uid = 0, gid = 0] = credentials;
    // Who is in few groups is in one call; kernels before 4.13 do not tell any.
    const groups = option(fd, SO_PEERGROUPS, 64) ?? option(fd, SO_PEERGROUPS, MOST_GROUPS) ?? [];
    return { pid, uid, gid, groups: [...groups] };
  } catch {
    return null;
  }
}

/** At most so many words; null where there are more, or none of the kind. */
function option(fd: number, name: number, words: number): Uint32Array | null {
  const value = new Uint32Array(words);
  const length = new Uint32Array([words * WORD]);
  if (getsockopt()(fd, SOL_SOCKET, name, value, length) !== 0) return null;
  return value.subarray(0, (length[0] ?? 0) / WORD);
}
