/**
 * The machine's users and groups, as nsswitch.conf(5) has them found: getpwnam_r, getpwuid_r, getgrnam_r and getgrouplist
 * through koffi, which is loaded at the first question. What was found, or was not, is remembered for 10 seconds, so that a
 * burst of runs asks a slow server once.
 */
import type { Account, Accounts, Ms } from '../types.ts';
import { koffi, systemError } from './libc.ts';

const REMEMBERED: Ms = 10_000;
/** More than that is forgotten at once, rather than kept. */
const MOST = 1000;

interface LibC {
  readonly passwdSize: number;
  readonly groupSize: number;
  getpwnam(name: string, entry: Buffer, strings: Buffer, size: number, found: unknown[]): number;
  getpwuid(uid: number, entry: Buffer, strings: Buffer, size: number, found: unknown[]): number;
  getgrnam(name: string, entry: Buffer, strings: Buffer, size: number, found: unknown[]): number;
  getgrouplist(user: string, gid: number, groups: Uint32Array, count: Int32Array): number;
  passwd(entry: Buffer): Record<'name' | 'home' | 'shell', string | null> & Record<'uid' | 'gid', number>;
  group(entry: Buffer): { readonly gid: number };
}

let loaded: LibC | null = null;

/** The structures of <pwd.h> and <grp.h>, which glibc and musl share. */
function libc(): LibC {
  if (loaded !== null) return loaded;
  const { load, struct, sizeof, decode } = koffi();
  const c = load(null);
  const text = 'const char *';
  const passwd = struct({
    name: text,
    password: text,
    uid: 'uint32_t',
    gid: 'uint32_t',
    gecos: text,
    home: text,
    shell: text,
  });
  const group = struct({ name: text, password: text, gid: 'uint32_t', members: 'void *' });
  loaded = {
    passwdSize: sizeof(passwd),
    groupSize: sizeof(group),
    getpwnam: c.func('int getpwnam_r(const char *name, void *pwd, void *buf, size_t len, _Out_ void **result)'),
    getpwuid: c.func('int getpwuid_r(uint32_t uid, void *pwd, void *buf, size_t len, _Out_ void **result)'),
    getgrnam: c.func('int getgrnam_r(const char *name, void *grp, void *buf, size_t len, _Out_ void **result)'),
    getgrouplist: c.func('int getgrouplist(const char *user, uint32_t group, void *groups, void *count)'),
    passwd: (entry) => decode(entry, passwd),
    group: (entry) => decode(entry, group),
  };
  return loaded;
}

// <errno.h>
const [ENOENT, ESRCH, EINTR, EBADF, EPERM, ERANGE] = [2, 3, 4, 9, 1, 34];
/** What getpwnam(3) says may all mean that there is none. */
const NONE: readonly number[] = [0, ENOENT, ESRCH, EBADF, EPERM];
/** A group of many thousands of members takes some hundred KiB. */
const LARGEST = 1 << 26;

type Call = (entry: Buffer, strings: Buffer, size: number, found: unknown[]) => number;

/** The entry that a call fills in, decoded while what it points to is there; null for none. @throws a system error */
function entryOf<T>(call: Call, size: number, syscall: string, decode: (entry: Buffer) => T): T | null {
  for (let room = 1024; ; ) {
    const [entry, strings, found] = [Buffer.alloc(size), Buffer.alloc(room), [null] as unknown[]];
    const errno = call(entry, strings, room, found);
    if (errno === 0 && found[0] !== null) return decode(entry);
    if (errno === ERANGE && room < LARGEST) room *= 4;
    else if (NONE.includes(errno)) return null;
    else if (errno !== EINTR) throw systemError(errno, syscall);
  }
}

/** The number that is written: setresuid(2) takes the largest for "as it is". Null for a name. */
function numberIn(name: string): number | null {
  return /^\d{1,10}$/.test(name) && Number(name) < 0xffffffff ? Number(name) : null;
}

function findUser(name: string): Account | null {
  const c = libc();
  const uid = numberIn(name);
  const found =
    uid === null
      ? entryOf((...rest) => c.getpwnam(name, ...rest), c.passwdSize, 'getpwnam_r', c.passwd)
      : entryOf((...rest) => c.getpwuid(uid, ...rest), c.passwdSize, 'getpwuid_r', c.passwd);
  if (found !== null) {
    const { name: known, uid: number, gid, home, shell } = found;
    return Object.freeze({ name: known ?? '', uid: number, gid, home: home ?? '', shell: shell ?? '' });
  }
  // A group of the same number is what a user that is made as useradd(8) makes it would have.
  return uid === null ? null : Object.freeze({ name: '', uid, gid: uid, home: '', shell: '' });
}

function findGroup(name: string): number | null {
  const gid = numberIn(name);
  if (gid !== null) return gid;
  const c = libc();
  return entryOf((...rest) => c.getgrnam(name, ...rest), c.groupSize, 'getgrnam_r', c.group)?.gid ?? null;
}

function findGroups(user: string, gid: number): readonly number[] {
  for (let room = 64; ; ) {
    const groups = new Uint32Array(room);
    const count = new Int32Array([room]);
    const all = libc().getgrouplist(user, gid, groups, count) >= 0;
    const [needed = 0] = count;
    if (all) return Object.freeze([...new Set(groups.subarray(0, needed))]);
    room = Math.max(needed, room * 2);
  }
}

/** The user database. Throws a system error where it cannot be asked. */
export interface Lookups {
  findUser(name: string): Account | null;
  findGroup(name: string): number | null;
  findGroups(user: string, gid: number): readonly number[];
}

const DATABASE: Lookups = { findUser, findGroup, findGroups };

type Answer = { readonly value: unknown } | { readonly error: unknown };

/** A server that does not answer is not to be waited for at every run either. */
function ask(find: () => unknown): Answer {
  try {
    return { value: find() };
  } catch (error) {
    return { error };
  }
}

/** With a memory of its own; `monotonic` in ms. No call throws but with a system error: the database could not be asked. */
export function createAccounts(
  monotonic: () => Ms = () => performance.now(),
  { findUser, findGroup, findGroups }: Lookups = DATABASE,
): Accounts {
  const known = new Map<string, { readonly answer: Answer; readonly until: Ms }>();
  const remembered = <T>(key: string, find: () => T): T => {
    const now = monotonic();
    const entry = known.get(key);
    const answer = entry !== undefined && entry.until > now ? entry.answer : ask(find);
    if (answer !== entry?.answer) {
      if (known.size >= MOST) known.clear();
      known.set(key, { answer, until: monotonic() + REMEMBERED });
    }
    if ('error' in answer) throw answer.error;
    return answer.value as T;
  };
  return {
    user: (name) => remembered(`user ${name}`, () => findUser(name)),
    group: (name) => remembered(`group ${name}`, () => findGroup(name)),
    groupsOf: (account, gid) =>
      account.name === '' ? [gid] : remembered(`groups ${gid} ${account.name}`, () => findGroups(account.name, gid)),
  };
}

export const accounts: Accounts = createAccounts();
