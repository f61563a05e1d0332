/**
 * From due times to runs: what of the past still runs (SPEC 5, "Missed times"), overlap, conditions. Promises the loop that
 * every due time it hands in comes back as a run, waits for its turn, or is told as skipped with the reason.
 */
import { messageOf } from '../errors.ts';
import { settleArrears } from '../schedule/missed.ts';
import type { Cursor, EpochMs, Level, Ms, Run, SkipReason, Task } from '../types.ts';
import type { Cursors } from './cursors.ts';
import type { ArrivalParts } from './parts.ts';
import type { Due, Roster } from './roster.ts';

/** Later than this with nobody there is missed, not late (SPEC 5). */
export const LATE_WITHIN: Ms = 60_000;
/** For a pass, which is called now and then, what came due less than an hour ago is late (SPEC 5). */
export const LATE_WITHIN_PASS: Ms = 3_600_000;

/** When the agenda is looked at, and whether anybody was there before. */
export interface Look {
  readonly now: EpochMs;
  readonly absent: boolean;
  readonly lateWithin: Ms;
}

export class Arrivals {
  readonly #parts: ArrivalParts & { fail(run: Run, reason: string): void };
  readonly #cursors: Cursors;
  readonly #roster: Roster;
  /** Tasks in a streak of overlaps: only its first is a warning. */
  readonly #overlapping = new Set<string>();

  constructor(parts: ArrivalParts & { fail(run: Run, reason: string): void }, cursors: Cursors, roster: Roster) {
    this.#parts = parts;
    this.#cursors = cursors;
    this.#roster = roster;
  }

  /** Tasks of which something is due. Moves their cursors, in one write before anything starts. */
  due(tasks: readonly Task[], { now, absent, lateWithin }: Look): Run[] {
    const runs: Run[] = [];
    const cursors = new Map<string, Cursor>();
    for (const task of tasks) {
      const { missed, missedWithin, schedule } = task;
      const cursor = this.#cursors.of(task.name);
      const arrears = settleArrears({ cursor, now, lateWithin, absent, missed, missedWithin, schedule });
      cursors.set(task.name, arrears.cursor);
      if (arrears.skipped !== null) {
        const { count, latest, why } = arrears.skipped;
        this.skip(task, { due: latest, collapsed: count - 1 }, 'info', 'missed', why);
      }
      // `missed: all` runs them one after the other, whatever goes already (SPEC 5).
      const inTurn = missed === 'all' && (absent || arrears.run.length > 1);
      if (inTurn && this.#roster.going(task.name)) this.#roster.queue(task.name, arrears.run);
      else runs.push(...this.#first(task, arrears.run));
    }
    this.#cursors.write(cursors);
    return runs;
  }

  /** The next of the due times that wait for the end of the run before them. */
  backlog(task: Task): Run[] {
    return this.#first(task, this.#roster.takeBacklog(task.name));
  }

  skip(task: Task, { due, collapsed }: Due, level: Level, reason: SkipReason, detail: string): void {
    this.#parts.emit({ type: 'skipped', task, due, count: 1 + collapsed, level, reason, detail });
  }

  /** The first of these due times that is not skipped becomes a run; those behind it wait for their turn. */
  #first(task: Task, dues: readonly Due[]): Run[] {
    for (const [index, due] of dues.entries()) {
      const run = this.#runFor(task, due);
      if (run === null) continue;
      this.#roster.add(run);
      this.#roster.queue(task.name, dues.slice(index + 1));
      return [run];
    }
    return [];
  }

  #runFor(task: Task, due: Due): Run | null {
    if (this.#roster.going(task.name)) {
      const level = this.#overlapping.has(task.name) ? 'info' : 'warning';
      this.#overlapping.add(task.name);
      this.skip(task, due, level, 'overlap', 'an earlier run of the task has not ended');
      return null;
    }
    this.#overlapping.delete(task.name);
    const run: Run = { id: this.#parts.newRunId(), task, due: due.due, attempt: 1, collapsed: due.collapsed };
    const { condition } = task;
    if (condition === null) return run;
    const said = `${condition.kind} = ${condition.source}`;
    try {
      if (condition.holds(this.#parts.scope(run))) return run;
      this.skip(task, due, 'info', 'condition', said);
    } catch (error) {
      this.#parts.fail(run, `the condition ${said} failed: ${messageOf(error)}`);
    }
    return null;
  }
}
