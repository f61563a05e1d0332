/**
 * Going to the background (SPEC 1): the program starts itself again in a session of its own, and the parent returns only
 * once that one is ready, or with its exit status. Readiness is told over Node's channel between parent and child.
 */
import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, FateError, messageOf } from '../errors.ts';
import { makeFoldersSync } from '../folders.ts';
import { RESTARTED } from '../platform/process-image.ts';
import type { Program } from './context.ts';

const READY = 'ready';
/** Set for the detached process alone; taken out of its environment before any task could see it. */
const MARK = 'FATE_DETACHED';
const detached = process.env[MARK] === '1' && process.send !== undefined;
delete process.env[MARK];
/** Whether this process goes on, as a new start, in place of the daemon that it was: then it is where it belongs. */
const restarted = process.env[RESTARTED] === String(process.pid);
delete process.env[RESTARTED];
// Whoever asks the daemon that it was for a reload does not mean its end: what is asked for so early is read anyway.
if (restarted) process.on('SIGHUP', () => {});

export const isInPlace = (): boolean => detached || restarted;
export const isNewStart = (): boolean => restarted;

export function tellReady(): void {
  if (!detached) return;
  process.send?.(READY, () => process.disconnect());
}

/** Starts the same command line detached, its stderr in `<data>/fated.log`. Answers the exit status. */
export async function startDetached(program: Program, data: string): Promise<number> {
  const file = join(data, 'fated.log');
  let log: number;
  try {
    makeFoldersSync(data);
    log = openSync(file, 'a', 0o640);
  } catch (error) {
    const code = ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '') ? 'NOT_PERMITTED' : 'FATAL';
    throw new FateError(code, `cannot write ${file}: ${messageOf(error)}`, { cause: error });
  }
  const before = fstatSync(log).size;
  const [script = '', ...args] = process.argv.slice(1);
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, [MARK]: '1' },
  });
  closeSync(log);
  const status = await new Promise<number>((resolve, reject) => {
    child.once('message', () => resolve(0));
    child.once('exit', (code) => resolve(code ?? 1));
    child.once('error', reject);
  });
  if (status === 0) {
    if (child.connected) child.disconnect();
    child.unref();
  } else {
    // What it said went to the file; whoever called wants to know why.
    process.stderr.write(readFileSync(file).subarray(before));
    process.stderr.write(`${program}: the daemon did not start; ${file} says the same\n`);
  }
  return status;
}
