/**
 * The loop: agenda -> admission -> start -> end. Waits on events only: the next due time (never longer than 30 s, so that
 * a clock step or a resume from suspend is seen), the end of a run, a reload, a stop. Promises that every due time is
 * either started or told as skipped, and that tenancy (SPEC 6) holds at every moment. Touches no file and no process
 * itself: `SchedulerParts` does.
 */
import { Agenda } from '../schedule/agenda.ts';
import { formatDuration } from '../schedule/duration.ts';
import { Admission } from '../tenancy/queue.ts';
import type { Configuration, Cursor, EpochMs, Ms, Outcome, Run, Summary, Task } from '../types.ts';
import { Arrivals, LATE_WITHIN, LATE_WITHIN_PASS } from './arrivals.ts';
import { ClockWatch } from './clock-watch.ts';
import { Cursors } from './cursors.ts';
import { failedOutcome } from './outcome.ts';
import type { SchedulerParts } from './parts.ts';
import { type Live, Roster } from './roster.ts';

const LONGEST_WAIT: Ms = 30_000;

export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #mode: 'pass' | 'stay';
  readonly #agenda = new Agenda<Task>();
  readonly #admission = new Admission();
  readonly #roster = new Roster();
  readonly #cursors: Cursors;
  readonly #watch: ClockWatch;
  readonly #arrivals: Arrivals;
  #tasks = new Map<string, Task>();
  #cancelTimer: (() => void) | null = null;
  /** Nobody was there before the first look at the agenda. */
  #first = true;
  #stopping = false;
  #sums = { moment: { executions: 0, failures: 0 }, total: { executions: 0, failures: 0 } };
  #finish: (() => void) | null = null;

  constructor(parts: SchedulerParts, mode: 'pass' | 'stay', stored: ReadonlyMap<string, Cursor>) {
    this.#parts = parts;
    this.#mode = mode;
    this.#cursors = new Cursors(stored, (changes) => parts.saveCursors(changes));
    this.#watch = new ClockWatch(parts.clock);
    const fail = (run: Run, reason: string): void => this.#ended(run, failedOutcome(reason, parts.clock.now()));
    this.#arrivals = new Arrivals({ ...parts, fail }, this.#cursors, this.#roster);
  }

  /** Schedules until stopped, or, in a pass, until nothing is due, waits or runs. Load a configuration first. */
  run(): Promise<Summary> {
    return new Promise((resolve) => {
      this.#finish = () => resolve({ ...this.#sums.total, next: this.#next() });
      this.#turn();
    });
  }

  /** Swaps the configuration in. What runs goes on as it was started; what waits of tasks that are gone is given up. */
  load(configuration: Configuration): void {
    const started = this.#finish !== null;
    if (started) this.#turn();
    const now = this.#parts.clock.now();
    this.#tasks = new Map(configuration.tasks.filter((task) => task.enabled).map((task) => [task.name, task]));
    this.#cursors.adopt(configuration, now);
    this.#forgetFuture(now);
    this.#agenda.clear();
    this.#planAll();
    this.#dropRemoved();
    if (started) this.#turn();
  }

  /** Nothing new starts, running groups are told to end; `run` resolves when all is recorded. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#rewindWaiting();
    for (const { handle, over } of this.#roster.all()) if (!over) handle?.end('stop');
    this.#turn();
  }

  killAll(): void {
    for (const { handle } of this.#roster.all()) handle?.kill();
  }

  // ------------------------------------------------------------------------------------------------ one turn

  #turn(): void {
    const { now, jump } = this.#watch.look();
    if (jump !== 0) this.#noticeJump(now, jump);
    if (!this.#stopping) {
      this.#collect(now, this.#first || jump > 0);
      this.#first = false;
      if (this.#parts.zonesChanged()) {
        this.#cursors.settle(now);
        this.#planAll();
      }
      this.#admit();
    }
    this.#arm();
    this.#rest();
  }

  /** Takes what is due from the agenda and lets it arrive. */
  #collect(now: EpochMs, absent: boolean): void {
    const tasks = this.#agenda.take(now).map(({ value }) => value);
    if (tasks.length === 0) return;
    const lateWithin = this.#mode === 'pass' && this.#first ? LATE_WITHIN_PASS : LATE_WITHIN;
    const runs = this.#arrivals.due(tasks, { now, absent, lateWithin });
    for (const task of tasks) this.#plan(task);
    this.#enqueue(runs);
  }

  /** A cohort is what is due at one instant (SPEC 6). */
  #enqueue(runs: readonly Run[]): void {
    const cohorts = new Map<EpochMs, Run[]>();
    for (const run of runs) {
      const cohort = cohorts.get(run.due);
      if (cohort) cohort.push(run);
      else cohorts.set(run.due, [run]);
    }
    for (const [due, cohort] of [...cohorts].sort(([a], [b]) => a - b)) {
      this.#admission.arrive(
        due,
        cohort.map(({ id, task: { tenancy, order } }) => ({ id, tenancy, order })),
      );
    }
  }

  #admit(): void {
    if (this.#admission.waiting === 0 || !this.#parts.roomToStart()) return;
    for (const id of this.#admission.admit()) {
      const live = this.#roster.get(id);
      if (live) this.#start(live);
    }
  }

  #start(live: Live): void {
    const { run } = live;
    const handle = this.#parts.start(run);
    live.handle = handle;
    if (handle.pid !== null) this.#parts.emit({ type: 'started', run, at: this.#parts.clock.now(), pid: handle.pid });
    handle.over.then(() => {
      live.over = true;
      this.#admission.ended(run.id);
      this.#turn();
    });
    handle.done.then((outcome) => {
      this.#ended(run, outcome);
      this.#roster.remove(run);
      const task = this.#tasks.get(run.task.name);
      if (task !== undefined && !this.#stopping) this.#enqueue(this.#arrivals.backlog(task));
      this.#turn();
    });
  }

  /** Arms the one timer: for the next due time, or to look at the clock. */
  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#stopping || this.#finish === null) return;
    const next = this.#agenda.peek()?.at ?? Number.POSITIVE_INFINITY;
    const wait = Math.min(LONGEST_WAIT, Math.max(0, next - this.#parts.clock.now()));
    this.#cancelTimer = this.#parts.clock.after(wait, () => this.#turn());
  }

  /** When nothing goes on any more: tells so, and ends a pass or a stop. */
  #rest(): void {
    // A pass does not wait for room on the disk: the next one sees again what could not start.
    const stuck = this.#admission.running === 0 && this.#admission.waiting > 0;
    if (this.#mode === 'pass' && stuck) this.#rewindWaiting();
    if (this.#roster.size > 0 || this.#finish === null) return;
    const { moment } = this.#sums;
    if (moment.executions > 0 || this.#mode === 'pass') {
      this.#parts.passed({ ...moment, next: this.#next() });
      this.#sums.moment = { executions: 0, failures: 0 };
    }
    if (this.#mode === 'stay' && !this.#stopping) return;
    const finish = this.#finish;
    this.#finish = null;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    finish();
  }

  // ------------------------------------------------------------------------------------------------ bookkeeping

  #plan(task: Task): void {
    const next = task.schedule.next(this.#cursors.of(task.name)?.seen ?? this.#parts.clock.now());
    if (next === null) this.#agenda.delete(task.name);
    else this.#agenda.set(task.name, next, task);
  }

  #planAll(): void {
    for (const task of this.#tasks.values()) this.#plan(task);
  }

  #noticeJump(now: EpochMs, jump: Ms): void {
    const by = formatDuration(Math.round(Math.abs(jump) / 1000) * 1000);
    if (jump > 0) {
      const level = jump > LATE_WITHIN ? 'warning' : 'info';
      this.#parts.tellClock(level, `the clock went forward by ${by}, or the machine slept that long`);
      return;
    }
    this.#parts.tellClock('warning', `the clock went back by ${by}`);
    if (this.#forgetFuture(now)) this.#planAll();
  }

  #forgetFuture(now: EpochMs): boolean {
    const count = this.#cursors.forgetFuture(now);
    if (count === 0) return false;
    const whose = count === 1 ? 'one task' : `${count} tasks`;
    this.#parts.tellClock('warning', `${whose} had seen times more than 3 h ahead of the clock; that is forgotten`);
    return true;
  }

  /** What waits goes back before its due time, so that the next start sees it again. */
  #rewindWaiting(): void {
    const waiting = this.#takeWaiting(() => true).map(({ task, due }) => ({ task: task.name, due }));
    this.#cursors.rewind([...waiting, ...this.#roster.clearBacklogs()]);
  }

  #dropRemoved(): void {
    for (const { task, due, collapsed } of this.#takeWaiting((run) => !this.#tasks.has(run.task.name))) {
      this.#arrivals.skip(task, { due, collapsed }, 'warning', 'removed', 'it was removed or disabled while it waited');
    }
    for (const name of this.#roster.backlogTasks()) if (!this.#tasks.has(name)) this.#roster.takeBacklog(name);
  }

  #takeWaiting(which: (run: Run) => boolean): Run[] {
    const runs = this.#admission.waitingIds().flatMap((id) => this.#roster.get(id)?.run ?? []);
    const taken = runs.filter(which);
    for (const run of taken) {
      this.#admission.drop(run.id);
      this.#roster.remove(run);
    }
    return taken;
  }

  #next(): Summary['next'] {
    const next = this.#agenda.peek();
    return next === null ? null : { at: next.at, task: next.key };
  }

  #ended(run: Run, outcome: Outcome): void {
    this.#parts.emit({ type: 'ended', run, ...outcome });
    for (const sum of [this.#sums.moment, this.#sums.total]) {
      sum.executions += 1;
      if (outcome.status !== 'OK') sum.failures += 1;
    }
  }
}
