/**
 * The control group of one run (RunGroup of types.ts): ends, counts and measures whatever is in it and in the groups that
 * the run made below it. No call throws; nobody but members of the group is signalled.
 */
import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import type { Ms, RunGroup, Usage } from '../types.ts';
import { groupsIn, isPopulated, processesIn, readNumber, writeValue } from './control-group-files.ts';

/** So often SIGKILL is sent to who was started meanwhile, where the kernel has no cgroup.kill; each round is a few ms. */
const ROUNDS = 100;
const FIRST_LOOK: Ms = 5;
const LONGEST_LOOK: Ms = 100;
/** The kernel tells who watches nothing where the group was removed by somebody else before it had told of its end. */
const DOUBT: Ms = 1_000;

/** @param remove takes the group away, or sees to it that it goes later */
export function runGroup(path: string, remove: (path: string) => void): RunGroup {
  const pids = (): number[] => everybodyIn(path);
  let open = true;
  return {
    path,
    pids,
    kill: () => killAll(path),
    whenEmpty: (empty) => whenEmpty(path, empty),
    usage: () => usageOf(path),
    close() {
      // Once: a later attempt may have a group of the same name by then.
      if (open) remove(path);
      open = false;
    },
  };
}

/** Several groups of one run as one: an attempt left processes behind when the next was started. */
export function together(groups: readonly [RunGroup, ...RunGroup[]]): RunGroup {
  const [first] = groups;
  if (groups.length === 1) return first;
  const pids = (): number[] => groups.flatMap((group) => group.pids());
  return {
    path: first.path,
    pids,
    kill() {
      for (const group of groups) group.kill();
    },
    whenEmpty(empty) {
      let going = groups.length;
      const one = (): void => {
        going -= 1;
        if (going === 0) empty();
      };
      const stops = groups.map((group) => group.whenEmpty(one));
      return () => {
        for (const stop of stops) stop();
      };
    },
    usage() {
      const all = groups.map((group) => group.usage());
      const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);
      const [memory, cpu] = [known(all.map((each) => each.memory)), known(all.map((each) => each.cpu))];
      return {
        memory: memory.length === 0 ? null : Math.max(...memory),
        cpu: cpu.length === 0 ? null : cpu.reduce((sum, each) => sum + each, 0),
        outOfMemory: all.reduce((sum, each) => sum + each.outOfMemory, 0),
      };
    },
    close() {
      for (const group of groups) group.close();
    },
  };
}

/** Without this process, which is never a member, and without 0, which kill(2) takes for the caller's own process group. */
function everybodyIn(path: string): number[] {
  // The usual answer at the end of a run, by one short file.
  if (isPopulated(path) === false) return [];
  const found = new Set(processesIn(path));
  // Whether there are groups below is told by one as well; a look at the folder itself takes longer.
  if ((readNumber(join(path, 'cgroup.stat'), 'nr_descendants') ?? 1) > 0) {
    for (const below of groupsIn(path)) for (const pid of everybodyIn(below)) found.add(pid);
  }
  return [...found].filter((pid) => pid > 1 && pid !== process.pid);
}

function signalAll(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // ESRCH: gone meanwhile. EPERM: it belongs to another user, and this one may not end it.
    }
  }
}

function killAll(path: string): void {
  try {
    writeValue(join(path, 'cgroup.kill'), '1');
    return;
  } catch {
    // Before Linux 5.14: one by one. Who has got SIGKILL can start nobody any more, so that this comes to an end.
  }
  const met = new Set<number>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const fresh = everybodyIn(path).filter((pid) => !met.has(pid));
    if (fresh.length === 0) return;
    signalAll(fresh, 'SIGKILL');
    for (const pid of fresh) met.add(pid);
  }
}

/**
 * Calls `empty` once nobody lives in a group, at once where that is so. The kernel tells by a change of cgroup.events; the
 * watch stands before the first look, so that no change is missed between them. Where nothing more can be watched (sysctl
 * fs.inotify), it looks from time to time.
 */
function whenEmpty(path: string, empty: () => void): () => void {
  let watcher: FSWatcher | null = null;
  let timer: NodeJS.Timeout | undefined;
  let delay = FIRST_LOOK;
  let over = false;
  const stop = (): void => {
    over = true;
    watcher?.close();
    clearTimeout(timer);
  };
  const look = (): void => {
    if (over) return;
    const populated = isPopulated(path);
    if (populated === false) {
      stop();
      empty();
      return;
    }
    const told = watcher !== null && populated !== null;
    clearTimeout(timer);
    timer = setTimeout(look, told ? DOUBT : delay);
    if (!told) delay = Math.min(delay * 2, LONGEST_LOOK);
  };
  watcher = watchEvents(path, true, look);
  watcher?.on('error', () => {
    watcher?.close();
    watcher = null;
    look();
  });
  look();
  return stop;
}

/** The same for a group that nobody waits for: keeps no program going, and never looks by itself. Null: no watch was had. */
export function watchUntilEmpty(path: string, empty: () => void): (() => void) | null {
  let over = false;
  const look = (): void => {
    if (over || isPopulated(path) !== false) return;
    stop();
    empty();
  };
  const watcher = watchEvents(path, false, look);
  if (watcher === null) return null;
  const stop = (): void => {
    over = true;
    watcher.close();
  };
  watcher.on('error', () => watcher.close());
  look();
  return stop;
}

function watchEvents(path: string, persistent: boolean, look: () => void): FSWatcher | null {
  try {
    return watch(join(path, 'cgroup.events'), { persistent }, look);
  } catch {
    // ENOSPC, EMFILE: no watch to be had. ENOENT: there is no such group, as the first look will see.
    return null;
  }
}

/** Kernels before 5.19 have no memory.peak. Processor time is known without any controller. */
function usageOf(path: string): Usage {
  const micros = readNumber(join(path, 'cpu.stat'), 'usage_usec');
  return {
    memory: readNumber(join(path, 'memory.peak'), null),
    cpu: micros === null ? null : Math.round(micros / 1000),
    // Not `oom`, which counts how often the limit was met, also when nobody had to go for it.
    outOfMemory: readNumber(join(path, 'memory.events'), 'oom_kill') ?? 0,
  };
}
