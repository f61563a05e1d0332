/**
 * Ends what is left of runs whose scheduler died: their processes are known by the control group of the run, and by
 * FATE_RUN_ID in their environment. Promises that no stranger is signalled: a number is taken for a process only while its
 * start time is the same (proc_pid_stat(5)).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { isGone, type ProcessStat, statOf } from '../proc.ts';
import type { Clock, ControlGroups, Ms, RunGroup } from '../types.ts';

const NAME = 'FATE_RUN_ID=';
const FIRST_LOOK: Ms = 5;
const LONGEST_LOOK: Ms = 50;
/** SIGKILL takes no longer, but for a process that the kernel holds in a call (state D): nobody can end that. */
const KILLED_WITHIN: Ms = 2_000;

type Groups = ReadonlyMap<string, RunGroup>;

interface Survivor extends ProcessStat {
  readonly pid: number;
  readonly id: string;
}

/** The run that a process belongs to by its environment; null for none, and for one that may not be looked at. */
function runOf(pid: number, ids: ReadonlySet<string>): string | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return null;
  }
  const at = text.startsWith(NAME) ? 0 : text.indexOf(`\0${NAME}`) + 1;
  if (at === 0 && !text.startsWith(NAME)) return null;
  const from = at + NAME.length;
  const end = text.indexOf('\0', from);
  const id = text.slice(from, end < 0 ? undefined : end);
  return ids.has(id) ? id : null;
}

/** One look at all processes: those of the runs, and all others in a session whose leader is of one. */
function scan(ids: ReadonlySet<string>, groups: Groups): Survivor[] {
  const found: Survivor[] = [];
  const others: { pid: number; stat: ProcessStat }[] = [];
  const leaders = new Map<number, string>();
  const grouped = new Map([...groups].flatMap(([id, group]) => group.pids().map((pid) => [pid, id] as const)));
  for (const pid of processes()) {
    const id = grouped.get(pid) ?? runOf(pid, ids);
    const stat = statOf(pid);
    if (stat === null || isGone(stat)) continue;
    if (id === null) others.push({ pid, stat });
    else {
      found.push({ pid, id, ...stat });
      if (stat.session === pid) leaders.set(pid, id);
    }
  }
  for (const { pid, stat } of others) {
    // They threw their environment away (env -i, sudo), but setsid(2) was called for this run alone.
    const id = leaders.get(stat.session);
    if (id !== undefined) found.push({ pid, id, ...stat });
  }
  return found;
}

function processes(): number[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  return names.map(Number).filter((pid) => Number.isInteger(pid) && pid > 1 && pid !== process.pid);
}

function lives({ pid, since }: Survivor): boolean {
  const stat = statOf(pid);
  return stat !== null && !isGone(stat) && stat.since === since;
}

function signal(survivors: readonly Survivor[], ...names: readonly NodeJS.Signals[]): void {
  for (const survivor of survivors) {
    for (const name of names) {
      if (!lives(survivor)) break;
      try {
        process.kill(survivor.pid, name);
      } catch {
        // ESRCH: gone meanwhile. EPERM: it belongs to another user, and this one may not end it.
      }
    }
  }
}

/**
 * Ends all processes of these runs: SIGTERM and SIGCONT, SIGKILL after the grace. Resolves when none is left, or when those
 * that remain cannot be killed. @returns how many there were of each run that had some
 */
export async function endSurvivors(
  ids: ReadonlySet<string>,
  grace: Ms,
  clock: Clock,
  known: Pick<ControlGroups, 'find'> | null = null,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  if (ids.size === 0) return counts;
  const groups: Groups = new Map(
    [...ids].flatMap((id) => {
      const group = known?.find(id) ?? null;
      return group === null ? [] : [[id, group]];
    }),
  );
  const met = new Map<string, Survivor>();
  /** Those that live, also the ones that a last look alone would not know: their session's leader may have gone first. */
  const look = (): { living: Survivor[]; fresh: Survivor[] } => {
    const fresh = scan(ids, groups).filter(({ pid, since }) => !met.has(`${pid} ${since}`));
    for (const survivor of fresh) {
      met.set(`${survivor.pid} ${survivor.since}`, survivor);
      counts.set(survivor.id, (counts.get(survivor.id) ?? 0) + 1);
    }
    return { living: [...met.values()].filter(lives), fresh };
  };
  const pause = (delay: Ms): Promise<void> => new Promise((resolve) => void clock.after(delay, resolve));

  let { living, fresh } = look();
  const patience = clock.monotonic() + grace;
  let delay = FIRST_LOOK;
  while (living.length > 0 && clock.monotonic() < patience) {
    signal(fresh, 'SIGTERM', 'SIGCONT');
    fresh = [];
    await pause(Math.min(delay, Math.max(1, patience - clock.monotonic())));
    delay = Math.min(delay * 2, LONGEST_LOOK);
    living = living.filter(lives);
    // What they started meanwhile is looked for only once they are gone: a look at all processes takes some ms.
    if (living.length === 0) ({ living, fresh } = look());
  }
  const limit = clock.monotonic() + KILLED_WITHIN;
  for (delay = FIRST_LOOK; clock.monotonic() < limit; delay = Math.min(delay * 2, LONGEST_LOOK)) {
    // All at once, also those that are being started, and those that /proc does not show us (hidepid).
    const peopled = [...groups.values()].filter((group) => group.pids().length > 0);
    for (const group of peopled) group.kill();
    ({ living } = look());
    if (living.length === 0 && peopled.length === 0) break;
    signal(living, 'SIGKILL');
    await pause(delay);
  }
  for (const group of groups.values()) group.close();
  return counts;
}
