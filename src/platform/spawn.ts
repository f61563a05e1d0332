/**
 * Starts programs by posix_spawn(3) and sees them end by SIGCHLD and wait4(2). Promises execution that a start costs the same
 * however large this process is (Node's own forks, and copies its tables), that a child's end is told with its signal and
 * its usage as the kernel tells them, and that the children of child_process stay Node's.
 */
import { closeSync } from 'node:fs';
import type { Child, SpawnRequest, WaitStatus } from '../types.ts';
import { failed, koffi, systemError } from './libc.ts';
import { signalName } from './signal-names.ts';

interface LibC {
  /** Like all of posix_spawn*, it answers the error, and does not set errno. */
  posixSpawn(
    pid: Int32Array,
    file: string,
    actions: Buffer,
    attributes: Buffer,
    argv: readonly (string | null)[],
    env: readonly (string | null)[],
  ): number;
  actionsInit(actions: Buffer): number;
  actionsDestroy(actions: Buffer): number;
  addDup2(actions: Buffer, fd: number, target: number): number;
  /** Null before glibc 2.34, and with musl. */
  addCloseFrom: ((actions: Buffer, from: number) => number) | null;
  fcntl(fd: number, command: number, type: 'int', value: number): number;
  ptrace(request: number, pid: number, address: number, data: number): number;
  wait4(pid: number, status: Int32Array, options: number, usage: Longs): number;
  readonly attributes: Buffer;
  /** What wait4 fills in, time and again. */
  readonly status: Int32Array;
  readonly usage: Longs;
}
/** C's `long`: struct rusage is 18 of them. */
type Longs = BigInt64Array | Int32Array;

/** posix_spawn_file_actions_t, posix_spawnattr_t: 80 and 336 bytes with glibc on x86-64; no C library has larger ones. */
const STRUCT_SIZE = 1024;
/** sigset_t: 128 bytes with glibc and musl. */
const SIGSET_SIZE = 128;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
const F_DUPFD_CLOEXEC = 1030;
const WNOHANG = 1;
/** WIFSTOPPED of wait(2) */
const STOPPED = 0x7f;
const PTRACE_DETACH = 17;
const SIGTRAP = 5;
const EINVAL = 22;
const [UTIME, STIME, MAXRSS] = [0, 2, 4] as const;
const KIB = 1024;

let loaded: LibC | null = null;

function libc(): LibC {
  if (loaded === null) {
    const k = koffi();
    const c = k.load(null);
    const argument = 'void *';
    loaded = {
      posixSpawn: c.func(
        'int posix_spawn(_Out_ int *pid, const char *path, void *actions, void *attributes, const char **argv, const char **env)',
      ),
      actionsInit: c.func('posix_spawn_file_actions_init', 'int', [argument]),
      actionsDestroy: c.func('posix_spawn_file_actions_destroy', 'int', [argument]),
      addDup2: c.func('posix_spawn_file_actions_adddup2', 'int', [argument, 'int', 'int']),
      addCloseFrom: optional(() => c.func('posix_spawn_file_actions_addclosefrom_np', 'int', [argument, 'int'])),
      fcntl: c.func('int fcntl(int fd, int command, ...)'),
      ptrace: c.func('long ptrace(int request, int pid, long address, long data)'),
      wait4: c.func('int wait4(int pid, _Out_ int *status, int options, void *usage)'),
      status: new Int32Array(1),
      usage: k.sizeof('long') === 8 ? new BigInt64Array(18) : new Int32Array(18),
      attributes: Buffer.alloc(STRUCT_SIZE),
    };
    // What is common to all: a session of its own, no signal blocked, none ignored. None of these calls can fail.
    const { attributes } = loaded;
    c.func('posix_spawnattr_init', 'int', [argument])(attributes);
    c.func('posix_spawnattr_setflags', 'int', [argument, 'short'])(
      attributes,
      POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF,
    );
    c.func('posix_spawnattr_setsigmask', 'int', [argument, argument])(attributes, Buffer.alloc(SIGSET_SIZE));
    c.func('posix_spawnattr_setsigdefault', 'int', [argument, argument])(attributes, Buffer.alloc(SIGSET_SIZE, 0xff));
  }
  return loaded;
}

function optional<T>(find: () => T): T | null {
  try {
    return find();
  } catch {
    return null;
  }
}

function check(error: number): void {
  if (error !== 0) throw systemError(error, 'posix_spawn');
}

/**
 * `Native.spawn` of types.ts.
 * @throws a system error, with EINVAL for a NUL byte in what the program is given: C would end the text there
 */
export function spawn(request: SpawnRequest): Child {
  const { file, argv, fds } = request;
  const env = Object.entries(request.env).map(([name, value]) => `${name}=${value}`);
  if ([file, ...argv, ...env].some((text) => text.includes('\0'))) throw systemError(EINVAL, 'posix_spawn');
  const c = libc();
  const actions = Buffer.alloc(STRUCT_SIZE);
  const spares: number[] = [];
  check(c.actionsInit(actions));
  try {
    // A descriptor that is itself one of the targets would be overwritten before it is used.
    const sources = fds.map((fd) => (fd < fds.length ? duplicate(fd, fds.length, spares) : fd));
    for (const [target, fd] of sources.entries()) check(c.addDup2(actions, fd, target));
    // Ours are all closed on exec; what this process was itself started with may not be.
    if (c.addCloseFrom !== null) check(c.addCloseFrom(actions, fds.length));
    return begin(() => {
      const pid = new Int32Array(1);
      check(c.posixSpawn(pid, file, actions, c.attributes, [...argv, null], [...env, null]));
      return pid[0] ?? 0;
    });
  } finally {
    for (const fd of spares) closeSync(fd);
    c.actionsDestroy(actions);
  }
}

/** A copy of `fd` that is `from` or higher. */
function duplicate(fd: number, from: number, spares: number[]): number {
  const copy = libc().fcntl(fd, F_DUPFD_CLOEXEC, 'int', from);
  if (copy < 0) throw failed('fcntl');
  spares.push(copy);
  return copy;
}

// ---------------------------------------------------------------------------------------------- ends

/** The children that live, and who waits for their end. */
const living = new Map<number, (status: WaitStatus) => void>();
let keepAlive: NodeJS.Timeout | null = null;

/** Listens for SIGCHLD before there is a child to miss. */
function begin(start: () => number): Child {
  if (living.size === 0) listen();
  let pid = 0;
  try {
    pid = start();
  } finally {
    if (pid === 0 && living.size === 0) listenNoMore();
  }
  const ended = new Promise<WaitStatus>((resolve) => {
    living.set(pid, resolve);
  });
  return { pid, ended };
}

function listen(): void {
  process.on('SIGCHLD', reap);
  // A listener for a signal keeps no event loop going, and a child that lives shall.
  keepAlive = setInterval(() => {}, 2 ** 30);
}

function listenNoMore(): void {
  process.off('SIGCHLD', reap);
  if (keepAlive !== null) clearInterval(keepAlive);
  keepAlive = null;
}

/** Several ends may be told by one SIGCHLD. One by one: wait4(-1) would take the ends of Node's own children from it. */
function reap(): void {
  for (const [pid, tell] of living) {
    const status = endOf(pid);
    if (status === null) continue;
    living.delete(pid);
    tell(status);
  }
  if (living.size === 0) listenNoMore();
}

/** Null while it lives. */
function endOf(pid: number): WaitStatus | null {
  const c = libc();
  const { status, usage } = c;
  const found = c.wait4(pid, status, WNOHANG, usage);
  if (found === 0) return null;
  // ECHILD: somebody else in this process took its end. Nothing is known of it but that it came.
  if (found < 0) return { code: null, signal: null, memory: 0, cpu: 0 };
  const word = status[0] ?? 0;
  if ((word & 0xff) === STOPPED) return letGo(pid, (word >> 8) & 0xff);
  const signal = word & 0x7f;
  return {
    code: signal === 0 ? (word >> 8) & 0xff : null,
    signal: signal === 0 ? null : signalName(signal),
    memory: Number(usage[MAXRSS]) * KIB,
    cpu: Math.round(timeval(usage, UTIME) + timeval(usage, STIME)),
  };
}

/**
 * It asked to be traced (PTRACE_TRACEME of ptrace(2)), and its tracer, who is asked at each signal, would be we: it goes on
 * without one, with the signal that stopped it.
 */
function letGo(pid: number, signal: number): null {
  libc().ptrace(PTRACE_DETACH, pid, 0, signal === SIGTRAP ? 0 : signal);
  return null;
}

/** In ms. */
function timeval(usage: Longs, at: number): number {
  return Number(usage[at]) * 1000 + Number(usage[at + 1]) / 1000;
}
