/** The runs that wait, run, are being recorded or wait for a retry. Promises the loop to know at once what a task has going. */
import type { Entry, Run, RunHandle } from '../types.ts';

export interface Live {
  run: Run;
  /** As it stands in the ledger, or will within a second. */
  entry: Entry;
  /** `going`: until its end is recorded. */
  stage: 'waiting' | 'retry' | 'going';
  /** Null until it is started. */
  handle: RunHandle | null;
  /** Its process has ended; its result may still be being recorded. */
  over: boolean;
}

export class Roster {
  readonly #live = new Map<string, Live>();
  readonly #tasks = new Map<string, Set<Live>>();

  get(id: string): Live | undefined {
    return this.#live.get(id);
  }

  all(): Iterable<Live> {
    return this.#live.values();
  }

  of(task: string): readonly Live[] {
    return [...(this.#tasks.get(task) ?? [])];
  }

  add(run: Run, entry: Entry, stage: Live['stage']): Live {
    const live: Live = { run, entry, stage, handle: null, over: false };
    this.#live.set(run.id, live);
    const lives = this.#tasks.get(run.task.name);
    if (lives) lives.add(live);
    else this.#tasks.set(run.task.name, new Set([live]));
    return live;
  }

  remove(live: Live): void {
    const { id, task } = live.run;
    this.#live.delete(id);
    const lives = this.#tasks.get(task.name);
    lives?.delete(live);
    if (lives?.size === 0) this.#tasks.delete(task.name);
  }
}
