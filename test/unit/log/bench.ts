/** A log on real files, with a clock that goes on by hand, and what the log says of itself. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createLogger } from '../../../src/log/logger.ts';
import type { Clock, EpochMs, Logger, LogTarget } from '../../../src/types.ts';

/** A clock that goes on when told to. */
export class Hand implements Clock {
  time: EpochMs = new Date(2026, 10, 22, 12).getTime();
  #timers: { at: EpochMs; fire: () => void }[] = [];

  now(): EpochMs {
    return this.time;
  }
  monotonic(): number {
    return this.time;
  }
  after(delay: number, fire: () => void): () => void {
    const timer = { at: this.time + delay, fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  pass(ms: number): void {
    this.time += ms;
    const due = this.#timers.filter((timer) => timer.at <= this.time);
    this.#timers = this.#timers.filter((timer) => timer.at > this.time);
    for (const { fire } of due) fire();
  }
}

export function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-log-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a log needs to know that has no journal. */
export const PROGRAM = { program: 'fated', journal: null } as const;

export const fileTarget = (file: string, more: Partial<LogTarget> = {}): LogTarget => ({
  kind: 'file',
  file,
  level: 'info',
  format: 'text',
  rotation: null,
  retention: null,
  compression: null,
  ...more,
});

/** What the log says of itself comes into a file, as the stderr of the process. */
export interface Bench {
  readonly clock: Hand;
  readonly complaints: () => string;
  open(...targets: LogTarget[]): Promise<Logger>;
}

export function bench(t: TestContext): Bench {
  const stderr = join(scratch(t), 'stderr');
  const fd = openFor(t, stderr);
  const clock = new Hand();
  return {
    clock,
    complaints: () => readFileSync(stderr, 'utf8'),
    async open(...targets) {
      const logger = await createLogger({ ...PROGRAM, targets, level: null, session: 'S', clock, env: {}, stderr: fd });
      t.after(() => logger.close());
      return logger;
    },
  };
}

function openFor(t: TestContext, file: string): number {
  const fd = openSync(file, 'a');
  t.after(() => closeSync(fd));
  return fd;
}

export const say = (logger: Logger, msg: string): void => logger.log('info', 'log', { msg });
/** Of a file that is not there, since it has just been rotated: none. */
export const messages = (file: string): string[] =>
  textOf(file)
    .split('\n')
    .slice(0, -1)
    .map((line) => /^time="[^"]*" level="\w+" event="log" session="S" msg="([^"]*)"$/.exec(line)?.[1] ?? `? ${line}`);
export const others = (folder: string, name = 'fate.log'): string[] =>
  readdirSync(folder)
    .filter((entry) => entry !== name)
    .sort();

/** Waits until it holds; the log works off the loop, and tells nobody when it has written. */
export async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; !holds(); ) {
    assert.ok(Date.now() < end, 'this did not come to be within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function textOf(file: string): string {
  try {
    return file.endsWith('.gz') ? gunzipSync(readFileSync(file)).toString() : readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
