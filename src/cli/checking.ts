/** What `fate check` does: loads as a start would, then looks for what will surprise when a run comes. */
import { statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { loadConfiguration } from '../conf/load.ts';
import { FateError, messageOf } from '../errors.ts';
import { findProgram, INTERPRETERS } from '../execution/command.ts';
import { scheduleWarnings } from '../schedule/warnings.ts';
import type { Configuration, Problem, Task, ZoneSource } from '../types.ts';
import type { CheckArguments } from './commands/check.ts';
import { loadOptionsFor, pathsFor } from './context.ts';
import { tellProblems } from './failure.ts';

export async function check(args: CheckArguments): Promise<number> {
  const paths = pathsFor(args);
  const options = loadOptionsFor(paths);
  const chosen = {
    ...options,
    warnings: true,
    ...(args.path === undefined ? {} : { ...place(args.path), packaged: null }),
  };
  let problems: readonly Problem[];
  let status = 0;
  let failure: FateError | null = null;
  try {
    const configuration = await loadConfiguration(chosen);
    problems = [...configuration.problems, ...surprises(configuration, chosen.zones)];
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
    process.stdout.write(`${JSON.stringify({ ok: status === 0, status, ...message, problems }, null, 2)}\n`);
    return status;
  }
  await tellProblems(problems);
  if (failure !== null) process.stderr.write(`fate: ${failure.message}\n`);
  return status;
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
function missingProgram({ command }: Task): { key: string; message: string } | null {
  const path = process.env.PATH;
  if (command.kind === 'shell') {
    if (INTERPRETERS[command.executable].some((name) => findProgram(name, path) !== null)) return null;
    return { key: 'shell', message: `there is no ${command.executable} on PATH: the runs of this task will fail` };
  }
  const name = command.kind === 'command' ? command.program : command.argv[0]?.source;
  if (name === undefined || name.includes('<%') || findProgram(name, path) !== null) return null;
  const where = name.includes('/') ? 'it is not there or not executable' : 'it is not on PATH';
  return { key: command.kind, message: `${name}: ${where}: the runs of this task will fail` };
}

function warning(task: Task, key: readonly string[], message: string): Problem {
  return { severity: 'warning', kind: 'value', file: task.file, path: [task.name, ...key], task: task.name, message };
}
