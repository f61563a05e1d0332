/** Limits that nobody will hold, since a run has no control group, or its group lacks the controller (SPEC 7). Pure. */
import type { Configuration, Controller, Limits, Problem, Task } from '../types.ts';
import { listed } from './context-warnings.ts';

const NEEDS: Readonly<Record<'memory' | 'cpu' | 'processes', Controller>> = {
  memory: 'memory',
  cpu: 'cpu',
  processes: 'pids',
};

/**
 * One for each kind of limit, at the first task that has it.
 * @param held what control groups can hold; null: there are none
 */
export function limitWarnings(
  { tasks, controlGroups }: Pick<Configuration, 'tasks' | 'controlGroups'>,
  held: ReadonlySet<Controller> | null,
): Problem[] {
  const enabled = tasks.filter((task) => task.enabled);
  return (Object.keys(NEEDS) as (keyof typeof NEEDS & keyof Limits)[]).flatMap((key) => {
    const why = whyNot(NEEDS[key], controlGroups, held);
    const limited = enabled.filter(({ limits }) => limits[key] !== null);
    const [first] = limited;
    return why === null || first === undefined ? [] : [problemOf(key, why, first, limited)];
  });
}

function whyNot(controller: Controller, controlGroups: boolean, held: ReadonlySet<Controller> | null): string | null {
  if (!controlGroups) return 'scheduling.cgroup is false';
  if (held === null) return 'there are no control groups for runs, as a service of systemd with Delegate=yes has them';
  return held.has(controller) ? null : `the controller ${controller} is not there`;
}

function problemOf(key: string, why: string, first: Task, limited: readonly Task[]): Problem {
  const names = listed(limited.map(({ name }) => name));
  return {
    severity: 'warning',
    kind: 'value',
    file: first.file,
    path: [first.name, 'limits', key],
    task: first.name,
    message: `limits.${key} cannot be held, and runs go without it: ${why} (tasks: ${names})`,
  };
}
