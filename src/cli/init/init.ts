/** What `fate init` does (SPEC 13): each part in turn is planned, carried out, and followed by what comes next. */
import { ERRORS, FateError } from '../../errors.ts';
import type { Paths } from '../../platform/paths.ts';
import type { InitArguments } from '../commands/init.ts';
import { SHELLS } from '../completion/shells.ts';
import { pathsFor } from '../context.ts';
import { printJson } from '../json.ts';
import { carryOut } from './carrying-out.ts';
import { chosenShell, planPart, scriptOf } from './planning.ts';
import { startSession, type Talk } from './session.ts';
import { type Done, PARTS, type Part } from './wanted.ts';

/** Ctrl-C: 128 and the number of SIGINT, as a shell has it. */
const INTERRUPTED = 130;
const TITLES: Readonly<Record<Part, string>> = { conf: 'Configuration', comp: 'Completion', serv: 'Service' };

interface Outcome {
  readonly done: readonly Done[];
  readonly next: readonly string[];
}

/** @returns the exit status: the worst of its parts, or 130 after Ctrl-C. @throws FateError USAGE */
export async function init(args: InitArguments): Promise<number> {
  if (args.part === 'comp') {
    const shell = chosenShell(args);
    if (shell === null) throw new FateError('USAGE', `--shell is needed here: one of ${SHELLS.join(', ')}`);
    if (args.file === '-') {
      process.stdout.write(await scriptOf(shell));
      return 0;
    }
  }
  const paths = pathsFor(args);
  const talk = startSession(args);
  const outcomes: Outcome[] = [];
  for (const part of args.part === null ? PARTS : [args.part]) {
    if (args.part === null) talk.title(TITLES[part]);
    const outcome = await perform(part, args, paths, talk);
    for (const line of outcome.next) talk.next(line);
    outcomes.push(outcome);
  }
  if (args.json)
    printJson(outcomes.flatMap(({ done, next }) => done.map((one, at) => ({ ...one, next: at === 0 ? next : [] }))));
  if (talk.stopped === 'interrupt') return INTERRUPTED;
  return Math.max(0, ...outcomes.flatMap(({ done }) => done.map(({ status }) => status)));
}

/** A part that cannot even be planned fails by itself; the others go on. */
async function perform(part: Part, args: InitArguments, paths: Paths, talk: Talk): Promise<Outcome> {
  try {
    const plan = await planPart(part, args, paths);
    if (plan === null) {
      const note = `${part}: no completions for this shell, but with --shell ${SHELLS.join('|')}`;
      const skipped: Done = { part, path: null, action: 'not made', note, status: 0 };
      talk.tell(skipped);
      return { done: [skipped], next: [] };
    }
    const done = await carryOut(plan, talk);
    return { done, next: await plan.hints(done) };
  } catch (error) {
    if (!(error instanceof FateError)) throw error;
    const failed: Done = { part, path: null, action: 'failed', note: null, status: ERRORS[error.code].exit };
    talk.fail(error);
    return { done: [failed], next: [] };
  }
}
