/**
 * The entries that an earlier scheduler left open, until the configuration knows their tasks. Promises the loop that each is
 * handed on once: what waited waits again, what was only planned is due again, what has no task any more is given up. One
 * whose task cannot be read now is kept for later.
 */
import type { Configuration, Entry, EpochMs, Run, Task } from '../types.ts';
import type { Arrivals } from './arrivals.ts';
import { isGone } from './cursors.ts';
import type { Plan } from './plan.ts';
import type { Roster } from './roster.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** With its jitter (SPEC 7). */
const LONGEST = 1.1;

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

  /** @param changed tasks with another schedule than their entries were planned by */
  handOn(configuration: Configuration, changed: ReadonlySet<string>, now: EpochMs): void {
    if (this.#entries.length === 0) return;
    const tasks = new Map(configuration.tasks.filter((task) => task.enabled).map((task) => [task.name, task]));
    this.#entries = this.#entries.filter((entry) => {
      const task = tasks.get(entry.task);
      if (task !== undefined) this.#resume(task, entry, changed.has(task.name), now);
      else if (isGone(entry.task, configuration)) this.#heirs.arrivals.remove(entry);
      else return true;
      return false;
    });
  }

  #resume(task: Task, entry: Entry, changed: boolean, now: EpochMs): void {
    const { plan, roster, room, arrivals } = this.#heirs;
    const { id, due, attempt, count, phase } = entry;
    const run: Run = { id, task, due, attempt, collapsed: count - 1 };
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
  return { ...entry, retryAt: Math.min(entry.retryAt, now + Math.ceil(retry.maxDelay * LONGEST)) };
}
