/** What `fate check` does: loads as a start would, then looks for what will surprise when a run comes. */
import { statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { loadConfiguration } from '../conf/load.ts';
import { FateError, messageOf } from '../errors.ts';
import { findProgram, INTERPRETERS } from '../execution/command.ts';
import { readEnvFile } from '../execution/env-file.ts';
import { accountEnvironment } from '../execution/environment.ts';
import { accounts } from '../platform/accounts.ts';
import { machineControllers } from '../platform/control-group-place.ts';
import type { Paths } from '../platform/paths.ts';
import { scheduleWarnings } from '../schedule/warnings.ts';
import { contextWarnings, listed, tasksWithoutUser } from '../scheduler/context-warnings.ts';
import { limitWarnings } from '../scheduler/limit-warnings.ts';
import type { Configuration, Problem, Task, ZoneSource } from '../types.ts';
import type { CheckArguments } from './commands/check.ts';
import { loadOptionsFor, pathsFor } from './context.ts';
import { tellProblems } from './failure.ts';
import { printJson } from './json.ts';

export async function check(args: CheckArguments): Promise<number> {
  const paths = pathsFor(args);
  const options = loadOptionsFor(paths);
  const chosen = {
    ...options,
    warnings: true,
    ...(args.path === undefined ? {} : { ...place(args.path), packaged: null }),
  };
  const uid = schedulerOf(paths, options.host.uid);
  let problems: readonly Problem[];
  let root: readonly string[] = [];
  let status = 0;
  let failure: FateError | null = null;
  try {
    const configuration = await loadConfiguration(chosen);
    const context = [
      ...(await contextWarnings(configuration, { accounts, uid, env: options.env })),
      ...limitWarnings(configuration, machineControllers()),
    ];
    problems = [...configuration.problems, ...surprises(configuration, chosen.zones), ...context];
    if (uid === 0) root = tasksWithoutUser(configuration);
    const errors = problems.filter((problem) => problem.severity === 'error');
    if (errors.length > 0) status = errors.every((problem) => problem.kind === 'syntax') ? 65 : 78;
  } catch (error) {
    if (!(error instanceof FateError)) throw error;
    failure = error;
    problems = error.problems;
    status = error.exitStatus;
  }
  if (args.json) {
    const message = failure === null ? {} : { message: failure.message };
    printJson({ ok: status === 0, status, ...message, problems, root });
    return status;
  }
  tellProblems(problems);
  if (root.length > 0) {
    process.stderr.write(`note: these tasks run as root, since no user is set: ${listed(root)}\n`);
  }
  if (failure !== null) process.stderr.write(`fate: ${failure.message}\n`);
  return status;
}

/** Who runs the system's configuration, whoever looks at it: who has its state, else root. */
function schedulerOf({ profile, state }: Paths, uid: number): number {
  if (profile !== 'system') return uid;
  return statSync(state, { throwIfNoEntry: false })?.uid ?? 0;
}

/** A folder is a configuration; a file is the tasks file of the folder it is in. */
function place(path: string): { conf: string; names?: { task: string; defaults: string } } {
  const absolute = resolve(path);
  try {
    if (statSync(absolute).isDirectory()) return { conf: absolute };
  } catch (error) {
    throw new FateError('CONF_MISSING', `cannot check ${path}: ${messageOf(error)}`);
  }
  const task = basename(absolute).replace(/\.(toml|yaml|yml)$/, '');
  if (task === basename(absolute)) {
    throw new FateError(
      'USAGE',
      `cannot check ${path}: expected a folder, or a file that ends in .toml, .yaml or .yml`,
    );
  }
  return { conf: dirname(absolute), names: { task, defaults: 'defaults' } };
}

function surprises({ tasks }: Configuration, zones: ZoneSource): Problem[] {
  const now = Date.now();
  return tasks
    .filter((task) => task.enabled)
    .flatMap((task) => {
      const zone = zones.zone(task.schedule.timezone);
      const about = zone === null ? [] : scheduleWarnings(task.schedule, zone, now);
      const program = missingProgram(task);
      return [
        ...about.map((message) => warning(task, ['schedule'], message)),
        ...(program === null ? [] : [warning(task, [program.key], program.message)]),
      ];
    });
}

/** A program that is not there fails the run, not the configuration (SPEC 3). */
function missingProgram(task: Task): { key: string; message: string } | null {
  const { command, context } = task;
  const path = searchPath(task);
  // What a template makes of them, only a run can tell.
  if (path === null) return null;
  if (command.kind === 'shell') {
    if (INTERPRETERS[command.executable].some((name) => findProgram(name, path) !== null)) return null;
    return { key: 'shell', message: `there is no ${command.executable} on PATH: the runs of this task will fail` };
  }
  const name = command.kind === 'command' ? command.program : command.argv[0]?.source;
  const cwd = context.cwd?.source ?? null;
  if (name === undefined || name.includes('<%')) return null;
  if (cwd !== null && !cwd.startsWith('/') && !name.startsWith('/') && name.includes('/')) return null;
  if (cwd?.includes('<%') || findProgram(name, path, cwd) !== null) return null;
  const where = name.includes('/') ? 'it is not there or not executable' : 'it is not on PATH';
  return { key: command.kind, message: `${name}: ${where}: the runs of this task will fail` };
}

/** PATH as the runs of a task will have it; undefined where they have none, null where nobody can tell. */
function searchPath({ context }: Task): string | undefined | null {
  const own = context.env.find(({ name }) => name === 'PATH');
  if (own !== undefined) return own.value?.source.includes('<%') ? null : own.value?.source;
  for (const { path } of context.envFiles.toReversed()) {
    const read = readEnvFile(path);
    const said = read.ok ? read.file.assignments.findLast(([name]) => name === 'PATH') : undefined;
    if (said !== undefined) return said[1];
  }
  if (context.user === null) return process.env.PATH;
  try {
    const account = accounts.user(context.user);
    return account === null ? null : accountEnvironment(account).PATH;
  } catch {
    return null;
  }
}

function warning(task: Task, key: readonly string[], message: string): Problem {
  return { severity: 'warning', kind: 'value', file: task.file, path: [task.name, ...key], task: task.name, message };
}
