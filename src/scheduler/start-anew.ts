/**
 * The last thing that a daemon does which starts anew: it becomes the program that is installed now (execve(2)). To be called when
 * all is closed. Promises that a stop that came before wins, and that why it could not be is told.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { FateError, messageOf } from '../errors.ts';
import { become, leaveToKernel, ownProgram, RESTARTED } from '../platform/process-image.ts';
import type { Logger } from '../types.ts';

export interface NewStart {
  /** As this process was started with. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a stop was asked for meanwhile. */
  stopped(): boolean;
  /** The log again, where there is something to say. */
  openLog(): Promise<Logger>;
}

/** Returns only where a stop came before. @throws FateError FATAL where there is no new start */
export async function startAnew({ env, stopped, openLog }: NewStart): Promise<void> {
  // Those that came are seen in a turn of the loop; those that come from now on end the process, which has nothing to do.
  leaveToKernel('SIGTERM');
  leaveToKernel('SIGINT');
  await turn();
  await turn();
  if (stopped()) return;
  try {
    become(ownProgram(...process.argv.slice(2)), { ...env, [RESTARTED]: String(process.pid) });
  } catch (error) {
    const message = `there is no new start of ${ownProgram().join(' ')}: ${messageOf(error)}`;
    const log = await openLog();
    log.log('critical', 'restart', { msg: message });
    await log.close();
    throw new FateError('FATAL', message, { cause: error });
  }
}
