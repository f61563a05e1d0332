/** Counts runs: of a moment in which something ran, and of a whole pass. */
import type { Outcome, Summary } from '../types.ts';

type Sums = Omit<Summary, 'next'>;

const NONE: Sums = { executions: 0, failures: 0 };

export class Tally {
  #moment = NONE;
  #total = NONE;

  get total(): Sums {
    return this.#total;
  }

  count({ status }: Outcome): void {
    const add = ({ executions, failures }: Sums): Sums => ({
      executions: executions + 1,
      failures: failures + (status === 'OK' ? 0 : 1),
    });
    this.#moment = add(this.#moment);
    this.#total = add(this.#total);
  }

  /** What ran since it was last asked. */
  takeMoment(): Sums {
    const moment = this.#moment;
    this.#moment = NONE;
    return moment;
  }
}
