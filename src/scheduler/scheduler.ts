/**
 * The loop: plan -> arrival -> admission -> start -> end. Waits on events only: the next due time (never longer than 30 s,
 * so that a clock step or a resume from suspend is seen), the end of a run, a reload, a stop. Promises that every due time
 * has one entry in the ledger, which says what became of it, and that tenancy (SPEC 6) holds at every moment. Touches no
 * file and no process itself: `SchedulerParts` does.
 */
import type { Asked, Configuration, Entry, EpochMs, Ms, Summary, Task } from '../types.ts';
import { Arrivals, LATE_WITHIN, LATE_WITHIN_PASS } from './arrivals.ts';
import { Cursors } from './cursors.ts';
import { Ends } from './ends.ts';
import { Inheritance } from './inheritance.ts';
import type { Left, SchedulerParts } from './parts.ts';
import { Plan } from './plan.ts';
import { Requests } from './requests.ts';
import type { Moment } from './restart-moment.ts';
import { type Live, Roster } from './roster.ts';
import { Stopping } from './stopping.ts';
import { Timekeeper } from './timekeeper.ts';
import { WaitingRoom } from './waiting-room.ts';

/** How often a stop says that it goes on. */
const STOP_LOOK: Ms = 5_000;
/** So many runs are started in one turn; each takes some ms. */
const STARTS = 128;

export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #mode: 'pass' | 'stay';
  readonly #roster = new Roster();
  readonly #room: WaitingRoom;
  readonly #cursors: Cursors;
  readonly #plan: Plan;
  readonly #time: Timekeeper;
  readonly #arrivals: Arrivals;
  readonly #inheritance: Inheritance;
  readonly #ends: Ends;
  readonly #requests: Requests;
  #tasks = new Map<string, Task>();
  #cancelTimer: (() => void) | null = null;
  /** Nobody was there before the first look at the plan. */
  #first = true;
  readonly #stop = new Stopping();
  /** A turn is on its way. */
  #coming = false;
  /** Runs that were started, and whose end is not recorded yet. */
  #going = 0;
  #finish: (() => void) | null = null;
  /** Tasks that a reload has just brought in: nobody was there for those that could not be read before it. */
  #returned: ReadonlySet<string> = new Set();

  constructor(parts: SchedulerParts, mode: 'pass' | 'stay', left: Left) {
    const { books } = parts;
    this.#parts = parts;
    this.#mode = mode;
    this.#cursors = new Cursors(left.cursors, (task, cursor) => books.cursor(task, cursor));
    this.#plan = new Plan({ ...parts, cursors: this.#cursors });
    const waits = {
      giveUp: (live: Live) => this.#arrivals.giveUp(live),
      holds: (live: Live) => this.#arrivals.holds(live.run, live.entry),
    };
    this.#room = new WaitingRoom({ ...parts, ...waits }, this.#roster);
    this.#time = new Timekeeper({ ...parts, cursors: this.#cursors, plan: this.#plan, room: this.#room });
    const ways = {
      fail: (...failed: Parameters<Ends['failed']>) => this.#ends.failed(...failed),
      forget: (live: Live) => void this.#room.leave(live),
      closed: (entry: Entry) => this.#requests.closed(entry),
      remove: (entry: Entry) => this.#arrivals.remove(entry),
    };
    this.#arrivals = new Arrivals({ ...parts, ...ways }, this.#roster);
    const heirs = { plan: this.#plan, roster: this.#roster, room: this.#room, arrivals: this.#arrivals };
    this.#inheritance = new Inheritance(left.open, heirs);
    this.#ends = new Ends({ ...parts, ...ways, ...heirs });
    this.#requests = new Requests({ ...parts, ...heirs });
  }

  /** For a look at what goes and what waits. */
  get rows(): Pick<Requests, 'running' | 'waiting'> {
    return this.#requests;
  }

  get stopping(): boolean {
    return this.#stop.begun;
  }

  /** What a restart would meet. */
  get moment(): Moment {
    return { going: this.#going, next: Math.min(this.#plan.next()?.at ?? Number.POSITIVE_INFINITY, this.#room.wake()) };
  }

  /** Runs since the start, and what is due next. */
  get summary(): Summary {
    return { ...this.#ends.tally.total, next: this.#plan.next() };
  }

  /** Schedules until stopped, or, in a pass, until nothing is due, waits or runs. Load a configuration first. */
  run(): Promise<Summary> {
    return new Promise((resolve) => {
      this.#finish = () => resolve(this.summary);
      this.#turn();
    });
  }

  /** Swaps the configuration in. What runs goes on as it was started; what waits of tasks that are gone is given up. */
  load(configuration: Configuration): void {
    const { clock, boot, books } = this.#parts;
    const started = this.#finish !== null;
    if (started) this.#turn();
    // A restart that waited for this moment.
    if (this.stopping) return;
    const now = clock.now();
    this.#plan.takeBack(now);
    const before = started ? this.#tasks : null;
    this.#tasks = new Map(configuration.tasks.filter((task) => task.enabled).map((task) => [task.name, task]));
    this.#returned = new Set(before === null ? [] : [...this.#tasks.keys()].filter((name) => !before.has(name)));
    this.#room.patience = configuration.patience;
    const changed = this.#cursors.adopt(configuration, now, boot);
    this.#plan.load(this.#tasks, now);
    for (const entry of [...this.#room.adopt(this.#tasks), ...this.#plan.takeOrphans()]) this.#arrivals.remove(entry);
    this.#inheritance.handOn(configuration, this.#tasks, changed, now);
    this.#time.start(now);
    const boots = [...this.#tasks.values()].filter(({ schedule }) => schedule.kind === 'reboot');
    const booted = boots.filter(({ name }) => this.#cursors.takeBoot(name, boot, now));
    for (const live of booted.flatMap((task) => this.#arrivals.booted(task, now) ?? [])) this.#room.enter(live, now);
    books.flush();
    if (started) this.#turn();
  }

  /** Nothing new starts, running groups are told to end; `run` resolves when all is recorded. */
  stop(): void {
    if (this.stopping) return;
    const { clock } = this.#parts;
    this.#stop.begin(this.#roster.all(), clock.monotonic());
    this.#plan.takeBack(clock.now());
    this.#requests.giveUp();
    this.#room.close();
    this.#parts.books.flush();
    for (const { handle, over } of this.#roster.all()) if (!over) handle?.end('stop');
    this.#turn();
  }

  /** A run of a task of the configuration, beside its schedule. */
  ask(task: Task): Asked {
    const asked = this.#requests.ask(task, this.#parts.clock.now());
    this.#turn();
    return { ...asked, waited: this.#requests.waitedFor(asked.run) };
  }

  /** Ends what goes and drops what waits; as Requests.kill. @throws FateError RUN_UNKNOWN */
  kill(what: string, isTask: boolean): ReturnType<Requests['kill']> {
    const rows = this.#requests.kill(what, isTask);
    this.#soon();
    return rows;
  }

  killAll(): void {
    for (const { handle } of this.#roster.all()) handle?.kill();
  }

  #turn(): void {
    const { now, leapt } = this.#time.look();
    if (!this.stopping) {
      this.#collect(now, this.#first ? 'off' : leapt ? 'clock' : null);
      this.#first = false;
      if (this.#parts.zonesChanged()) this.#time.replan(now);
      const lives = this.#room.admit(now, STARTS);
      for (const live of lives) this.#start(live);
      if (lives.length === STARTS) this.#soon();
      else if (this.#mode === 'stay') this.#plan.ahead(now);
    }
    this.#arm();
    this.#rest();
    this.#parts.turned(this.#stop.isBusy(this.#roster.all(), this.#parts.clock.monotonic()));
  }

  /** One turn for all that happens until then: a backlog of short runs must not keep out signals, timeouts and ends. */
  #soon(): void {
    if (this.#coming) return;
    this.#coming = true;
    setImmediate(() => {
      this.#coming = false;
      if (this.#finish !== null) this.#turn();
    });
  }

  /** Takes what is due from the plan and lets it arrive. */
  #collect(now: EpochMs, absent: Entry['absent']): void {
    const due = this.#plan.take(now);
    const lateWithin = this.#mode === 'pass' && this.#first ? LATE_WITHIN_PASS : LATE_WITHIN;
    for (const one of due) {
      const look = { now, absent: this.#returned.has(one.task.name) ? ('invalid' as const) : absent, lateWithin };
      for (const arrived of this.#arrivals.due(one, look)) this.#room.enter(arrived, now);
    }
    this.#returned = new Set();
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
      this.#soon();
    });
    handle.done.then((concluded) => {
      this.#going -= 1;
      this.#ends.ended(live, concluded, this.#tasks.get(live.run.task.name), this.stopping);
      this.#soon();
    });
  }

  /** Arms the one timer: for the next time that matters, or to look at the clock. */
  #arm(): void {
    const { clock, longestWait } = this.#parts;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#finish === null) return;
    const next = Math.min(this.#plan.wake(this.#mode === 'stay'), this.#room.wake());
    const wait = this.stopping ? STOP_LOOK : Math.min(longestWait, Math.max(0, next - clock.now()));
    this.#cancelTimer = clock.after(wait, () => this.#turn());
  }

  /** When nothing goes on any more: tells so, and ends a pass or a stop. */
  #rest(): void {
    if (this.#going > 0 || this.#finish === null) return;
    // A pass waits neither for room on the disk nor for a retry: the next one sees to what could not start.
    if (this.#mode === 'pass') this.#room.close();
    if (this.#room.waiting > 0 && !this.stopping) return;
    const moment = this.#ends.tally.takeMoment();
    if (moment.executions > 0 || this.#mode === 'pass') this.#parts.passed({ ...moment, next: this.#plan.next() });
    if (this.#mode === 'stay' && !this.stopping) return;
    this.#parts.books.flush();
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#finish();
    this.#finish = null;
  }
}
