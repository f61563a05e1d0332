/**
 * The daemon as tsc makes it (build/), which heeds FATE_FAULT, in a folder of its own: started, killed, waited for. Promises
 * the campaign that all it said is kept until it has been looked at.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type LogLine, parseLine } from '../helpers/prefix.ts';

const PROGRAM = fileURLToPath(new URL('../../src/bin/fated.js', import.meta.url));

export interface Exited {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Started {
  readonly child: ChildProcess;
  readonly lines: LogLine[];
  /** True once it schedules; false when it has ended before. */
  readonly ready: Promise<boolean>;
  readonly exited: Promise<Exited>;
}

export function startDaemon(cwd: string, env: NodeJS.ProcessEnv): Started {
  const child = spawn(process.execPath, [PROGRAM, '--foreground'], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
  const lines: LogLine[] = [];
  // `close` would wait for tasks that outlive it, too, were they given its stderr; they are not, and then all is read.
  const exited = once(child, 'close').then(([code, signal]): Exited => ({ code, signal }));
  const { stderr } = child;
  if (stderr === null) throw new Error('the daemon has no stderr to follow');
  const ready = new Promise<boolean>((resolve) => {
    createInterface({ input: stderr }).on('line', (text) => {
      const line = parseLine(text);
      lines.push(line);
      if (line.fields.event === 'start') resolve(true);
    });
    exited.then(() => resolve(false));
  });
  return { child, lines, ready, exited };
}

/** SIGKILL, but not to a number that is somebody else's by now. */
export function kill({ child }: Started, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
}
