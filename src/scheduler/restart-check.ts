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
  /** Has the new program say its version. */
  readonly command: Command;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads the configuration as a start does. @throws FateError */
  load(): Promise<unknown>;
}

/** What the new program says that it is: `fated 2.0.1`. @throws FateError, of the configuration as a start would throw it */
export async function checkRestart({ command, env, load }: CheckParts): Promise<string> {
  const version = await versionOf(command, env);
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
 * @throws FateError FATAL where it cannot be started, does not end well, or not in time
 */
export function versionOf([file, ...args]: Command, env: CheckParts['env'], timeLimit = TIME_LIMIT): Promise<string> {
  const settings = { env, timeout: timeLimit, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 } as const;
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
