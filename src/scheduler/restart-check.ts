/**
 * Before a daemon lets go: whether a new start would get anywhere. Promises it that the loop is not held up, and that what is
 * looked at is what would be started: the programs as they are installed now, the configuration as it is written now.
 */
import { execFile } from 'node:child_process';
import { FateError, messageOf } from '../errors.ts';
import type { Ms } from '../types.ts';

/** For a program that only says its version. */
const TIME_LIMIT: Ms = 10_000;
/** Of what it says in vain. */
const EXCERPT = 300;

type Command = readonly [string, ...string[]];

export interface CheckParts {
  /** What the new program has to be. */
  readonly program: string;
  /** Has the new program say its version. */
  readonly command: Command;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads the configuration as a start does. @throws FateError */
  load(): Promise<unknown>;
  /** Gives it up: nobody waits for it any more. */
  readonly signal?: AbortSignal | undefined;
}

/** What the new program says that it is: `fated 2.0.1`. @throws FateError, of the configuration as a start would throw it */
export async function checkRestart({ program, command, env, load, signal }: CheckParts): Promise<string> {
  const version = await versionOf(command, { env, signal });
  // A file that was cut short says nothing, and ends well: so would the daemon.
  if (!new RegExp(`^${program} \\d\\S*$`).test(version)) {
    const said = JSON.stringify(version.slice(0, EXCERPT));
    throw new FateError('FATAL', `${command.join(' ')} says ${said}, and not which ${program} it is`);
  }
  try {
    await load();
  } catch (error) {
    const { code, problems } = error instanceof FateError ? error : { code: 'FATAL' as const, problems: [] };
    const message = `a start would refuse the configuration: ${messageOf(error)}`;
    throw new FateError(code, message, { cause: error, problems });
  }
  return version;
}

/**
 * What a command prints.
 * @throws FateError FATAL where it cannot be started, does not end well, not in time, or is given up
 */
export function versionOf(
  [file, ...args]: Command,
  { env, signal }: Pick<CheckParts, 'env' | 'signal'>,
  timeLimit = TIME_LIMIT,
): Promise<string> {
  const settings = { env, signal, timeout: timeLimit, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 } as const;
  return new Promise((resolve, reject) => {
    execFile(file, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout.trim());
      const why = error.killed ? `nothing came of it within ${timeLimit / 1000} s` : whyNot(error, stderr);
      reject(new FateError('FATAL', `${[file, ...args].join(' ')} fails: ${why}`, { cause: error }));
    });
  });
}

/** Node tells of what it cannot load in many lines; the one with the error is what is asked for. */
function whyNot(error: Error & { code?: unknown; signal?: unknown }, stderr: string): string {
  if (typeof error.code === 'string') return messageOf(error);
  const how = typeof error.code === 'number' ? `exit status ${error.code}` : String(error.signal);
  const lines = stderr.split('\n').map((line) => line.trim());
  const said = lines.find((line) => /error/i.test(line)) ?? lines.find(Boolean) ?? '';
  return said === '' ? how : `${how}, ${said.slice(0, EXCERPT)}`;
}
