/**
 * The loop: plan -> arrival -> admission -> start -> end. Waits on events only: the next due time (never longer than 30 s,
 * so that a clock step or a resume from suspend is seen), the end of a run, a reload, a stop. Promises that every due time
 * has one entry in the ledger, which says what became of it, and that tenancy (SPEC 6) holds at every moment. Touches no
 * file and no process itself: `SchedulerParts` does.
 */
import { formatDuration } from '../schedule/duration.ts';
import type { Concluded, Configuration, Entry, EpochMs, Ms, Run, Summary, Task } from '../types.ts';
import { Arrivals, LATE_WITHIN, LATE_WITHIN_PASS } from './arrivals.ts';
import { ClockWatch, describeForgotten, describeJump } from './clock-watch.ts';
import { conclude } from './conclude.ts';
import { CORRECTION, Cursors } from './cursors.ts';
import { Inheritance } from './inheritance.ts';
import { failedOutcome } from './outcome.ts';
import type { Left, SchedulerParts } from './parts.ts';
import { HORIZON, Plan } from './plan.ts';
import { type Live, Roster } from './roster.ts';
import { Tally } from './tally.ts';
import { WaitingRoom } from './waiting-room.ts';

const LONGEST_WAIT: Ms = 30_000;

export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #mode: 'pass' | 'stay';
  readonly #roster = new Roster();
  readonly #room: WaitingRoom;
  readonly #cursors: Cursors;
  readonly #plan: Plan;
  readonly #watch: ClockWatch;
  readonly #arrivals: Arrivals;
  readonly #inheritance: Inheritance;
  #tasks = new Map<string, Task>();
  #cancelTimer: (() => void) | null = null;
  /** Nobody was there before the first look at the plan. */
  #first = true;
  #stopping = false;
  /** Runs that were started, and whose end is not recorded yet. */
  #going = 0;
  readonly #tally = new Tally();
  #finish: (() => void) | null = null;

  constructor(parts: SchedulerParts, mode: 'pass' | 'stay', left: Left) {
    const { books } = parts;
    this.#parts = parts;
    this.#mode = mode;
    this.#cursors = new Cursors(left.cursors, (task, cursor) => books.cursor(task, cursor));
    this.#plan = new Plan({ ...parts, cursors: this.#cursors });
    this.#watch = new ClockWatch(parts.clock);
    this.#room = new WaitingRoom({ ...parts, giveUp: (live) => this.#giveUp(live) }, this.#roster);
    const ways = { fail: this.#fail.bind(this), forget: (live: Live) => void this.#room.leave(live) };
    this.#arrivals = new Arrivals({ ...parts, ...ways }, this.#roster);
    const heirs = { plan: this.#plan, roster: this.#roster, room: this.#room, arrivals: this.#arrivals };
    this.#inheritance = new Inheritance(left.open, heirs);
  }

  /** Schedules until stopped, or, in a pass, until nothing is due, waits or runs. Load a configuration first. */
  run(): Promise<Summary> {
    return new Promise((resolve) => {
      this.#finish = () => resolve({ ...this.#tally.total, next: this.#plan.next() });
      this.#turn();
    });
  }

  /** Swaps the configuration in. What runs goes on as it was started; what waits of tasks that are gone is given up. */
  load(configuration: Configuration): void {
    const { clock, boot, books } = this.#parts;
    const started = this.#finish !== null;
    if (started) this.#turn();
    const now = clock.now();
    this.#plan.takeBack(now);
    this.#tasks = new Map(configuration.tasks.filter((task) => task.enabled).map((task) => [task.name, task]));
    this.#room.patience = configuration.patience;
    const changed = this.#cursors.adopt(configuration, now, boot);
    this.#plan.load(this.#tasks, now);
    this.#dropRemoved();
    this.#inheritance.handOn(configuration, changed, now);
    this.#forgetFuture(now, CORRECTION + HORIZON);
    this.#startWithBoot(now);
    books.flush();
    if (started) this.#turn();
  }

  /** Nothing new starts, running groups are told to end; `run` resolves when all is recorded. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#plan.takeBack(this.#parts.clock.now());
    this.#room.close();
    this.#parts.books.flush();
    for (const { handle, over } of this.#roster.all()) if (!over) handle?.end('stop');
    this.#turn();
  }

  killAll(): void {
    for (const { handle } of this.#roster.all()) handle?.kill();
  }

  // ------------------------------------------------------------------------------------------------ one turn

  #turn(): void {
    const { now, jump, since } = this.#watch.look();
    if (jump !== 0) this.#noticeJump(since, jump);
    if (!this.#stopping) {
      this.#collect(now, this.#first ? 'off' : jump > 0 ? 'clock' : null);
      this.#first = false;
      if (this.#parts.zonesChanged()) this.#replan(now);
      for (const live of this.#room.admit(now)) this.#start(live);
      if (this.#mode === 'stay') this.#plan.ahead(now);
    }
    this.#arm();
    this.#rest();
  }

  /** Takes what is due from the plan and lets it arrive. */
  #collect(now: EpochMs, absent: Entry['absent']): void {
    const due = this.#plan.take(now);
    const lateWithin = this.#mode === 'pass' && this.#first ? LATE_WITHIN_PASS : LATE_WITHIN;
    for (const one of due) {
      for (const arrived of this.#arrivals.due(one, { now, absent, lateWithin })) this.#room.enter(arrived, now);
    }
    // What was not planned must have its entry before it starts.
    if (due.some(({ dues }) => dues.length > 0)) this.#parts.books.flush();
  }

  #start(live: Live): void {
    const { clock, emit, books, start } = this.#parts;
    live.stage = 'going';
    this.#going += 1;
    live.entry = { ...live.entry, phase: 'started', startedAt: clock.now() };
    const handle = start(live.run, live.entry);
    live.handle = handle;
    live.entry = { ...live.entry, pid: handle.pid };
    if (handle.pid !== null) emit({ type: 'started', run: live.run, at: clock.now(), pid: handle.pid });
    books.put(live.run.id, live.entry);
    handle.over.then(() => {
      live.over = true;
      this.#room.ended(live);
      this.#turn();
    });
    handle.done.then((concluded) => {
      this.#ended(live, concluded);
      this.#turn();
    });
  }

  /** Arms the one timer: for the next time that matters, or to look at the clock. */
  #arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#stopping || this.#finish === null) return;
    const next = Math.min(this.#plan.wake(this.#mode === 'stay'), this.#room.wake());
    const wait = Math.min(LONGEST_WAIT, Math.max(0, next - this.#parts.clock.now()));
    this.#cancelTimer = this.#parts.clock.after(wait, () => this.#turn());
  }

  /** When nothing goes on any more: tells so, and ends a pass or a stop. */
  #rest(): void {
    if (this.#going > 0 || this.#finish === null) return;
    // A pass waits neither for room on the disk nor for a retry: the next one sees to what could not start.
    if (this.#mode === 'pass') this.#room.close();
    if (this.#room.waiting > 0 && !this.#stopping) return;
    const moment = this.#tally.takeMoment();
    if (moment.executions > 0 || this.#mode === 'pass') this.#parts.passed({ ...moment, next: this.#plan.next() });
    if (this.#mode === 'stay' && !this.#stopping) return;
    this.#parts.books.flush();
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#finish();
    this.#finish = null;
  }

  // ------------------------------------------------------------------------------------------------ ends, and what changes under way

  /** An attempt is over and recorded. */
  #ended(live: Live, { outcome, entry }: Concluded): void {
    this.#going -= 1;
    this.#room.recorded(live);
    this.#tell(live.run, outcome);
    live.entry = entry;
    const task = this.#tasks.get(entry.task);
    if (entry.phase === 'retry' && !this.#stopping && task !== undefined) this.#room.awaitRetry(live, task);
    else this.#roster.remove(live);
    if (entry.phase === 'retry' && !this.#stopping && task === undefined) this.#arrivals.remove(entry);
  }

  /** A run whose condition failed: it cannot even be begun. */
  #fail(run: Run, entry: Entry, reason: string): void {
    const { books, clock } = this.#parts;
    const failed = failedOutcome(reason, clock.now());
    const concluded = conclude(entry, run.task, failed);
    if (concluded.phase === 'ended') books.close(concluded);
    else {
      books.put(run.id, concluded);
      this.#room.awaitRetry(this.#roster.add(run, concluded, 'retry'), run.task);
    }
    this.#tell(run, { ...failed, retryAt: concluded.retryAt });
  }

  #tell(run: Run, outcome: Concluded['outcome']): void {
    this.#parts.emit({ type: 'ended', run, ...outcome });
    this.#tally.count(outcome);
  }

  /** `max_wait` is over. */
  #giveUp({ run, entry }: Live): void {
    const { maxWait } = run.task;
    const held = entry.waited === null ? '' : `, kept back by ${[entry.waited.for, ...entry.waited.who].join(' ')}`;
    const detail = `it waited for longer than max_wait (${formatDuration(maxWait ?? 0)})${held}`;
    this.#arrivals.skip(entry, 'warning', 'max_wait', detail);
  }

  /** Tasks with `@reboot`, once per boot. */
  #startWithBoot(now: EpochMs): void {
    for (const task of this.#tasks.values()) {
      const due = task.schedule.kind === 'reboot' && this.#cursors.takeBoot(task.name, this.#parts.boot, now);
      const arrived = due ? this.#arrivals.booted(task, now) : null;
      if (arrived !== null) this.#room.enter(arrived, now);
    }
  }

  #noticeJump(since: EpochMs, jump: Ms): void {
    this.#parts.tellClock(...describeJump(jump));
    if (jump > 0) return;
    this.#room.shift(jump);
    // What is planned is seen already. Several small steps back come to a correction as well.
    this.#forgetFuture(since, jump < -CORRECTION ? 0 : CORRECTION + HORIZON);
  }

  #forgetFuture(now: EpochMs, beyond: Ms): void {
    const tasks = this.#cursors.forgetFuture(now, beyond);
    for (const task of tasks) this.#plan.restart(task, now);
    if (tasks.length > 0) this.#parts.tellClock('warning', describeForgotten(tasks.length));
  }

  /** A zone file has changed: what comes is planned anew, and everything up to now is as it was. */
  #replan(now: EpochMs): void {
    this.#plan.takeBack(now);
    this.#cursors.settle(now);
    this.#plan.load(this.#tasks, now);
  }

  #dropRemoved(): void {
    for (const live of [...this.#roster.all()]) {
      const task = this.#tasks.get(live.run.task.name);
      if (task !== undefined && live.stage === 'retry') this.#room.awaitRetry(live, task);
      if (task === undefined && this.#room.leave(live)) this.#arrivals.remove(live.entry);
    }
  }
}
