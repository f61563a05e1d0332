/** Errors, said to a person on stderr. */
import { formatProblem } from '../conf/problems.ts';
import { ERRORS, errnoOf, FateError, messageOf } from '../errors.ts';
import { isJournal } from '../log/journal-sink.ts';
import type { Problem } from '../types.ts';
import type { Program } from './context.ts';

export function tellUsage(program: Program, error: FateError): number {
  say('error', `${program}: ${error.message}\nTry '${program} --help'.`);
  return error.exitStatus;
}

/** One line per problem; a stack only where it was asked for. Answers the exit status. */
export function tellFailure(program: Program, error: unknown, traceback: boolean): number {
  if (traceback && error instanceof Error && error.stack) say('error', error.stack);
  if (!(error instanceof FateError)) {
    say('error', `${program}: fatal: ${messageOf(error)}`);
    // An error of the system has an errno; anything else is a fault of Fate's own.
    return errnoOf(error) === null ? ERRORS.SOFTWARE.exit : ERRORS.FATAL.exit;
  }
  tellProblems(error.problems);
  const fatal = error.code === 'FATAL' ? 'fatal: ' : '';
  say('error', `${program}: ${fatal}${error.message}`);
  return error.exitStatus;
}

export function tellProblems(problems: readonly Problem[]): void {
  for (const problem of problems) {
    say(problem.severity, `${problem.severity === 'warning' ? 'warning: ' : ''}${formatProblem(problem)}`);
  }
}

/** Where stderr is the journal, each line has the priority in front that it takes off again (sd-daemon(3)). */
function say(severity: Problem['severity'], text: string): void {
  const priority = isJournal(2, process.env.JOURNAL_STREAM) ? { error: '<3>', warning: '<4>' }[severity] : '';
  process.stderr.write(`${text.replaceAll(/^/gm, priority)}\n`);
}
