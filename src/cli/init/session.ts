/** Whom `fate init` asks and how it tells: the terminal, lines for people or programs, and nothing while JSON is printed. */
import { FateError } from '../../errors.ts';
import type { InitArguments } from '../commands/init.ts';
import { tellFailure } from '../failure.ts';
import { plain } from '../words.ts';
import type { Terminal } from './asking.ts';
import type { Session } from './carrying-out.ts';
import { lineOf, lookOf, titleOf } from './screen.ts';

export interface Talk extends Session {
  title(text: string): void;
  next(text: string): void;
}

/** @throws FateError USAGE where it is to ask and cannot */
export function startSession(args: InitArguments): Talk {
  const { json } = args;
  const { stdin, stdout, stderr, env } = process;
  const look = lookOf(stdout, env);
  const output = stdout.isTTY ? stdout : stderr;
  const canAsk = Boolean(stdin.isTTY && output.isTTY);
  if (args.prompt && json) throw new FateError('USAGE', 'expected one of --prompt and --json, found both');
  if (args.prompt && !canAsk) throw new FateError('USAGE', '--prompt needs a terminal to ask on');
  const prompts = (args.prompt ?? !(args['no-prompt'] || json)) && canAsk;
  const terminal: Terminal | null = prompts
    ? { input: stdin, output, look: lookOf(output, env), erases: env.TERM !== 'dumb' }
    : null;
  const say = (line: string): void => {
    if (!json) stdout.write(`${line}\n`);
  };
  return {
    terminal,
    prompts,
    dryRun: args['dry-run'],
    stopped: null,
    tell: (done) => {
      // Elsewhere than on a terminal a failure is told once, on standard error.
      if (done.action !== 'failed' || look.symbols) say(lineOf(done, look));
    },
    fail: (error) => {
      tellFailure('fate', error, args.tb === true);
    },
    title: (text) => {
      if (look.colour) say(titleOf(text, look));
    },
    next: (text) => say(`${look.symbols ? '   ' : ''}next: ${plain(text)}`),
  };
}
