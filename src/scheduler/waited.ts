/** What kept a run from starting, in a few words, for the log and for people. Pure. */
import type { Waited } from '../types.ts';

/** `tenancy (backup, disk)`, `mutex db (backup)`, `room`; of several runs of a task its name once. */
export function describeWaited({ for: what, mutex, who }: Waited): string {
  const named = mutex === undefined ? what : `${what} ${mutex}`;
  return who.length === 0 ? named : `${named} (${[...new Set(who)].join(', ')})`;
}
