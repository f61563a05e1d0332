/**
 * The C library, through koffi, for the files of this folder that call it. Promises them that koffi is loaded at the first call, and that
 * failures are thrown as Node's own system errors are: `code` (`EMFILE`), `errno` (negative) and `syscall`.
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

export type Koffi = typeof import('koffi');

let loaded: Koffi | null = null;

export function koffi(): Koffi {
  loaded ??= createRequire(import.meta.url)('koffi') as Koffi;
  return loaded;
}

/** @param errno positive, as errno(3) has it */
export function systemError(errno: number, syscall: string): NodeJS.ErrnoException {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [nameOf(errno), strerror(errno)];
  return Object.assign(new Error(`${code}: ${text}, ${syscall}`), { code, errno: -errno, syscall });
}

/** libuv, whose names Node knows, has some errors not, ENOEXEC among them. */
function nameOf(errno: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `E${errno}`;
}

function strerror(errno: number): string {
  return koffi().load(null).func('const char *strerror(int errno)')(errno) as string;
}

/** The error of the last call made through koffi. */
export function failed(syscall: string): NodeJS.ErrnoException {
  return systemError(koffi().errno(), syscall);
}
