/** One run in the foreground, with the context that it would have of the daemon (SPEC 13). For debugging.ts. */
import { chmodSync, createWriteStream, existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, FateError, messageOf } from '../errors.ts';
import { type ContextParts, type Settled, settleContext } from '../execution/context.ts';
import { placeCredentials, removeCredentials } from '../execution/credentials.ts';
import { launch } from '../execution/launch.ts';
import { accounts } from '../platform/accounts.ts';
import { systemClock } from '../platform/clock.ts';
import { readHost } from '../platform/host.ts';
import { native } from '../platform/native.ts';
import { scopeOf } from '../scheduler/scope.ts';
import type { Exit, Run, Scope } from '../types.ts';
import type { DebugRequest } from './debug-request.ts';

export type Settlement = Extract<Settled, { readonly ok: true }>;

export interface Execution {
  readonly run: Run;
  readonly program: string;
  readonly argv: readonly string[];
  readonly settled: Settlement;
  readonly state: string;
  readonly request: DebugRequest;
  readonly scratch: string;
}

export interface Finished {
  readonly run: Run;
  readonly settled: Settlement;
  readonly exit: Exit;
}

const host = readHost();
const parts: ContextParts = { env: { ...process.env }, accounts, uid: host.uid };

export function scopeFor(run: Run): Scope {
  return scopeOf(parts.env, host, systemClock)(run);
}

/** What is passed over is told on stderr. @throws FateError FATAL: this run would be `Failed` */
export function settle(run: Run): Settlement {
  const settled = settleContext(run, scopeFor(run), parts);
  if (!settled.ok) throw new FateError('FATAL', settled.message);
  for (const warning of settled.warnings) process.stderr.write(`fate: ${warning}\n`);
  return settled;
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs it to its end; SIGINT, SIGTERM and SIGHUP end it as a stop of the scheduler would. @throws FateError FATAL */
export async function execute(execution: Execution): Promise<Finished> {
  const { run, settled } = execution;
  const { credentials } = run.task.context;
  if (credentials.length === 0) return follow(execution, settled.env);
  // Not on a disk, where there is another place.
  const above = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'fate-debug-'));
  const folder = join(above, run.id);
  try {
    // The task's user is to pass through it.
    chmodSync(above, 0o711);
    const refused = placeCredentials(folder, run.task, settled.context.identity, parts.env);
    if (refused !== null) throw new FateError('FATAL', refused);
    return await follow(execution, { ...settled.env, CREDENTIALS_DIRECTORY: folder });
  } finally {
    removeCredentials(folder);
    removeEmpty(above);
  }
}

/** What cannot be removed may hold a secret: that is said. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    process.stderr.write(`fate: the folder of the credentials cannot be removed: ${messageOf(error)}\n`);
  }
}

async function follow(execution: Execution, env: Settlement['env']): Promise<Finished> {
  const { run, program, argv, settled, state, request, scratch } = execution;
  const { task } = run;
  const log = createWriteStream(join(scratch, 'stderr'));
  const launched = launch({
    program,
    argv,
    env,
    context: settled.context,
    // The command line has been given none.
    group: null,
    outputLimit: task.limits.output,
    logLimit: task.limits.log,
    param: request.input ?? task.param,
    state,
    stdout: join(scratch, 'stdout'),
    timeout: task.timeout,
    grace: task.grace,
    clock: systemClock,
    native,
    onStderr: (chunk) => log.write(chunk),
    onNote: (note) => process.stderr.write(`fate: ${note}\n`),
  });
  let signals = 0;
  const onSignal = (): void => {
    signals += 1;
    if (signals === 1) launched.end('stop');
    else launched.kill();
  };
  // SIGHUP: the terminal is gone. What was made for this run is not to stay either.
  for (const name of ENDING) process.on(name, onSignal);
  const exit = await launched.exit;
  await new Promise<void>((resolve) => log.end(resolve));
  for (const name of ENDING) process.off(name, onSignal);
  return { run, settled, exit };
}
