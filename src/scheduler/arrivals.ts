/**
 * From due times to runs: what of the past still runs (SPEC 5, "Missed times"), overlap, conditions. Promises the loop that
 * every due time it hands in comes back as a run, or is recorded and told as skipped with the reason.
 */
import { messageOf } from '../errors.ts';
import { formatDuration } from '../schedule/duration.ts';
import { type Span, settleArrears } from '../schedule/missed.ts';
import type { Entry, EpochMs, Level, Ms, Run, SkipReason, Task } from '../types.ts';
import { newEntry, runOf } from './entries.ts';
import type { ArrivalParts } from './parts.ts';
import type { DueTask } from './plan.ts';
import type { Live, Roster } from './roster.ts';
import { describeWaited } from './waited.ts';

/** Later than this with nobody there is missed, not late (SPEC 5). */
export const LATE_WITHIN: Ms = 60_000;
/** For a pass, which is called now and then, what came due less than an hour ago is late (SPEC 5). */
export const LATE_WITHIN_PASS: Ms = 3_600_000;

/** When due times are looked at, and why nobody was there before. */
export interface Look {
  readonly now: EpochMs;
  readonly absent: Entry['absent'];
  readonly lateWithin: Ms;
}

const PAUSED = 'the task was paused';

export class Arrivals {
  readonly #parts: ArrivalParts;
  readonly #roster: Roster;
  /** Tasks in a streak of overlaps: only its first is a warning. */
  readonly #overlapping = new Set<string>();

  constructor(parts: ArrivalParts, roster: Roster) {
    this.#parts = parts;
    this.#roster = roster;
  }

  /** Of a task something is due: what of it runs. The entries are put into the books, not yet flushed. */
  due({ task, entries, dues, since }: DueTask, { now, absent, lateWithin }: Look): Live[] {
    const { missed, missedWithin } = task;
    const all = [...entries.map(({ due }) => due), ...dues];
    const isPaused = this.#pausesOf(task);
    const wanted = all.filter((due) => !isPaused(due));
    const arrears = settleArrears({ dues: wanted, now, lateWithin, absent: absent !== null, missed, missedWithin });
    // The oldest span begins with the first due time, also where that was too long ago to be listed.
    const entryOf = (span: Span): Entry =>
      this.#entryOf(task, span, entries, span.first === all[0] ? (since ?? span.first) : span.first);
    for (const { span, why } of arrears.skipped) this.skip({ ...entryOf(span), absent }, 'info', 'missed', why);
    const told = [...arrears.run, ...arrears.skipped.map(({ span }) => span)];
    for (const span of spansOf(all, isPaused)) {
      // Within a span that one run stands for they are told with it.
      const within = told.some(({ first, due }) => first < span.first && span.due < due);
      if (!within) this.skip({ ...entryOf(span), absent }, 'info', 'paused', PAUSED);
    }
    // `missed: all` runs them one after the other, whatever goes already (SPEC 5).
    const inTurn = missed === 'all' && (absent !== null || arrears.run.length > 1);
    return arrears.run.flatMap((span) => {
      const entry = entryOf(span);
      const late = entry.first < now - lateWithin;
      return this.arrive(task, { ...entry, absent: late ? absent : null, inTurn, queuedAt: now }) ?? [];
    });
  }

  /** A due time that comes with the boot of the machine (`@reboot`). */
  booted(task: Task, now: EpochMs): Live | null {
    const entry = { ...newEntry(this.#parts.newRunId(), task.name, now, now), queuedAt: now };
    if (!this.#pausesOf(task)(now)) return this.arrive(task, entry);
    this.skip(entry, 'info', 'paused', PAUSED);
    return null;
  }

  /** One run comes to wait for its turn; null where it is skipped, or its condition fails. */
  arrive(task: Task, entry: Entry): Live | null {
    if (!entry.inTurn && !this.#fits(task, entry)) return null;
    this.#overlapping.delete(task.name);
    const run = runOf(task, entry);
    if (!this.holds(run, entry)) return null;
    this.#parts.books.put(run.id, entry);
    return this.#roster.add(run, entry, 'waiting');
  }

  /** Records and tells that a due time is not run. What had an attempt before ends as that did. */
  skip(entry: Entry, level: Level, reason: SkipReason, detail: string): void {
    const { books, clock, emit } = this.#parts;
    const skipped = { reason, detail, at: clock.now() };
    const phase = entry.ending === null ? 'skipped' : 'ended';
    const attempt = entry.ending?.attempt ?? entry.attempt;
    const closed: Entry = { ...entry, phase, attempt, retryAt: null, startedAt: null, pid: null, skipped };
    books.close(closed);
    const { id, task, due, count } = entry;
    emit({ type: 'skipped', id, task, due, count, level, reason, detail });
    this.#parts.closed(closed);
  }

  /** One whose task is no more is given up. */
  remove(entry: Entry): void {
    this.skip(entry, 'warning', 'removed', 'its task was removed or disabled while it waited');
  }

  /** `max_wait` is over for one that has waited. */
  giveUp({ run, entry }: Live): void {
    const held = entry.waited === null ? '' : `, kept back by ${describeWaited(entry.waited)}`;
    const detail = `it waited for longer than max_wait (${formatDuration(run.task.maxWait ?? 0)})${held}`;
    this.skip(entry, 'warning', 'max_wait', detail);
  }

  #pausesOf({ name }: Task): (due: EpochMs) => boolean {
    const pauses = this.#parts.pausesOf(name);
    return (due) => pauses.some(({ from, until }) => from <= due && due < until);
  }

  /** What `overlap` says where a run of the task goes or waits (SPEC 6). One of a task waits at any time. */
  #fits(task: Task, entry: Entry): boolean {
    // One whose process has ended is only being recorded, which is waited for.
    const lives = this.#roster.of(task.name).filter(({ over }) => !over);
    const waiting = lives.filter(({ stage }) => stage !== 'going');
    const skip = (detail: string): false => {
      const level = this.#overlapping.has(task.name) ? 'info' : 'warning';
      this.#overlapping.add(task.name);
      this.skip(entry, level, 'overlap', detail);
      return false;
    };
    if (lives.length === 0) return true;
    if (task.overlap === 'skip') return skip('an earlier run of the task has not ended');
    if (task.overlap !== 'replace') return waiting.length === 0 || skip('an earlier run of the task still waits');
    for (const live of waiting) {
      this.#parts.forget(live);
      this.skip(live.entry, 'info', 'overlap', 'a later due time took its place');
    }
    for (const { stage, handle } of lives) if (stage === 'going') handle?.end('replace');
    return true;
  }

  /** Whether its condition holds; if not, or if it throws, that is recorded and told. */
  holds(run: Run, entry: Entry): boolean {
    const { condition } = run.task;
    if (condition === null) return true;
    try {
      if (condition.holds(this.#parts.scope(run))) return true;
      this.skip(entry, 'info', 'condition', `${condition.kind} = ${condition.source}`);
    } catch (error) {
      this.#parts.fail(run, entry, messageOf(error));
    }
    return false;
  }

  /** The entry for a span of due times: the planned one of the last of them, which takes the others in. */
  #entryOf(task: Task, span: Span, entries: readonly Entry[], first: EpochMs): Entry {
    const { books, clock, newRunId } = this.#parts;
    const within = entries.filter(({ due }) => due >= span.first && due <= span.due);
    const planned = within.find(({ due }) => due === span.due);
    for (const { id } of within) if (id !== planned?.id) books.put(id, null);
    return {
      ...(planned ?? newEntry(newRunId(), task.name, span.due, clock.now())),
      first: Math.min(first, ...within.map((entry) => entry.first)),
      count: within.reduce((sum, { count }) => sum + count - 1, span.count),
    };
  }
}

/** The longest rows of such due times. */
function spansOf(dues: readonly EpochMs[], isOne: (due: EpochMs) => boolean): Span[] {
  const spans: Span[] = [];
  let open = false;
  for (const due of dues) {
    const last = open ? spans.pop() : undefined;
    open = isOne(due);
    if (open) spans.push({ first: last?.first ?? due, due, count: (last?.count ?? 0) + 1 });
    else if (last !== undefined) spans.push(last);
  }
  return spans;
}
