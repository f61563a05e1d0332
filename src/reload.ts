/** What a reload would change, and whether it may (SPEC 3 and 11): pure. */
import { problemKey } from './conf/problems.ts';
import type { Configuration, Problem, Task } from './types.ts';

export interface Changes {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** Templates and schedules are compared by their sources: functions are no part of JSON. */
const written = ({ order: _, ...task }: Task): string => JSON.stringify(task);

export function compareTasks(before: Configuration, after: Configuration): Changes {
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
