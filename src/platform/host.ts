/** Facts of the machine that templates and schedules may use, read once at start. */
import { readFileSync } from 'node:fs';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import { statOf } from '../proc.ts';
import type { Boot, EpochMs, Host } from '../types.ts';

export function readHost(): Host {
  return Object.freeze({
    name: hostname(),
    // machine-id(5): empty where there is none, as in a container that was never booted.
    id: textOf('/etc/machine-id'),
    cpus: availableParallelism(),
    memory: totalmem(),
    // getuid is there on every system Fate runs on; Node types it as optional for Windows.
    uid: process.getuid?.() ?? 0,
    boot: readBoot(Date.now()),
  });
}

/** USER_HZ, which Linux shows to all programs as 100, whatever its own (proc_pid_stat(5), time(7)). */
const TICK_MS = 10;

/**
 * When the first process was started, which is the boot of a machine, and of a container that has its own; both have another
 * id after each. `proc` is where proc(5) is mounted. What cannot be read is left out: '' for an id, `now` for the time.
 */
export function readBoot(now: EpochMs, proc = '/proc'): Boot {
  const kernel = textOf(join(proc, 'sys/kernel/random/boot_id'));
  const since = statOf(1, proc)?.since ?? '';
  const started = /^\d+$/.test(since) ? Number(since) : null;
  const uptime = /^\d+(\.\d+)?/.exec(textOf(join(proc, 'uptime')))?.[0];
  const id = kernel === '' && started === null ? '' : `${kernel}:${started ?? ''}`;
  if (uptime === undefined) return Object.freeze({ kernel, id, at: now });
  const up = now - Math.round(Number(uptime) * 1000);
  const at = up + (started ?? 0) * TICK_MS;
  // A container may be shown an uptime of its own (lxcfs), while its first process is counted from the machine's boot still.
  return Object.freeze({ kernel, id, at: at > now + 1000 ? up : Math.min(now, at) });
}

/** Empty for a file that is not there or not for us (hidepid of proc(5)). */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
