/**
 * The log in use, which a reload may swap for another. Promises that what waits in the old one for a slow reader still gets
 * there, for a while, and holds up nobody.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Level, LogEvent, LogFields, Logger, Ms } from '../types.ts';

/** What waits at a swap has so long to get to its reader, and a moment of it where all is closed. */
const DRAIN: Ms = 60_000;
const LAST_MOMENT: Ms = 1_000;

export class CurrentLog {
  #logger: Logger;
  #draining: Promise<void>[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  readonly log = (level: Level, event: LogEvent, fields: LogFields): void => this.#logger.log(level, event, fields);

  swap(next: Logger): void {
    const draining = this.#logger.close(DRAIN).then(() => {
      this.#draining = this.#draining.filter((other) => other !== draining);
    });
    this.#draining.push(draining);
    this.#logger = next;
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await this.#logger.close();
    const drained = Promise.all(this.#draining);
    await Promise.race([drained, pause(LAST_MOMENT, undefined, { ref: false })]);
  }
}
