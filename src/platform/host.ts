/** Facts of the machine that templates and schedules may use, read once at start. */
import { readFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import type { Host } from '../types.ts';

/** machine-id(5): empty where there is none, as in a container that was never booted. */
function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    return '';
  }
}

export function readHost(): Host {
  return Object.freeze({
    name: hostname(),
    id: machineId(),
    cpus: availableParallelism(),
    // getuid is there on every system Fate runs on; Node types it as optional for Windows.
    uid: process.getuid?.() ?? 0,
  });
}
