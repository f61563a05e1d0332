/**
 * Every error that Fate itself raises: a closed table of codes, each with the exit status of SPEC section 1.
 * docs/errors.md lists the same table; a test compares the two. Besides, the errors of the system: how they are made and read.
 */
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import type { Problem } from './types.ts';

export const ERRORS = {
  USAGE: { exit: 2, text: 'the command line cannot be understood' },
  LOCK_HELD: { exit: 2, text: 'another scheduler runs this configuration' },
  TASK_UNKNOWN: { exit: 2, text: 'no task of that name' },
  RUN_UNKNOWN: { exit: 2, text: 'no run of that id, or more than one' },
  CONF_AMBIGUOUS: { exit: 64, text: 'one configuration file is present in more than one format' },
  CONF_SYNTAX: { exit: 65, text: 'a configuration file cannot be parsed' },
  PATH_TYPE: { exit: 71, text: 'something of the wrong type is where `fate init` would put a file or a folder' },
  CONF_MISSING: { exit: 72, text: 'a configuration file is missing' },
  PATH_ACCESS: { exit: 73, text: '`fate init` cannot write, or cannot see, what it would put there' },
  CONF_UNSAFE: { exit: 77, text: 'others than root can write a configuration that root would run' },
  CONF_INVALID: { exit: 78, text: 'a wrong type or value in the configuration' },
  TEMPORARY: { exit: 75, text: 'the daemon cannot be reached, or not now; try again' },
  SOFTWARE: { exit: 70, text: 'a fault of Fate itself' },
  NOT_PERMITTED: { exit: 77, text: 'not permitted' },
  COMMAND_NOT_FOUND: { exit: 127, text: 'the command was not found' },
  FATAL: { exit: 1, text: 'an unexpected failure, such as a folder that cannot be made' },
} as const satisfies Record<string, { exit: number; text: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** An error for people: `message` is whole sentences without a final full stop; no stack is ever shown unless `--tb`. */
export class FateError extends Error {
  override readonly name = 'FateError';
  readonly code: ErrorCode;
  /** What is wrong with the configuration, where that is the reason. */
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; problems?: readonly Problem[] } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.problems = options.problems ?? [];
  }

  get exitStatus(): number {
    return ERRORS[this.code].exit;
  }
}

/** The message of anything thrown, in one line. */
export function messageOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).replaceAll(/\s*\n\s*/g, ' ');
}

/** The errno name of a system error (`ENOSPC`), or null. */
export function errnoOf(thrown: unknown): string | null {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null;
}

/**
 * An error of the kernel as Node makes them: `code` (`EMFILE`), `errno` (negative) and `syscall`.
 * @param errno positive, as errno(3) has it
 * @param textOf says it in words where libuv does not know it, whose list lacks some, ENOEXEC among them
 */
export function systemErrorOf(
  errno: number,
  syscall: string,
  textOf: (errno: number) => string = (unknown) => `error ${unknown}`,
): NodeJS.ErrnoException {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [nameOf(errno), textOf(errno)];
  return Object.assign(new Error(`${code}: ${text}, ${syscall}`), { code, errno: -errno, syscall });
}

function nameOf(errno: number): string {
  return Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `E${errno}`;
}
