/** What the figures have in common: a private Fate, times, memory and CPU of a process, and a line per figure. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { makePrefix, type Prefix } from '../test/helpers/prefix.ts';
import { repo } from '../test/helpers/repo.ts';

const HOUR = 3_600_000;

/** Runs a figure in a private prefix that is removed afterwards. */
export async function withPrefix<T>(
  files: Readonly<Record<string, string>>,
  work: (prefix: Prefix) => Promise<T>,
): Promise<T> {
  const cleanups: (() => unknown)[] = [];
  try {
    return await work(makePrefix({ after: (cleanup) => cleanups.push(cleanup) }, files));
  } finally {
    for (const cleanup of cleanups) await cleanup();
  }
}

export interface Measured {
  /** Seconds. */
  readonly wall: number;
  /** Seconds of user and system time. */
  readonly cpu: number;
  /** Peak resident memory in MB (VmHWM of proc_pid_status(5)). */
  readonly peak: number;
}

/** One pass of `fates` with everything due. */
export async function measurePass(prefix: Prefix): Promise<Measured> {
  await prefix.run('fates');
  await prefix.backdate(HOUR);
  return measure(process.execPath, [join(repo, 'dist', 'fates.js')], { env: prefix.env, cwd: prefix.root });
}

/** Runs a program to its end and looks at it every few milliseconds: what it used is gone from /proc once it has ended. */
export async function measure(
  program: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<Measured> {
  const start = performance.now();
  const child = spawn(program, args, { ...options, stdio: 'ignore' });
  const pid = child.pid ?? 0;
  let [cpu, peak] = [0, 0];
  const look = setInterval(() => {
    cpu = Math.max(cpu, cpuOf(pid));
    peak = Math.max(peak, peakOf(pid));
  }, 5);
  const [status] = await once(child, 'exit');
  const wall = (performance.now() - start) / 1000;
  clearInterval(look);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} exited with ${status}`);
  return { wall, cpu, peak };
}

/** User and system time of a process so far, in seconds: fields 14 and 15 of proc_pid_stat(5), in hundredths. */
export function cpuOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

export function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function tell(figure: string, value: string): void {
  process.stdout.write(`${figure.padEnd(72)} ${value}\n`);
}

export const seconds = (value: number): string => `${value.toFixed(2)} s`;
export const ratio = (value: number): string => `${value.toFixed(2)}x`;
