/** What proc_pid_stat(5) says of a process, for all who ask: who it belongs to, since when it is there, whether it lives. */
import { readFileSync } from 'node:fs';

export interface ProcessStat {
  /** One letter. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Clock ticks since the boot of the machine, at which it was started: with the pid it names a process for ever. */
  readonly since: string;
}

/** Null where there is no such process, or it is not for us to see. `proc` is where proc(5) is mounted. */
export function statOf(pid: number, proc = '/proc'): ProcessStat | null {
  let text: string;
  try {
    text = readFileSync(`${proc}/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The name, in parentheses, may hold anything, also `)`; what follows it begins with field 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ', 20);
  const [state = '', parent, group, session] = fields;
  return { state, parent: Number(parent), group: Number(group), session: Number(session), since: fields[19] ?? '' };
}

/** A zombie is gone: it can do nothing, and where nobody reaps orphans (a container's PID 1) it stays for ever. */
export function isGone({ state }: ProcessStat): boolean {
  return 'ZX'.includes(state);
}
