/** Starts real programs for the tests of execution/, with a clock whose long timers are fired by hand. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { type Launch, type Launched, launch } from '../../../src/execution/launch.ts';
import { statusOf } from '../../../src/execution/status.ts';
import { native } from '../../../src/platform/native.ts';
import type { Clock, Exit, Ms, ProcessContext } from '../../../src/types.ts';
import { repo } from '../../helpers/repo.ts';
import { helper } from './helper.ts';

export const folder = mkdtempSync(join(tmpdir(), 'fate-execution-'));
after(() => rmSync(folder, { recursive: true, force: true }));

export const program = (name: string): string => join(repo, 'test/fixtures/programs', name);

/** Short waits (the look whether a group is gone) are real; those of a second or more come when `fire` says so. */
export class HandClock implements Clock {
  readonly #long = new Map<Ms, () => void>();
  readonly #short = new Set<NodeJS.Timeout>();

  now(): number {
    return Date.now();
  }

  monotonic(): Ms {
    return performance.now();
  }

  after(delay: Ms, fire: () => void): () => void {
    if (delay >= 1000) {
      this.#long.set(delay, fire);
      return () => this.#long.delete(delay);
    }
    const timer = setTimeout(() => {
      this.#short.delete(timer);
      fire();
    }, delay);
    this.#short.add(timer);
    return () => {
      clearTimeout(timer);
      this.#short.delete(timer);
    };
  }

  /** Lets the timer that was armed for `delay` fire. */
  fire(delay: Ms): void {
    const fire = this.#long.get(delay);
    if (fire === undefined) throw new Error(`no timer of ${delay} ms is armed`);
    this.#long.delete(delay);
    fire();
  }

  get armed(): number {
    return this.#long.size + this.#short.size;
  }
}

export interface Started extends Launched {
  readonly clock: HandClock;
  /** Where fd 1 goes. */
  readonly file: string;
  stdout(): string;
  stderr(): string;
  /** Resolves once fd 2 has brought this text. */
  said(text: string): Promise<void>;
  /** The exit, with how the table of SPEC 7 calls it. */
  readonly result: Promise<Exit & { status: string; level: string }>;
}

export const TIMEOUT: Ms = 60_000;
export const GRACE: Ms = 10_000;

export const NO_CONTEXT: ProcessContext = { identity: null, cwd: null, umask: null, nice: null };

let count = 0;

export function start(argv: readonly string[], changes: Partial<Launch> & { success?: number[] } = {}): Started {
  const clock = new HandClock();
  const file = changes.stdout ?? join(folder, `stdout-${count++}`);
  const chunks: Buffer[] = [];
  const stderr = (): string => Buffer.concat(chunks).toString();
  const waiting: { text: string; tell: () => void }[] = [];
  const launched = launch({
    argv,
    env: { PATH: process.env.PATH ?? '' },
    context: NO_CONTEXT,
    group: null,
    outputLimit: null,
    logLimit: null,
    helper,
    param: '',
    state: '',
    stdout: file,
    timeout: TIMEOUT,
    grace: GRACE,
    clock,
    native,
    onStderr(chunk) {
      chunks.push(chunk);
      for (const wait of waiting) if (stderr().includes(wait.text)) wait.tell();
    },
    ...changes,
  });
  return {
    ...launched,
    clock,
    file,
    stdout: () => readFileSync(file, 'utf8'),
    stderr,
    said: (text) =>
      new Promise((tell) => {
        if (stderr().includes(text)) tell();
        else waiting.push({ text, tell });
      }),
    result: launched.exit.then((exit) => ({ ...exit, ...statusOf(exit, changes.success ?? [0]) })),
  };
}

/** `sh -c script`. */
export function sh(script: string, changes: Partial<Launch> & { success?: number[] } = {}): Started {
  return start(['/bin/sh', '-c', script], changes);
}

export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** The state letter of proc_pid_stat(5), or null when there is no such process. */
export function stateOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).charAt(0);
  } catch {
    return null;
  }
}

/** Whether a process is there and no zombie. */
export function lives(pid: number): boolean {
  return ![null, 'Z', 'X'].includes(stateOf(pid));
}

/** Resolves when a process was reaped by whoever is its parent. */
export async function reaped(pid: number): Promise<void> {
  while (stateOf(pid) !== null) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** The pids that a program wrote to fd 4. */
export function pidsIn(exit: Exit): number[] {
  return (exit.state?.toString() ?? '').trim().split(/\s+/).map(Number);
}

/** Ends what a test left running on purpose. */
export function putDown(...pids: number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}
