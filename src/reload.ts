/**
 * A reload (SPEC 3, 11): the new configuration as a whole, or the old one stays and it is told why. Promises that one goes on
 * at a time, and that each answers for the files as they were when it was asked for, or later.
 */
import { formatProblem, problemKey } from './conf/problems.ts';
import { FateError, messageOf } from './errors.ts';
import type {
  Configuration,
  DaemonStatus,
  EpochMs,
  Level,
  LogEvent,
  LogFields,
  Problem,
  Reloaded,
  Task,
} from './types.ts';

/** Templates and schedules are compared by their sources: functions are no part of JSON. */
const written = ({ order: _, ...task }: Task): string => JSON.stringify(task);

export function compareTasks(before: Configuration, after: Configuration): Reloaded {
  const old = new Map(before.tasks.map((task) => [task.name, task]));
  const now = new Map(after.tasks.map((task) => [task.name, task]));
  const differs = ([name, task]: [string, Task]): boolean => {
    const earlier = old.get(name);
    return earlier !== undefined && written(earlier) !== written(task);
  };
  return {
    added: [...now.keys()].filter((name) => !old.has(name)),
    removed: [...old.keys()].filter((name) => !now.has(name)),
    changed: [...now].filter(differs).map(([name]) => name),
  };
}

/** The errors of a new configuration that the running one does not have already: any of them refuses the reload. */
export function newErrors(before: Configuration, after: Configuration): Problem[] {
  const known = new Set(before.problems.map(problemKey));
  return after.problems.filter((problem) => problem.severity === 'error' && !known.has(problemKey(problem)));
}

export interface ReloadParts {
  current(): Configuration;
  /** @throws FateError */
  load(): Promise<Configuration>;
  /** Goes on around each reload. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** Swaps it in. @throws Error, and then leaves everything as it was */
  adopt(next: Configuration): Promise<void>;
  now(): EpochMs;
  log(level: Level, event: LogEvent, fields: LogFields): void;
}

export class Reloads {
  readonly #parts: ReloadParts;
  #last: Promise<unknown> = Promise.resolve();
  /** The one that has not begun: whoever asks meanwhile is answered by it. */
  #coming: Promise<Reloaded> | null = null;
  /** The last one that is over. */
  told: DaemonStatus['reloaded'] = null;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
  }

  /** What became of it is logged. @throws FateError with the reason for which the old configuration stays */
  request(): Promise<Reloaded> {
    if (this.#coming !== null) return this.#coming;
    const answer = this.#last.then(() => {
      this.#coming = null;
      return this.#parts.during(() => this.#reload());
    });
    this.#coming = answer;
    this.#last = answer.catch(() => {});
    return answer;
  }

  /** Resolves when none is under way. */
  async idle(): Promise<void> {
    await this.#last;
  }

  async #reload(): Promise<Reloaded> {
    const { current, load, adopt, now, log } = this.#parts;
    try {
      const before = current();
      const next = await load();
      const problems = newErrors(before, next);
      if (problems.length > 0) throw new FateError(codeOf(problems), 'it has new problems', { problems });
      const changes = compareTasks(before, next);
      await adopt(next);
      log('info', 'reload', { msg: 'the configuration was read again', ...changes });
      this.told = { at: now(), ok: true };
      return changes;
    } catch (error) {
      const [code, problems] = error instanceof FateError ? [error.code, error.problems] : (['FATAL', []] as const);
      const message = `the old configuration stays: ${messageOf(error)}`;
      tellProblems(log, problems);
      log('error', 'reload', { msg: message });
      this.told = { at: now(), ok: false };
      throw new FateError(code, message, { cause: error, problems });
    }
  }
}

/** As `fate check` has it. */
const codeOf = (problems: readonly Problem[]): 'CONF_SYNTAX' | 'CONF_INVALID' =>
  problems.every(({ kind }) => kind === 'syntax') ? 'CONF_SYNTAX' : 'CONF_INVALID';

/** Errors alone: what may merely surprise is told by `fate check`. */
export function tellProblems(log: ReloadParts['log'], problems: readonly Problem[]): void {
  for (const problem of problems) {
    if (problem.severity === 'error') log('error', 'config', { msg: formatProblem(problem), task: problem.task });
  }
}
