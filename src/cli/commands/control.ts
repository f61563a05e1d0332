/** The engine's command lines: `fate control`, `fated` and `fates` (SPEC 1). */
import { writeFileSync } from 'node:fs';
import type { CommandModule } from 'yargs';
import { FateError } from '../../errors.ts';
import { LEVELS, type Level } from '../../types.ts';
import type { CommonArguments, Program } from '../context.ts';

interface EngineArguments extends CommonArguments {
  readonly force: boolean;
  readonly 'log-level'?: Level | undefined;
  readonly 'no-banner': boolean;
  readonly 'no-prune': boolean;
  readonly strict: boolean;
  readonly continual?: boolean | undefined;
  readonly background?: boolean | undefined;
  readonly foreground?: boolean | undefined;
  readonly fail?: boolean | undefined;
}

type Done = (status: number) => void;

const ENGINE_OPTIONS = {
  force: { type: 'boolean', default: false, describe: 'go on where another scheduler holds the lock' },
  'log-level': { choices: LEVELS, describe: 'override the level of every log target' },
  'no-banner': { type: 'boolean', default: false, describe: 'show no banner' },
  'no-prune': { type: 'boolean', default: false, describe: 'leave the run folders of schedulers that are no more' },
  strict: { type: 'boolean', default: false, describe: 'do not start while any task is invalid' },
  scheduler: { choices: ['tiered-tenancy'], default: 'tiered-tenancy', describe: 'how tasks are admitted' },
} as const;

const FAIL = { type: 'boolean', default: false, describe: 'exit 1 if a run failed' } as const;
const CONTINUAL = { type: 'boolean', default: false, describe: 'stay and go on scheduling' } as const;

export function controlCommand(done: Done): CommandModule<object, EngineArguments> {
  return {
    command: 'control',
    describe: 'run what is due, once or continually',
    builder: (parser) =>
      parser
        .options({
          ...ENGINE_OPTIONS,
          continual: CONTINUAL,
          background: { type: 'boolean', default: false, describe: 'detach; with --continual' },
          fail: FAIL,
        })
        .example('fate control --continual', 'schedule until told to stop') as never,
    handler: async (args) => {
      if (args.background && !args.continual) throw new FateError('USAGE', '--background goes with --continual');
      done(await control('fate', args, { stay: args.continual === true, detach: args.background === true }));
    },
  };
}

/** `fated` and `fates` have no commands, only options. */
export function engineOptions(program: 'fated' | 'fates', done: Done): CommandModule<object, EngineArguments> {
  const own =
    program === 'fated'
      ? { foreground: { type: 'boolean', default: false, describe: 'stay attached to the terminal' } as const }
      : { continual: CONTINUAL, fail: FAIL };
  return {
    command: '$0',
    describe: false,
    builder: (parser) => parser.options({ ...ENGINE_OPTIONS, ...own }) as never,
    handler: async (args) => {
      const stay = program === 'fated' || args.continual === true;
      done(await control(program, args, { stay, detach: program === 'fated' && !args.foreground }));
    },
  };
}

async function control(
  program: Program,
  args: EngineArguments,
  { stay, detach }: { stay: boolean; detach: boolean },
): Promise<number> {
  const { tellReady, startDetached, isInPlace, isNewStart } = await import('../detach.ts');
  const { LIB, loadOptionsFor, pathsFor } = await import('../context.ts');
  const paths = pathsFor(args);
  if (!args['no-banner'] && !isInPlace()) {
    const { showBanner } = await import('../banner.ts');
    showBanner();
  }
  if (detach && !isInPlace()) return startDetached(program, paths.data);
  nameProcess(program);
  const { runEngine } = await import('../../daemon.ts');
  // At the end there may be nothing to load it from any more.
  const { leaveJournal } = await import('../../platform/journal.ts');
  const { readVersion } = await import('../version.ts');
  const summary = await runEngine({
    program,
    version: readVersion(),
    // A user's own socket is his alone.
    group: paths.profile === 'user' ? null : LIB,
    mode: stay ? 'stay' : 'pass',
    paths,
    load: loadOptionsFor(paths, args.strict),
    force: args.force,
    logLevel: args['log-level'] ?? null,
    prune: !args['no-prune'],
    ready: tellReady,
  }).catch((error: unknown) => {
    if (!isNewStart() || !(error instanceof FateError) || error.code !== 'LOCK_HELD') throw error;
    // Somebody was quicker, between the daemon that it was and this one: a service manager is to try again.
    throw new FateError('TEMPORARY', error.message, { cause: error });
  });
  const status = args.fail && summary.failures > 0 ? 1 : 0;
  leaveJournal(status);
  return status;
}

/** For ps(1), pgrep(1) and `systemctl status`, which would show what Node calls its main thread: proc_pid_comm(5). */
function nameProcess(program: Program): void {
  try {
    writeFileSync('/proc/self/comm', program);
  } catch {
    // It runs under any name.
  }
}
