/** The shape of what a task asks for its process, and of what it may use (SPEC 3.1). For the schema. Pure. */
import * as z from 'zod/mini';
import { mapping, off, own, size, text, whole } from './schema-parts.ts';
import { parsePercent, parseUmask } from './sizes.ts';

/** What stands after "expected" in messages; hints need some of the same words. */
export const EXPECTED_CONTEXT = {
  env: 'a mapping of names and their values',
  value: 'a text, a whole number, true, false, or null to take the name away',
  envFile: 'a path or a list of paths, each with - in front where the file may be missing',
  envFilePath: 'a path, with - in front where the file may be missing',
  cwd: 'the path of a folder',
  user: 'the name or the number of a user',
  group: 'the name or the number of a group',
  umask: 'an octal number in quotes such as "0022"',
  nice: 'a whole number from -20 to 19',
  credentials: 'a mapping of names and the files of their contents',
  source: 'an absolute path, or the name of a credential of the scheduler',
  credential: 'letters, digits and . _ - in the name of a credential, at most 255, and neither . nor ..',
  size: 'a size such as 512M or whole bytes from 1, or infinity',
  memory: 'a size such as 512M, a share of the memory such as 50%, or infinity',
  cpu: 'a share of one processor such as 50% or 200%, or infinity',
  processes: 'a number of processes from 1, or infinity',
} as const;

const E = EXPECTED_CONTEXT;

/** Numbers that stand for no user and no group: setresuid(2) takes -1 for "as it is", and 16 bits of it are one too. */
const NO_ID = [0xffff, 0xffffffff];
const isName = (name: string): boolean => name.trim() === name && /^[^:/\p{Cc}]+$/u.test(name);
const isId = (id: number): boolean => id >= 0 && id < 0xffffffff && !NO_ID.includes(id);
export const account = (expected: string) =>
  z.union(
    [
      z.int(expected).check(z.refine(isId, expected)),
      z.string(expected).check(z.refine((s) => isName(s) && (!/^\d+$/.test(s) || isId(Number(s))), expected)),
    ],
    expected,
  );

const path = text(E.envFilePath).check(
  z.refine((s) => s.replace(/^-/, '').trim() !== '' && !s.includes('\0'), E.envFilePath),
);

/** What both files may say; the defaults file for all tasks. */
export const context = {
  env: off(
    z.record(z.string(), z.nullable(z.union([z.string(E.value), z.int(E.value), z.boolean(E.value)], E.value)), E.env),
  ),
  env_file: off(z.union([path, z.array(path, E.envFile)], E.envFile)),
  cwd: off(text(E.cwd)),
  user: off(account(E.user)),
  group: off(account(E.group)),
  umask: off(z.string(E.umask).check(z.refine((s) => parseUmask(s) !== null, E.umask))),
  nice: off(z.int(E.nice).check(z.minimum(-20, E.nice), z.maximum(19, E.nice))),
};

/** As systemd names them (systemd.exec(5), LoadCredential=), which is also a name that no folder gives a meaning to. */
export const isCredential = (name: string): boolean => /^[A-Za-z0-9._-]{1,255}$/.test(name) && !/^\.\.?$/.test(name);
const isSource = (source: string): boolean => (source.startsWith('/') ? !source.includes('\0') : isCredential(source));

/** A task's own: what is secret is not for all. */
export const credentials = own(
  z.record(z.string(), z.string(E.source).check(z.refine(isSource, E.source)), E.credentials),
);

const orNone = (expected: string) => z.literal('infinity', expected);
const share = (most: number, expected: string) =>
  z.string(expected).check(z.refine((s) => (parsePercent(s) ?? most + 1) <= most, expected));
const bytes = off(z.union([size(E.size), orNone(E.size)], E.size));
export const limits = mapping(
  {
    output: bytes,
    log: bytes,
    memory: off(z.union([size(E.memory), share(100, E.memory), orNone(E.memory)], E.memory)),
    cpu: off(z.union([share(Number.MAX_SAFE_INTEGER, E.cpu), orNone(E.cpu)], E.cpu)),
    processes: off(z.union([whole(1, E.processes), orNone(E.processes)], E.processes)),
  },
  'a mapping with output, log, memory, cpu or processes',
);

export const control = mapping({ steer_group: off(account(E.group)) }, 'a mapping with steer_group');
