/** How a stop goes on: until when it is worth waiting for. Pure. */
import type { Ms } from '../types.ts';
import type { Live } from './roster.ts';

/** After the last grace: who is not gone then is held by the kernel, and nobody can end it. */
const PATIENCE: Ms = 30_000;

export class Stopping {
  /** On the monotonic clock. */
  #by: Ms | null = null;

  get begun(): boolean {
    return this.#by !== null;
  }

  begin(lives: Iterable<Live>, now: Ms): void {
    const graces = [...lives].filter(({ stage }) => stage === 'going').map(({ run }) => run.task.grace);
    this.#by = now + Math.max(0, ...graces) + PATIENCE;
  }

  /** What has ended is being recorded, or what was told to end has its grace still. */
  isBusy(lives: Iterable<Live>, now: Ms): boolean {
    if (this.#by === null) return false;
    return now < this.#by || [...lives].some(({ over }) => over);
  }
}
