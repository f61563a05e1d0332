/**
 * The runs that wait, run or are being recorded, and the missed times that run one after the other. Promises the loop to
 * know at once whether a task has anything going.
 */
import type { EpochMs, Run, RunHandle } from '../types.ts';

export interface Live {
  readonly run: Run;
  /** Null while it waits. */
  handle: RunHandle | null;
  /** Its process has ended; its result may still be being recorded. */
  over: boolean;
}

/** A due time that shall run, and how many earlier ones it stands for. */
export interface Due {
  readonly due: EpochMs;
  readonly collapsed: number;
}

export class Roster {
  readonly #live = new Map<string, Live>();
  readonly #ids = new Map<string, Set<string>>();
  readonly #backlog = new Map<string, Due[]>();

  get size(): number {
    return this.#live.size;
  }

  get(id: string): Live | undefined {
    return this.#live.get(id);
  }

  all(): Iterable<Live> {
    return this.#live.values();
  }

  going(task: string): boolean {
    return this.#ids.has(task);
  }

  add(run: Run): void {
    this.#live.set(run.id, { run, handle: null, over: false });
    const ids = this.#ids.get(run.task.name);
    if (ids) ids.add(run.id);
    else this.#ids.set(run.task.name, new Set([run.id]));
  }

  remove(run: Run): void {
    this.#live.delete(run.id);
    const ids = this.#ids.get(run.task.name);
    ids?.delete(run.id);
    if (ids?.size === 0) this.#ids.delete(run.task.name);
  }

  /** Puts due times behind those that wait for their turn already. */
  queue(task: string, dues: readonly Due[]): void {
    if (dues.length > 0) this.#backlog.set(task, [...(this.#backlog.get(task) ?? []), ...dues]);
  }

  /** Takes all that wait for their turn. */
  takeBacklog(task: string): Due[] {
    const dues = this.#backlog.get(task) ?? [];
    this.#backlog.delete(task);
    return dues;
  }

  /** Takes the backlogs of all tasks. */
  clearBacklogs(): { task: string; due: EpochMs }[] {
    const all = [...this.#backlog].flatMap(([task, dues]) => dues.map(({ due }) => ({ task, due })));
    this.#backlog.clear();
    return all;
  }

  backlogTasks(): string[] {
    return [...this.#backlog.keys()];
  }
}
