/**
 * A daemon starts anew (SPEC 11): the wish, and the moment for it. Promises that what runs goes on to its end where that was
 * asked for, that the daemon stays as it is while a new start would get nowhere, and that nothing is looked at but in the
 * turns that the loop makes anyway.
 */
import { formatProblem } from '../conf/problems.ts';
import { FateError, messageOf } from '../errors.ts';
import type { Clock, EpochMs, Level, LogEvent, LogFields, Ms, PendingRestart, Restarting } from '../types.ts';
import { judge, type Moment, type Verdict } from './restart-moment.ts';

/** What was found good is not asked again so soon: a moment in which nothing runs may be shorter than that takes. */
const FRESH: Ms = 60_000;
/** What was found bad is looked at again no sooner. */
const AGAIN: Ms = 600_000;
const NO_ROOM = 'the disk is too full, or refuses what is to be kept';
const STOPPING = 'the daemon is stopping';
/** Names beyond that are counted. */
const NAMED = 10;

export interface RestartParts {
  readonly clock: Clock;
  readonly program: string;
  moment(): Moment;
  /** Names of tasks, one for each run. */
  running(): readonly string[];
  /** Writes what is to be kept; true when it is on the disk, and a new start finds room there. */
  flush(): boolean;
  /** Whether a new start would get anywhere: answers what would be started. @throws FateError, also where it is given up */
  check(signal: AbortSignal): Promise<string>;
  /** A stop has begun, whoever asked for it. */
  stopping(): boolean;
  /** Ends what runs, and the loop with it. */
  letGo(): void;
  log(level: Level, event: LogEvent, fields: LogFields): void;
}

export class Restart {
  readonly #parts: RestartParts;
  #since: EpochMs | null = null;
  #refused: string | null = null;
  /** Since when due times have put it off; of the clock that cannot be set, as those below. */
  #putOff: Ms | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** Of the last check that found all well, when it began. */
  #good: { readonly at: Ms; readonly version: string } | null = null;
  #badAt = Number.NEGATIVE_INFINITY;
  #checking: Promise<string> | null = null;
  #begun = false;
  readonly #end = new AbortController();

  constructor(parts: RestartParts) {
    this.#parts = parts;
  }

  /** It is on its way: the loop ends, and what follows it is a new start. */
  get begun(): boolean {
    return this.#begun;
  }

  get pending(): PendingRestart | null {
    return this.#since === null ? null : { since: this.#since, refused: this.#refused };
  }

  /**
   * With `whenIdle` a wish, which stays until it is fulfilled; else at once.
   * @throws FateError TEMPORARY in a stop; without `whenIdle` the reason for which the daemon stays as it is
   */
  async ask(whenIdle: boolean): Promise<Restarting> {
    const { clock, letGo } = this.#parts;
    this.#demandTime();
    if (whenIdle && !this.#begun) return this.#wish();
    const version = this.#begun ? '' : await this.#checked();
    this.#demandTime();
    const running = this.#names();
    // Somebody else may have been first meanwhile.
    if (!this.#begun) {
      if (!this.#parts.flush()) throw new FateError('TEMPORARY', `the daemon goes on as it is: ${NO_ROOM}`);
      this.#since ??= clock.now();
      this.#begin(version, running.length === 0 ? '' : `; running tasks are told to end: ${listed(running)}`);
      // Whoever has asked is answered first.
      clock.after(0, letGo);
    }
    return { whenIdle, running, restarting: true };
  }

  /** The loop has turned. Costs nothing while nobody has asked. */
  look(): void {
    const { clock, flush, stopping, letGo } = this.#parts;
    if (this.#since === null || this.#begun || stopping() || this.#verdict() !== 'now') return;
    const now = clock.monotonic();
    if (this.#good !== null && this.#good.at >= this.#askedAt && now - this.#good.at <= FRESH) {
      // What the disk refuses would be told again by the spool, as after a crash: better it is written first.
      this.#refused = flush() ? null : NO_ROOM;
      if (this.#refused !== null) return;
      this.#begin(this.#good.version, '');
      // In this moment, or something could start.
      letGo();
    } else if (this.#checking === null && now - this.#badAt >= AGAIN) {
      this.#checked().then(
        () => this.look(),
        // It is in the log.
        () => {},
      );
    }
  }

  /** A check that goes on is given up: the end of the daemon does not wait for it. */
  close(): void {
    this.#end.abort();
  }

  /** @throws FateError TEMPORARY in a stop that is none for a restart */
  #demandTime(): void {
    if (!this.#begun && this.#parts.stopping()) throw new FateError('TEMPORARY', STOPPING);
  }

  #wish(): Restarting {
    const { clock, program, log } = this.#parts;
    this.#since ??= clock.now();
    // Whoever asks again may have replaced what was looked at, or put right what stood in the way.
    this.#askedAt = clock.monotonic();
    this.#refused = null;
    this.#badAt = Number.NEGATIVE_INFINITY;
    const running = this.#names();
    const restarting = this.#verdict() === 'now';
    const why = running.length > 0 ? `when what runs has ended: ${listed(running)}` : 'when what is due now has run';
    if (!restarting) log('info', 'restart', { msg: `${program} restarts ${why}` });
    clock.after(0, () => this.look());
    return { whenIdle: true, running, restarting };
  }

  #verdict(): Verdict {
    const { clock, moment } = this.#parts;
    const now = clock.monotonic();
    const verdict = judge(moment(), clock.now(), this.#putOff === null ? null : now - this.#putOff);
    if (verdict === 'soon') this.#putOff ??= now;
    return verdict;
  }

  #names(): string[] {
    return [...new Set(this.#parts.running())];
  }

  /** Several who ask at one time are answered by one check. */
  #checked(): Promise<string> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  async #check(): Promise<string> {
    const { check, clock, log, program } = this.#parts;
    const at = clock.monotonic();
    try {
      const version = await check(this.#end.signal);
      this.#good = { at, version };
      this.#refused = null;
      return version;
    } catch (error) {
      if (this.#end.signal.aborted) throw new FateError('TEMPORARY', STOPPING, { cause: error });
      const problems = error instanceof FateError ? error.problems : [];
      for (const problem of problems) {
        if (problem.severity === 'error') log('error', 'config', { msg: formatProblem(problem), task: problem.task });
      }
      this.#good = null;
      this.#badAt = clock.monotonic();
      const again = this.#since === null ? '' : '; it is tried again when nothing runs, in 10 minutes at the earliest';
      this.#refused = messageOf(error);
      log('error', 'restart', { msg: `${program} goes on as it is, since ${this.#refused}${again}` });
      const code = error instanceof FateError ? error.code : 'FATAL';
      throw new FateError(code, `the daemon goes on as it is: ${this.#refused}`, { cause: error, problems });
    }
  }

  #begin(version: string, besides: string): void {
    const { log, program } = this.#parts;
    this.#begun = true;
    log('info', 'restart', { msg: `${program} lets go and starts anew as ${version}${besides}` });
  }
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMED;
  return names.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
