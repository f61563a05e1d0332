/**
 * Up to which instant the occurrences of each task have their entry in the ledger (SPEC 5, "The bookkeeping is per task").
 * Promises the loop that no due time is seen twice and none is forgotten but those SPEC says.
 */
import type { Boot, Configuration, Cursor, EpochMs, Ms } from '../types.ts';

/** A clock set back by more is a correction: what lies in the future of it is forgotten (SPEC 5). */
export const CORRECTION: Ms = 3 * 3_600_000;
/** A task with `@reboot` that is seen for the first time later than this after the boot is done for this one (SPEC 5). */
const BOOTING: Ms = 600_000;

export class Cursors {
  readonly #cursors: Map<string, Cursor>;
  readonly #save: (task: string, cursor: Cursor | null) => void;

  constructor(stored: ReadonlyMap<string, Cursor>, save: (task: string, cursor: Cursor | null) => void) {
    this.#cursors = new Map(stored);
    this.#save = save;
  }

  of(task: string): Cursor | null {
    return this.#cursors.get(task) ?? null;
  }

  /** Every due time up to and including `seen` has an entry. Also goes back, where planned entries were taken out again. */
  move(task: string, seen: EpochMs): void {
    const cursor = this.#cursors.get(task);
    if (cursor !== undefined && cursor.seen !== seen) this.#set(task, { ...cursor, seen });
  }

  /** A task seen for the first time, or with another schedule than before, has missed nothing. Answers their names. */
  adopt(configuration: Configuration, now: EpochMs, boot: Boot): ReadonlySet<string> {
    const changed = new Set<string>();
    for (const { name, schedule, enabled } of configuration.tasks) {
      if (!enabled) continue;
      const { kind, fingerprint } = schedule;
      if (this.#cursors.get(name)?.fingerprint === fingerprint) continue;
      changed.add(name);
      const done = kind === 'reboot' && now - boot.at > BOOTING ? { boot: boot.id } : {};
      this.#set(name, { fingerprint, seen: now, ...done });
    }
    for (const name of [...this.#cursors.keys()].filter(goneFrom(configuration))) this.#set(name, null);
    return changed;
  }

  /** True once for each boot, for a task with `@reboot` that is due at it. */
  takeBoot(task: string, boot: Boot, now: EpochMs): boolean {
    const cursor = this.#cursors.get(task);
    if (cursor === undefined || cursor.boot === boot.id) return false;
    this.#set(task, { ...cursor, seen: now, boot: boot.id });
    return true;
  }

  /** Forgets what lies further in the future than a clock is set back for good reason. Answers whose it was. */
  forgetFuture(now: EpochMs, beyond: Ms): string[] {
    const ahead = [...this.#cursors].filter(([, { seen }]) => seen - now > beyond);
    for (const [task, cursor] of ahead) this.#set(task, { ...cursor, seen: now });
    return ahead.map(([task]) => task);
  }

  /** Everything up to now is accounted for, by the zone rules that held so far. In memory only: the next due time writes. */
  settle(now: EpochMs): void {
    for (const [task, cursor] of this.#cursors) {
      if (cursor.seen < now) this.#cursors.set(task, { ...cursor, seen: now });
    }
  }

  #set(task: string, cursor: Cursor | null): void {
    if (cursor === null) this.#cursors.delete(task);
    else this.#cursors.set(task, cursor);
    this.#save(task, cursor);
  }
}

/**
 * Tells of a name whether its task is disabled or removed, and not merely unreadable now: set aside, or in a file that is.
 * Tasks that are gone start afresh when they come back.
 */
export function goneFrom({ tasks, invalid, problems }: Configuration): (name: string) => boolean {
  const enabled = new Map(tasks.map((task) => [task.name, task.enabled]));
  const aside = new Set(invalid.map(({ name }) => name));
  const unread = problems.some((problem) => problem.severity === 'error' && problem.task === undefined);
  return (name) => !(enabled.get(name) ?? (unread || aside.has(name)));
}
