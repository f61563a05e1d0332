/**
 * The entries that an earlier scheduler left open, until the configuration knows their tasks. Promises the loop that each is
 * handed on once: what waited waits again, what was only planned is due again, what has no task any more is given up. One
 * whose task cannot be read now is kept for later.
 */
import { longestWait } from '../schedule/retry.ts';
import type { Configuration, Entry, EpochMs, Task } from '../types.ts';
import type { Arrivals } from './arrivals.ts';
import { goneFrom } from './cursors.ts';
import { runOf } from './entries.ts';
import type { Plan } from './plan.ts';
import type { Roster } from './roster.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface Heirs {
  readonly plan: Plan;
  readonly roster: Roster;
  readonly room: WaitingRoom;
  readonly arrivals: Arrivals;
}

export class Inheritance {
  #entries: readonly Entry[];
  readonly #heirs: Heirs;

  constructor(entries: readonly Entry[], heirs: Heirs) {
    this.#entries = [...entries].sort((a, b) => a.due - b.due);
    this.#heirs = heirs;
  }

  /**
   * @param tasks of the configuration, the enabled ones by name
   * @param changed those with another schedule than their entries were planned by
   */
  handOn(
    configuration: Configuration,
    tasks: ReadonlyMap<string, Task>,
    changed: ReadonlySet<string>,
    now: EpochMs,
  ): void {
    if (this.#entries.length === 0) return;
    const isGone = goneFrom(configuration);
    this.#entries = this.#entries.filter((entry) => {
      const task = tasks.get(entry.task);
      if (task !== undefined) this.#resume(task, entry, changed.has(task.name), now);
      else if (isGone(entry.task)) this.#heirs.arrivals.remove(entry);
      else return true;
      return false;
    });
  }

  #resume(task: Task, entry: Entry, changed: boolean, now: EpochMs): void {
    const { plan, roster, room, arrivals } = this.#heirs;
    const { attempt, phase } = entry;
    const run = runOf(task, entry);
    if (phase === 'retry' || attempt > 1) room.awaitRetry(roster.add(run, inReach(task, entry, now), 'retry'), task);
    else if (phase === 'waiting' || entry.queuedAt !== null) {
      room.enter(roster.add(run, entry, 'waiting'), now);
    } else if (!changed) plan.adopt(entry);
    else arrivals.skip(entry, 'warning', 'removed', 'it was given another schedule before it could start');
  }
}

/** A retry that lies further ahead than any delay was put there by a clock that was wrong. */
function inReach({ retry }: Task, entry: Entry, now: EpochMs): Entry {
  if (retry === null || entry.retryAt === null) return entry;
  return { ...entry, retryAt: Math.min(entry.retryAt, now + longestWait(retry)) };
}
