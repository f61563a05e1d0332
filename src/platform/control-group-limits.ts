/** Which controllers a group has, and the limits of a run in their terms (SPEC 7). Says what cannot be held, holds the rest. */
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import type { Controller, Limits } from '../types.ts';
import { readShort, writeValue } from './control-group-files.ts';

export const CONTROLLERS: readonly Controller[] = ['memory', 'pids', 'cpu'];

/** A limit that is not held, and why. */
export interface Unheld {
  readonly key: 'memory' | 'cpu' | 'processes';
  readonly why: string;
}

/** In microseconds, as cpu.max has them. */
const PERIOD = 100_000;
const LONGEST_PERIOD = 1_000_000;
/** The kernel takes none that is shorter. */
const SHORTEST_QUOTA = 1_000;

/**
 * Turns on controllers for the groups below `path`, one by one: one that cannot be had must not cost the others.
 * @returns those that are on
 */
export function enableControllers(path: string, wanted: Iterable<Controller>): Set<Controller> {
  const enabled = new Set<Controller>();
  let offered: readonly string[] = [];
  try {
    offered = readShort(join(path, 'cgroup.controllers')).trim().split(/\s+/);
  } catch {
    // None, then.
  }
  for (const controller of wanted) {
    if (!offered.includes(controller)) continue;
    try {
      writeValue(join(path, 'cgroup.subtree_control'), `+${controller}`);
      enabled.add(controller);
    } catch {
      // `cpu` where real-time processes are about (CONFIG_RT_GROUP_SCHED): as if there were none.
    }
  }
  return enabled;
}

/**
 * Writes a run's limits into its group. With a limit of memory the whole run ends when it is reached, as OOMPolicy=kill of
 * systemd.service(5) does: half a pipeline would give half a result. Swap is left alone, as by MemoryMax=.
 */
export function applyLimits(path: string, limits: Limits, controllers: ReadonlySet<Controller>): Unheld[] {
  const unheld: Unheld[] = [];
  const hold = (key: Unheld['key'], controller: Controller, file: string, value: string): boolean => {
    if (!controllers.has(controller)) {
      unheld.push({ key, why: `the scheduler's control group has no controller "${controller}"` });
      return false;
    }
    try {
      writeValue(join(path, file), value);
      return true;
    } catch (error) {
      unheld.push({ key, why: `${file} does not take "${value}": ${messageOf(error)}` });
      return false;
    }
  };
  if (limits.memory !== null && hold('memory', 'memory', 'memory.max', String(limits.memory))) {
    try {
      writeValue(join(path, 'memory.oom.group'), '1');
    } catch {
      // Before Linux 4.19: the kernel ends the largest process, and the limit is held all the same.
    }
  }
  if (limits.cpu !== null) hold('cpu', 'cpu', 'cpu.max', cpuMax(limits.cpu));
  if (limits.processes !== null) hold('processes', 'pids', 'pids.max', String(limits.processes));
  return unheld;
}

/**
 * Percent of one processor as cpu.max: microseconds in each period of 100 ms; less than 1 % needs a longer period, up
 * to a second (as systemd does for CPUQuota=), and less than 0.1 % cannot be had.
 */
export function cpuMax(percent: number): string {
  const share = percent / 100;
  const period = Math.min(LONGEST_PERIOD, Math.max(PERIOD, Math.round(SHORTEST_QUOTA / share)));
  return `${Math.max(SHORTEST_QUOTA, Math.round(period * share))} ${period}`;
}
