/**
 * The process group of a run: signals it, counts it, sees when it is gone. Promises that no stranger is ever
 * signalled: a number is taken for the run's group only while that is certain. No call throws.
 *
 * The leader's pid is the number of its group and of its session (setsid(2)), and the kernel gives a number to a new
 * process only once nobody has it as pid, group or session any more. So once the leader is reaped, a process of that
 * pid is a stranger; and what else has this group and session is of the run.
 */
import { readdirSync } from 'node:fs';
import { isGone, statOf } from '../proc.ts';
import type { Clock, Ms } from '../types.ts';

const FIRST_LOOK: Ms = 5;
const LONGEST_LOOK: Ms = 100;

function lives(member: number, leader: number): boolean {
  const stat = statOf(member);
  return stat !== null && stat.group === leader && stat.session === leader && !isGone(stat);
}

function exists(leader: number): boolean {
  try {
    process.kill(-leader, 0);
    return true;
  } catch (error) {
    // EPERM: there are some, who belong to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Goes through all of /proc: a few ms; asked only when kill(2) says that there is somebody. */
function members(leader: number): number[] {
  if (!exists(leader) || statOf(leader) !== null) return [];
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => lives(pid, leader));
}

/** How many processes of the group live on after the leader was reaped. One system call where there is none. */
export function countLeft(leader: number): number {
  return members(leader).length;
}

/**
 * Sends a signal to each process of the group, as kill(2) does with -pid. `reaped`: whether the leader's end was
 * told; it may have been reaped even so, a moment ago.
 */
export function signalGroup(leader: number, signal: NodeJS.Signals, reaped: boolean): void {
  const stat = reaped ? null : statOf(leader);
  const ours = stat === null ? members(leader).length > 0 : stat.parent === process.pid && stat.session === leader;
  if (!ours) return;
  try {
    process.kill(-leader, signal);
  } catch {
    // ESRCH: gone meanwhile. EPERM: all of them belong to another user, and this one may not end them.
  }
}

/**
 * Calls `gone` once no process of the group lives, after the leader was reaped: at once where there is none. Nothing
 * tells this on Linux without a control group, so it looks after 5 ms and then ever less often, down to each 100 ms,
 * at those alone who were there. The result ends the looking.
 */
export function whenGroupGone(leader: number, clock: Clock, gone: () => void): () => void {
  let known: number[] = [];
  let delay = FIRST_LOOK;
  let cancel = (): void => {};
  const look = (): void => {
    known = known.filter((pid) => lives(pid, leader));
    if (known.length === 0) known = members(leader);
    if (known.length === 0) {
      gone();
      return;
    }
    cancel = clock.after(delay, look);
    delay = Math.min(delay * 2, LONGEST_LOOK);
  };
  look();
  return () => cancel();
}
