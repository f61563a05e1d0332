/**
 * A control group for each run, where the scheduler was given one to divide (`Delegate=` of systemd.resource-control(5)).
 * Promises the scheduler that nothing here throws or waits, and that a run is never refused for want of a group: it then goes
 * without, and why is said once. Groups are made and removed by plain folder operations (cgroups(7)).
 */
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errnoOf, messageOf } from '../errors.ts';
import type { ControlGroups, Limits, RunGroup } from '../types.ts';
import { runGroup, together } from './control-group.ts';
import { groupsIn } from './control-group-files.ts';
import { applyLimits } from './control-group-limits.ts';
import { findOwnGroup, makeRuns, moveToLeaf, type RunsGroup } from './control-group-place.ts';
import { groupRemover } from './control-group-removal.ts';

export interface ControlGroupOptions {
  /** Where cgroup2 is mounted; default: as /proc/self/mountinfo says, which is /sys/fs/cgroup or below it. */
  readonly root?: string;
  /** Default /proc/self/cgroup */
  readonly self?: string;
  /** There while systemd is the first process; default /run/systemd/system */
  readonly booted?: string;
  tell(level: 'info' | 'warning', message: string): void;
}

/** A run's later attempt finds the group of an earlier one, in which somebody still lives; run ids have no dot. */
const NEXT = /\.\d+$/;
const MOST_ATTEMPTS = 1000;

/** Moves this process into `main/` below its delegated group and enables what controllers there are. Null: none was given. */
export function openControlGroups(options: ControlGroupOptions): ControlGroups | null {
  const none = (why: string): null => {
    options.tell('info', `runs have no control group of their own: ${why}`);
    return null;
  };
  try {
    const found = findOwnGroup(options);
    if (!found.ok) return none(found.why);
    moveToLeaf(found.own);
    return divide(found.own, makeRuns(found.own), options.tell);
  } catch (error) {
    return none(messageOf(error));
  }
}

function divide(own: string, runs: RunsGroup, tell: ControlGroupOptions['tell']): ControlGroups {
  const remover = groupRemover();
  const told = new Set<string>();
  const sayOnce = (what: string, message: string): void => {
    if (told.has(what)) return;
    told.add(what);
    tell('warning', message);
  };
  const makeFolder = (run: string): string => {
    for (let n = 1; n < MOST_ATTEMPTS; n += 1) {
      const path = join(runs.path, n === 1 ? run : `${run}.${n}`);
      try {
        mkdirSync(path);
        return path;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
    }
    throw new Error(`there are too many groups of the run ${run}`);
  };
  const make = (run: string, limits: Limits): RunGroup | null => {
    let path: string;
    try {
      path = makeFolder(run);
    } catch (error) {
      const why = errnoOf(error) === 'EAGAIN' ? 'cgroup.max.descendants or cgroup.max.depth is reached' : '';
      sayOnce('group', `runs go without a control group of their own: ${why || messageOf(error)}`);
      return null;
    }
    for (const { key, why } of applyLimits(path, limits, runs.controllers)) {
      sayOnce(key, `limits.${key} cannot be held, and runs go without it: ${why}`);
    }
    return runGroup(path, remover.remove);
  };

  const earlier = new Map<string, RunGroup[]>();
  for (const path of groupsIn(runs.path)) {
    // What a task left running has the time it wants; whoever ends it, its group goes with it.
    if (remover.remove(path)) continue;
    const run = basename(path).replace(NEXT, '');
    earlier.set(run, [...(earlier.get(run) ?? []), runGroup(path, remover.remove)]);
  }
  return {
    path: own,
    controllers: runs.controllers,
    make,
    find(run) {
      const [first, ...others] = earlier.get(run) ?? [];
      return first === undefined ? null : together([first, ...others]);
    },
    sweep: remover.sweep,
  };
}
