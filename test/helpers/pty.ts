/** Runs a program on a real terminal (a pseudo-terminal that python3 makes) and answers its questions. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { repo } from './repo.ts';

/** What is done once that text has been shown, behind that of the step before. */
export interface Step {
  readonly until: string;
  readonly send?: string;
  readonly signal?: NodeJS.Signals;
  /** The terminal goes away, as when its window is closed. */
  readonly hangUp?: boolean;
}

export interface Shown {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** All that came to the terminal, with its escape sequences; lines end with \r\n. */
  readonly shown: string;
  /** Whether the terminal's modes are afterwards as they were (termios(3)); false for one that is gone. */
  readonly restored: boolean;
}

export interface TerminalOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly columns?: number;
  /** A file for standard output; by default the terminal, as for the other two. */
  readonly stdout?: string;
}

/** @throws where it did not end within 30 s, or did not show what a step waits for */
export async function onTerminal(
  argv: readonly string[],
  steps: readonly Step[],
  { env, cwd, columns = 200, stdout }: TerminalOptions,
): Promise<Shown> {
  const helper = spawn('python3', [join(repo, 'test/helpers/pty.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  helper.stdin.end(JSON.stringify({ argv, steps, env, cwd, columns, stdout: stdout ?? null }));
  const [answer] = await Promise.all([text(helper.stdout), once(helper, 'close')]);
  const { late, unseen, ...shown } = JSON.parse(answer) as Shown & { late: boolean; unseen: string[] };
  if (late || unseen.length > 0) {
    const missing = unseen.map((until) => JSON.stringify(until)).join(', ');
    throw new Error(
      `${late ? 'not ended in time' : 'ended early'}, still to be shown: ${missing}; shown:\n${shown.shown}`,
    );
  }
  return shown;
}

/** What a person sees in the end: no colours, and without the lines that were taken away again. */
export function lastSeen(shown: string): string[] {
  return shown
    .replaceAll(/\u001b\[[\d;]*m/g, '')
    .split('\r\n')
    .map((line) => line.split(/\r(?:\u001b\[\d+A)?\u001b\[J/).at(-1) ?? '');
}
