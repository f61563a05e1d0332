/**
 * What systemd hears of the scheduler (SPEC 11): that it is ready, what goes on, that its loop turns, that a start or a stop
 * takes longer. Promises that a word is sent only where there is something to say, and nothing at all without systemd.
 */
import type { Notifier } from '../systemd/notify.ts';
import type { Clock, EpochMs, Ms, Summary, ZoneSource } from '../types.ts';

/** The loop turns so often at least, to see a step of the clock (SPEC 11). */
const LONGEST_WAIT: Ms = 30_000;
/** The status changes with every run: people read no more often than this. */
const STATUS_EACH: Ms = 1_000;
/** How far a start or a stop that goes on is put off, and how often. */
const EXTENSION: Ms = 30_000;
const EXTEND_EACH: Ms = 5_000;

export interface ServiceParts {
  readonly notifier: Notifier;
  readonly clock: Clock;
  readonly zones: ZoneSource;
}

/** What the status tells of. */
export interface Bustle {
  readonly running: number;
  readonly waiting: number;
  readonly next: Summary['next'];
}

export class Service {
  readonly longestWait: Ms;
  readonly #parts: ServiceParts;
  #fedAt = Number.NEGATIVE_INFINITY;
  #toldAt = Number.NEGATIVE_INFINITY;
  #extendedAt = Number.NEGATIVE_INFINITY;
  #leaving: 'stopping' | 'restarting' | null = null;
  #cancelStatus: (() => void) | null = null;
  #look: () => Bustle = () => ({ running: 0, waiting: 0, next: null });

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.longestWait = Math.min(LONGEST_WAIT, parts.notifier.watchdogEvery ?? LONGEST_WAIT);
  }

  /** Sees to it that systemd does not lose patience while something before readiness takes its time. */
  async during<T>(work: Promise<T>): Promise<T> {
    const { clock, notifier } = this.#parts;
    let cancel = (): void => {};
    const extend = (): void => {
      notifier.extend(EXTENSION);
      cancel = clock.after(EXTEND_EACH, extend);
    };
    extend();
    return work.finally(() => cancel());
  }

  /** Tasks can run. @param look what goes on, whenever it is asked */
  ready(look: () => Bustle): void {
    this.#look = look;
    this.#parts.notifier.ready();
    this.#tell();
  }

  /** A reload: systemd sees it begin and end. */
  async reloading<T>(work: () => Promise<T>): Promise<T> {
    const { notifier } = this.#parts;
    notifier.reloading();
    try {
      return await work();
    } finally {
      if (this.#leaving === null) notifier.ready();
    }
  }

  stopping(): void {
    this.#leaving = 'stopping';
    this.#parts.notifier.stopping();
  }

  /** This process goes on as a new start, which says when it is ready: the unit stays active, as in a reload. */
  restarting(): void {
    this.#leaving = 'restarting';
    this.#parts.notifier.reloading();
    this.#tell();
  }

  /** The loop has turned; `busy`: a stop, or a restart, has still something to wait for. */
  turned(busy: boolean): void {
    const { notifier, clock } = this.#parts;
    const now = clock.monotonic();
    const every = notifier.watchdogEvery;
    if (every !== null && now - this.#fedAt >= every / 2) {
      notifier.watchdog();
      this.#fedAt = now;
    }
    if (busy && now - this.#extendedAt >= EXTEND_EACH / 2) {
      notifier.extend(EXTENSION);
      this.#extendedAt = now;
    }
    if (this.#cancelStatus !== null) return;
    if (now - this.#toldAt >= STATUS_EACH) this.#tell();
    else this.#cancelStatus = clock.after(STATUS_EACH, () => this.#tell());
  }

  close(): void {
    this.#stopTelling();
    // The next word comes from the new start.
    if (this.#leaving === 'restarting' && this.#parts.notifier.watchdogEvery !== null) this.#parts.notifier.watchdog();
  }

  #stopTelling(): void {
    this.#cancelStatus?.();
    this.#cancelStatus = null;
  }

  #tell(): void {
    this.#stopTelling();
    const { notifier, clock, zones } = this.#parts;
    this.#toldAt = clock.monotonic();
    const bustle = this.#look();
    const offsetAt = (at: EpochMs): Ms => zones.zone(null)?.offsetAt(at) ?? 0;
    const leaving = this.#leaving === null ? null : `${this.#leaving}, ${bustle.running} running`;
    notifier.status(leaving ?? statusText(bustle, clock.now(), offsetAt));
  }
}

/** `3 running, 2 waiting, next ping at 12:05:00`, with the day where that is another one. */
export function statusText({ running, waiting, next }: Bustle, now: EpochMs, offsetAt: (at: EpochMs) => Ms): string {
  const wall = (at: EpochMs): string => new Date(at + offsetAt(at)).toISOString();
  const day = (at: EpochMs): string => wall(at).slice(0, 10);
  const time = (at: EpochMs): string => wall(at).slice(11, 19);
  const at = (due: EpochMs): string => (day(due) === day(now) ? time(due) : `${day(due)} ${time(due)}`);
  const coming = next === null ? 'nothing is due' : `next ${next.task} at ${at(next.at)}`;
  return [`${running} running`, ...(waiting > 0 ? [`${waiting} waiting`] : []), coming].join(', ');
}
