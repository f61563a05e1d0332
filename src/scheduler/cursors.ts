/**
 * Up to which instant the occurrences of each task are accounted for (SPEC 5, "The bookkeeping is per task").
 * Promises the loop that no due time is seen twice and none is forgotten but those SPEC says. Writes through `save`.
 */
import type { Configuration, Cursor, EpochMs, Ms, Task } from '../types.ts';

/** A clock set back by more is a correction: what lies in the future of it is forgotten (SPEC 5). */
const CORRECTION: Ms = 3 * 3_600_000;

type Changes = ReadonlyMap<string, Cursor | null>;

export class Cursors {
  readonly #cursors: Map<string, Cursor>;
  readonly #save: (changes: Changes) => void;

  constructor(stored: ReadonlyMap<string, Cursor>, save: (changes: Changes) => void) {
    this.#cursors = new Map(stored);
    this.#save = save;
  }

  of(task: string): Cursor | null {
    return this.#cursors.get(task) ?? null;
  }

  write(changes: Changes): void {
    if (changes.size === 0) return;
    for (const [task, cursor] of changes) {
      if (cursor === null) this.#cursors.delete(task);
      else this.#cursors.set(task, cursor);
    }
    this.#save(changes);
  }

  /** A task seen for the first time, or with another schedule than before, has missed nothing. */
  adopt(configuration: Configuration, now: EpochMs): void {
    const changes = new Map<string, Cursor | null>();
    const enabled = configuration.tasks.filter((task) => task.enabled);
    for (const { name, schedule } of enabled) {
      if (this.#cursors.get(name)?.fingerprint === schedule.fingerprint) continue;
      changes.set(name, { fingerprint: schedule.fingerprint, seen: now });
    }
    for (const name of this.#gone(configuration, enabled)) changes.set(name, null);
    this.write(changes);
  }

  /** Tasks that are disabled or removed start afresh when they come back; those that cannot be read now are not gone. */
  #gone(configuration: Configuration, enabled: readonly Task[]): string[] {
    const kept = new Set([...enabled, ...configuration.invalid].map((task) => task.name));
    const disabled = new Set(configuration.tasks.filter((task) => !task.enabled).map((task) => task.name));
    const unread = configuration.problems.some((problem) => problem.severity === 'error' && problem.task === undefined);
    return [...this.#cursors.keys()].filter((name) => !kept.has(name) && (disabled.has(name) || !unread));
  }

  /** Forgets what lies further in the future than a clock is set back for good reason. Answers how many tasks had any. */
  forgetFuture(now: EpochMs): number {
    const changes = new Map<string, Cursor | null>();
    for (const [task, cursor] of this.#cursors) {
      if (cursor.seen - now > CORRECTION) changes.set(task, { ...cursor, seen: now });
    }
    this.write(changes);
    return changes.size;
  }

  /** Everything up to now is accounted for, by the zone rules that held so far. In memory only: the next due time writes. */
  settle(now: EpochMs): void {
    for (const [task, cursor] of this.#cursors) {
      if (cursor.seen < now) this.#cursors.set(task, { ...cursor, seen: now });
    }
  }

  /** Goes back before the earliest of these due times of each task, so that the next start sees them again. */
  rewind(dues: Iterable<{ readonly task: string; readonly due: EpochMs }>): void {
    const changes = new Map<string, Cursor | null>();
    for (const { task, due } of dues) {
      const cursor = this.#cursors.get(task);
      const seen = Math.min(due - 1, changes.get(task)?.seen ?? Number.POSITIVE_INFINITY);
      if (cursor) changes.set(task, { ...cursor, seen });
    }
    this.write(changes);
  }
}
