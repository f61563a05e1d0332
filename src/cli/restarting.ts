/** What `fate restart` does: asks the daemon to start anew, and waits until the new start answers, unless it is to be when idle. */
import { setTimeout as pause } from 'node:timers/promises';
import type { RestartingJson, StatusJson } from '../control/json.ts';
import { FateError } from '../errors.ts';
import type { Ms } from '../types.ts';
import { asked, demandDaemon, findAttendance } from './attendance.ts';
import type { RestartArguments } from './commands/restart.ts';
import { printJson } from './json.ts';
import { plain } from './words.ts';

/** The daemon tries out what it would start, and reads its configuration. */
const PATIENCE: Ms = 60_000;
/** From the moment on at which nobody answers any more. */
const START_LIMIT: Ms = 60_000;
const LOOK_FIRST: Ms = 50;
const LOOK_LAST: Ms = 500;

/** Quiet where there is nothing to wait for. @throws FateError with the reason for which the daemon stays as it is */
export async function restart(args: RestartArguments): Promise<number> {
  const { 'when-idle': whenIdle, json } = args;
  const socket = await demandDaemon(args);
  const before = whenIdle ? null : (await asked<StatusJson>(socket, 'GET', '/v1/status')).since;
  const answer = await asked<RestartingJson>(socket, 'POST', '/v1/restart', { when_idle: whenIdle }, PATIENCE);
  if (!whenIdle) await newStart(args, before);
  if (json) printJson(answer);
  else if (!answer.restarting) process.stdout.write(`fated restarts ${whenWords(answer)}\n`);
  return 0;
}

function whenWords({ running }: RestartingJson): string {
  return running.length > 0 ? `when what runs has ended: ${plain(running.join(', '))}` : 'when what is due now has run';
}

/** The one that was asked answers until what runs has ended. @throws FateError TEMPORARY where no other answers in time */
async function newStart(args: RestartArguments, before: string | null): Promise<void> {
  let end = performance.now() + START_LIMIT;
  for (let wait = LOOK_FIRST; performance.now() < end; wait = Math.min(2 * wait, LOOK_LAST)) {
    await pause(wait);
    const since = await sinceOf(args);
    if (since !== null && since !== before) return;
    if (since !== null) end = performance.now() + START_LIMIT;
    else wait = LOOK_FIRST;
  }
  const limit = START_LIMIT / 1000;
  throw new FateError('TEMPORARY', `the daemon has let go, and no new one answers after ${limit} s; its log says why`);
}

/** Null where nobody answers. */
async function sinceOf(args: RestartArguments): Promise<string | null> {
  const { attendance } = findAttendance(args);
  if (attendance.kind !== 'daemon' && attendance.kind !== 'hidden') return null;
  try {
    return (await asked<StatusJson>(attendance.socket, 'GET', '/v1/status')).since;
  } catch (error) {
    if (error instanceof FateError && error.code === 'TEMPORARY') return null;
    throw error;
  }
}
