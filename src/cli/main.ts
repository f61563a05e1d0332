/**
 * The command line of all three programs, and the only place that turns errors into exit statuses (SPEC 1). Commands and
 * all they need are imported when they are called, so that `--help` costs next to nothing.
 */
import yargs, { type Argv } from 'yargs';
import { FateError } from '../errors.ts';
import { commandWords } from './command-words.ts';
import { checkCommand } from './commands/check.ts';
import { controlCommand, engineOptions } from './commands/control.ts';
import { debugCommand } from './commands/debug.ts';
import { killCommand } from './commands/kill.ts';
import { listCommand } from './commands/list.ts';
import { logsCommand } from './commands/logs.ts';
import { nextCommand } from './commands/next.ts';
import { pauseCommand } from './commands/pause.ts';
import { reloadCommand } from './commands/reload.ts';
import { resumeCommand } from './commands/resume.ts';
import { runCommand } from './commands/run.ts';
import { runsCommand } from './commands/runs.ts';
import { showCommand } from './commands/show.ts';
import { statusCommand } from './commands/status.ts';
import { whyCommand } from './commands/why.ts';
import type { Program } from './context.ts';
import { currentFolder } from './current-folder.ts';
import { tellFailure, tellUsage } from './failure.ts';
import { guardOutput } from './output-guard.ts';

const DESCRIPTION: Record<Program, string> = {
  fate: 'Fate, the command scheduler: manages and tries out tasks.',
  fated: 'The daemon of Fate: runs the configured tasks when they are due, until told to stop.',
  fates: 'One pass of Fate: runs what is due, waits for it and exits.',
};

const EXAMPLE: Record<Program, readonly [string, string]> = {
  fate: ['fate check && fate next -n 3', 'validate the configuration, then see when each task runs'],
  fated: ['fated --foreground --log-level debug', 'schedule in this terminal and tell everything'],
  fates: ['fates --fail', 'run what is due; exit 1 if any of it failed'],
};

/** Runs a command line. Answers the exit status; never rejects. */
export async function main(program: Program, argv: readonly string[]): Promise<number> {
  let status = 0;
  const done = (code: number): void => {
    status = code;
  };
  const traceback = argv.includes('--tb') || argv.includes('--traceback');
  const parser = commonOptions(yargs([], currentFolder()), program);
  if (program === 'fate') {
    parser
      .command(controlCommand(done))
      .command(checkCommand(done))
      .command(reloadCommand(done))
      .command(statusCommand(done))
      .command(listCommand(done))
      .command(nextCommand(done))
      .command(runsCommand(done))
      .command(showCommand(done))
      .command(whyCommand(done))
      .command(logsCommand(done))
      .command(runCommand(done))
      .command(killCommand(done))
      .command(pauseCommand(done))
      .command(resumeCommand(done))
      .command(debugCommand(done))
      .demandCommand(1, 1, 'a command is needed', 'one command at a time');
  } else {
    parser.command(engineOptions(program, done));
  }
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

function commonOptions(parser: Argv, program: Program): Argv {
  const [example, does] = EXAMPLE[program];
  return parser
    .scriptName(program)
    .usage(
      program === 'fate'
        ? `${DESCRIPTION.fate}\n\nUsage: $0 COMMAND [OPTIONS]`
        : `${DESCRIPTION[program]}\n\nUsage: $0 [OPTIONS]`,
    )
    .example(example, does)
    .option('system', {
      type: 'boolean',
      describe: 'use the folders of the system (/etc/fate and so on)',
      global: true,
    })
    .option('user', {
      type: 'boolean',
      describe: 'use the folders of the user (~/.config/fate and so on)',
      global: true,
    })
    .option('tb', { type: 'boolean', alias: 'traceback', describe: 'show the stack of an error', global: true })
    .conflicts('system', 'user')
    .help('help', 'show this help')
    .version('version', 'show the version', 'x')
    .parserConfiguration({
      'populate--': true,
      // A word of a command that is tried out is a text: 007 is not 7.
      'parse-positional-numbers': false,
      'camel-case-expansion': false,
      'boolean-negation': false,
      'duplicate-arguments-array': false,
    })
    .strict()
    .exitProcess(false)
    .wrap(Math.min(100, process.stdout.columns ?? 80))
    .fail((message, error) => {
      // yargs throws errors of its own for some mistakes (YError), and says the others.
      throw error === undefined || error.name === 'YError' ? new FateError('USAGE', message ?? error.message) : error;
    });
}
