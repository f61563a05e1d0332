/** For the tests of the admission: short words for runs, and SPEC 6 word by word as a plain list, to compare with. */
import { Admission, type Held, type Waiting } from '../../../src/tenancy/queue.ts';

/** `x1(1) t0(3) d(3:db,disk)` in file order: id, tenancy, locks. */
export function tasks(text: string): Waiting[] {
  return [...text.matchAll(/(\w+)\((\d+)(?::([\w,]+))?\)/g)].map(([, id = '', tenancy, locks], order) => ({
    id,
    tenancy: Number(tenancy),
    order,
    locks: locks?.split(',') ?? [],
  }));
}

export function houseWith(text: string, due = 0): Admission {
  const house = new Admission();
  house.arrive(due, tasks(text));
  return house;
}

export interface Run extends Waiting {
  readonly due: number;
  /** The ids of those that were going when it came. */
  readonly found: ReadonlySet<string>;
  /** When the last of them had ended, in time that has passed; null while one goes. */
  since: number | null;
}

/** A list that is gone through from its start, again and again. Nothing in it is clever. */
export class NaiveAdmission {
  waiting: Run[] = [];
  running: Run[] = [];
  patience: number;
  #passed = 0;
  #latest: number | null = null;

  constructor(patience: number) {
    this.patience = patience;
  }

  arrive(due: number, runs: readonly Waiting[]): void {
    const found = new Set(this.running.map((run) => run.id));
    this.waiting.push(...runs.map((run) => ({ ...run, due, found, since: null })));
    this.waiting.sort((a, b) => a.due - b.due || a.tenancy - b.tenancy || a.order - b.order);
  }

  admit(now: number): string[] {
    this.#pass(now);
    const started: string[] = [];
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.drop(next.id);
      this.running.push(next);
      started.push(next.id);
    }
    return started;
  }

  ended(id: string, now: number): void {
    this.#pass(now);
    this.running = this.running.filter((run) => run.id !== id);
    this.#pass(now);
  }

  drop(id: string): void {
    this.waiting = this.waiting.filter((run) => run.id !== id);
  }

  tenancyLets(run: Run): boolean {
    return this.running.length + 1 <= Math.min(run.tenancy, ...this.running.map((other) => other.tenancy));
  }

  lockOf(run: Run): string | undefined {
    return run.locks.find((lock) => this.running.some((other) => other.locks.includes(lock)));
  }

  /** Those of earlier cohorts that tenancy alone has kept back for too long. */
  mustGoBefore(run: Run): Run[] {
    return this.waiting.filter(
      (other) =>
        other.due < run.due &&
        this.lockOf(other) === undefined &&
        !this.tenancyLets(other) &&
        other.since !== null &&
        this.#passed - other.since >= this.patience,
    );
  }

  mayStart(run: Run): boolean {
    return this.lockOf(run) === undefined && this.tenancyLets(run) && this.mustGoBefore(run).length === 0;
  }

  #next(): Run | undefined {
    return this.waiting.find((run) => this.mayStart(run));
  }

  #pass(now: number): void {
    if (this.#latest !== null && now > this.#latest) this.#passed += now - this.#latest;
    this.#latest = now;
    for (const run of this.waiting) {
      if (run.since === null && !this.running.some((other) => run.found.has(other.id))) run.since = this.#passed;
    }
  }
}

/** What is wrong with what is said to hold a waiting run; null when nothing is. */
export function wrongWith(held: Held | null, run: Run, naive: NaiveAdmission): string | null {
  if (held === null) return naive.mayStart(run) ? null : 'it is held, and nothing is told';
  if (naive.mayStart(run)) return 'it could start';
  const { who } = held;
  if (who.length === 0 || who.length > 5 || new Set(who).size !== who.length) return 'nobody, too many or one twice';
  const lock = naive.lockOf(run);
  if (lock !== undefined) {
    const holder = naive.running.find((other) => other.locks.includes(lock));
    return held.for === 'lock' && held.lock === lock && who.join() === holder?.id ? null : `${holder?.id} has ${lock}`;
  }
  if (held.lock !== null) return 'no lock keeps it';
  if (!naive.tenancyLets(run)) {
    if (held.for !== 'tenancy') return 'it is tenancy';
    const size = naive.running.length;
    const limiting = naive.running.filter((other) => run.tenancy <= size || other.tenancy <= size);
    if (who.length < Math.min(5, limiting.length)) return 'too few';
    return who.every((id) => limiting.some((other) => other.id === id)) ? null : 'one that does not limit it';
  }
  if (held.for !== 'patience') return 'it is patience';
  const older = naive.mustGoBefore(run);
  return who.every((id) => older.some((other) => other.id === id)) ? null : 'one that need not go first';
}
