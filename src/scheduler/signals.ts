/**
 * The signals of a scheduler: TERM and INT stop, a second one kills at once; HUP reloads. They are
 * caught before there is anything to stop: a start that waits for what a crash left is given up in good order.
 */
import type { Level, LogEvent, LogFields } from '../types.ts';
import type { Scheduler } from './scheduler.ts';

type Steered = Pick<Scheduler, 'stop' | 'killAll'>;

export class Signals {
  readonly #log: (level: Level, event: LogEvent, fields: LogFields) => void;
  #stops = 0;
  #hungUp = false;
  #scheduler: Steered | null = null;
  #reload: (() => void) | null = null;

  constructor(log: (level: Level, event: LogEvent, fields: LogFields) => void) {
    this.#log = log;
    process.on('SIGTERM', this.#stop).on('SIGINT', this.#stop).on('SIGHUP', this.#hangUp);
  }

  get stopped(): boolean {
    return this.#stops > 0;
  }

  /** @param reload null where there is none: SIGHUP is then ignored */
  attach(scheduler: Steered, reload: (() => void) | null): void {
    this.#scheduler = scheduler;
    this.#reload = reload;
    if (this.#hungUp) this.#hangUp();
  }

  release(): void {
    process.off('SIGTERM', this.#stop).off('SIGINT', this.#stop).off('SIGHUP', this.#hangUp);
  }

  readonly #stop = (signal: NodeJS.Signals): void => {
    this.#stops += 1;
    if (this.#stops === 1) {
      this.#log('info', 'stop', { msg: `${signal}: nothing new starts, running tasks are told to end` });
      this.#scheduler?.stop();
    } else if (this.#scheduler !== null) {
      this.#log('warning', 'stop', { msg: `${signal} again: running tasks are killed` });
      this.#scheduler.killAll();
    } else {
      // The start takes long, and nothing runs yet: what it was settling, the next one settles.
      this.release();
      process.kill(process.pid, signal);
    }
  };

  readonly #hangUp = (): void => {
    this.#hungUp = this.#scheduler === null;
    if (!this.stopped) this.#reload?.();
  };
}
