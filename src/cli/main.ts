/**
 * The command line of all three programs, and the only place that turns errors into exit statuses (SPEC 1). Commands and
 * all they need are imported when they are called, so that `--help` costs next to nothing.
 */
import { FateError } from '../errors.ts';
import { commandWords } from './command-words.ts';
import type { Program } from './context.ts';
import { tellFailure, tellUsage } from './failure.ts';
import { guardOutput } from './output-guard.ts';
import { makeParser } from './parser.ts';

/** Runs a command line. Answers the exit status; never rejects. */
export async function main(program: Program, argv: readonly string[]): Promise<number> {
  let status = 0;
  const done = (code: number): void => {
    status = code;
  };
  const traceback = argv.includes('--tb') || argv.includes('--traceback');
  const parser = makeParser(program, done);
  try {
    const words = commandWords(argv);
    const end = words.indexOf('--');
    if (words.slice(0, end < 0 ? words.length : end).includes('--version')) {
      const { readVersion } = await import('./version.ts');
      process.stdout.write(`${program} ${readVersion()}\n`);
      return 0;
    }
    // The engine's programs have a log of their own, which sees to its streams itself.
    const printed = program === 'fate' && words[0] !== 'control' ? guardOutput() : null;
    await parser.parseAsync(words);
    const failure = (await printed?.()) ?? null;
    if (failure !== null) throw new FateError('FATAL', failure);
    return status;
  } catch (error) {
    if (error instanceof FateError && error.code === 'USAGE') return tellUsage(program, error);
    return tellFailure(program, error, traceback);
  }
}
