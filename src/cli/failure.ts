/** Errors, said to a person on stderr. */
import { ERRORS, errnoOf, FateError, messageOf } from '../errors.ts';
import type { Problem } from '../types.ts';
import type { Program } from './context.ts';

export function tellUsage(program: Program, error: FateError): number {
  process.stderr.write(`${program}: ${error.message}\nTry '${program} --help'.\n`);
  return error.exitStatus;
}

/** One line per problem; a stack only where it was asked for. Answers the exit status. */
export async function tellFailure(program: Program, error: unknown, traceback: boolean): Promise<number> {
  if (traceback && error instanceof Error && error.stack) process.stderr.write(`${error.stack}\n`);
  if (!(error instanceof FateError)) {
    process.stderr.write(`${program}: fatal: ${messageOf(error)}\n`);
    // An error of the system has an errno; anything else is a fault of Fate's own.
    return errnoOf(error) === null ? ERRORS.SOFTWARE.exit : ERRORS.FATAL.exit;
  }
  await tellProblems(error.problems);
  const fatal = error.code === 'FATAL' ? 'fatal: ' : '';
  process.stderr.write(`${program}: ${fatal}${error.message}\n`);
  return error.exitStatus;
}

export async function tellProblems(problems: readonly Problem[]): Promise<void> {
  if (problems.length === 0) return;
  const { formatProblem } = await import('../conf/problems.ts');
  for (const problem of problems) {
    process.stderr.write(`${problem.severity === 'warning' ? 'warning: ' : ''}${formatProblem(problem)}\n`);
  }
}
