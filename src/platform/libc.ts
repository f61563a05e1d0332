/**
 * The C library, through koffi, for the files of this folder that call it. Promises them that koffi is loaded at the first call, and that
 * failures are thrown as Node's own system errors are: `code` (`EMFILE`), `errno` (negative) and `syscall`.
 */
import { createRequire } from 'node:module';
import { systemErrorOf } from '../errors.ts';

export type Koffi = typeof import('koffi');

let loaded: Koffi | null = null;

export function koffi(): Koffi {
  loaded ??= createRequire(import.meta.url)('koffi') as Koffi;
  return loaded;
}

/** @param errno positive, as errno(3) has it */
export function systemError(errno: number, syscall: string): NodeJS.ErrnoException {
  return systemErrorOf(errno, syscall, strerror);
}

function strerror(errno: number): string {
  return koffi().load(null).func('const char *strerror(int errno)')(errno) as string;
}

/** The error of the last call made through koffi. */
export function failed(syscall: string): NodeJS.ErrnoException {
  return systemError(koffi().errno(), syscall);
}
