/**
 * What Node lacks of the C library for a run and a lock: pipe2, memfd_create, FIONREAD, F_SETPIPE_SZ and flock here,
 * posix_spawn in spawn.ts. Nothing is loaded before the first call, so that it costs a program that starts no run nothing.
 * Failures are thrown as Node's own system errors are: `code` (`EMFILE`), `errno` (negative) and `syscall`.
 */
import { closeSync, fchownSync, openSync, writeSync } from 'node:fs';
import type { Native } from '../types.ts';
import { failed, koffi, systemError } from './libc.ts';
import { spawn } from './spawn.ts';

interface LibC {
  pipe2(fds: Int32Array, flags: number): number;
  memfdCreate(name: string, flags: number): number;
  ioctl(fd: number, request: number, type: 'int *', out: Int32Array): number;
  fcntl(fd: number, command: number, type: 'int', value: number): number;
  flock(fd: number, operation: number): number;
}

// <fcntl.h>, <linux/memfd.h>, <sys/file.h>: the same on every architecture that koffi and Node both run on.
const O_CLOEXEC = 0o2000000;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const F_SETPIPE_SZ = 1031;
const F_ADD_SEALS = 1033;
const F_SEAL_ALL = 0x1 | 0x2 | 0x4 | 0x8; // seal, shrink, grow, write
const MFD_CLOEXEC = 0x1;
const MFD_ALLOW_SEALING = 0x2;
const MFD_NOEXEC_SEAL = 0x8;
const LOCK_EX = 2;
const LOCK_NB = 4;
// <asm/ioctls.h>: POWER has numbers of its own.
const FIONREAD = process.arch === 'ppc64' ? 0x4004667f : 0x541b;
const EINTR = 4;
const EAGAIN = 11;
const EINVAL = 22;

let loaded: LibC | null = null;

function libc(): LibC {
  if (loaded === null) {
    const c = koffi().load(null);
    loaded = {
      pipe2: c.func('int pipe2(_Out_ int *fds, int flags)'),
      memfdCreate: c.func('int memfd_create(const char *name, unsigned int flags)'),
      ioctl: c.func('int ioctl(int fd, unsigned long request, ...)'),
      fcntl: c.func('int fcntl(int fd, int command, ...)'),
      flock: c.func('int flock(int fd, int operation)'),
    };
  }
  return loaded;
}

function pipe(): { read: number; write: number } {
  const fds = new Int32Array(2);
  if (libc().pipe2(fds, O_CLOEXEC) !== 0) throw failed('pipe2');
  const [read = -1, write = -1] = fds;
  return { read, write };
}

/** Kernels before 6.3 do not know MFD_NOEXEC_SEAL; some later ones accept nothing else (sysctl vm.memfd_noexec). */
function memoryFd(name: string): number {
  const fd = libc().memfdCreate(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  if (fd >= 0) return fd;
  if (koffi().errno() !== EINVAL) throw failed('memfd_create');
  const older = libc().memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (older < 0) throw failed('memfd_create');
  return older;
}

function memoryFile(name: string, content: string | Buffer): number {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  const fd = memoryFd(name);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at);
    // Nobody writes to it again, not even who opens it anew by /proc/PID/fd. A refusal costs no more than that.
    libc().fcntl(fd, F_ADD_SEALS, 'int', F_SEAL_ALL);
    // Opening by /proc makes a new open file description: read-only, and at the start.
    return openSync(`/proc/self/fd/${fd}`, 'r');
  } finally {
    closeSync(fd);
  }
}

function bytesWaiting(fd: number): number {
  const count = new Int32Array(1);
  if (libc().ioctl(fd, FIONREAD, 'int *', count) !== 0) throw failed('ioctl');
  return count[0] ?? 0;
}

function enlargePipe(fd: number, size: number): void {
  libc().fcntl(fd, F_SETPIPE_SZ, 'int', size);
}

export const native: Native = { spawn, giveTo: fchownSync, pipe, memoryFile, bytesWaiting, enlargePipe };

/**
 * flock(2) with LOCK_EX | LOCK_NB: takes the lock of an open file without waiting. False when another open file
 * description holds it; throws a system error for anything else. Closing the file gives the lock back.
 */
export function tryLock(fd: number): boolean {
  while (libc().flock(fd, LOCK_EX | LOCK_NB) !== 0) {
    const errno = koffi().errno();
    if (errno === EAGAIN) return false;
    if (errno !== EINTR) throw systemError(errno, 'flock');
  }
  return true;
}

/** FD_CLOEXEC of fcntl(2), for what libraries open without it. A refusal leaves the descriptor as it is. */
export function closeOnExec(fd: number): void {
  libc().fcntl(fd, F_SETFD, 'int', FD_CLOEXEC);
}
