/**
 * What the three programs understand (SPEC 1): their commands and options, with what `--help` says of them. For main.ts,
 * which runs a command line, and for whoever has to list them: completions, and the tests of the man pages.
 */
import yargs, { type Argv } from 'yargs';
import { FateError } from '../errors.ts';
import { COMMANDS } from './commands/all.ts';
import { engineOptions } from './commands/control.ts';
import type { Program } from './context.ts';
import { currentFolder } from './current-folder.ts';

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

/** The exit status of the command that was called is told to `done`. */
export function makeParser(program: Program, done: (status: number) => void): Argv {
  const parser = commonOptions(yargs([], currentFolder()), program);
  if (program !== 'fate') return parser.command(engineOptions(program, done));
  for (const make of COMMANDS) parser.command(make(done));
  return parser.demandCommand(1, 1, 'a command is needed', 'one command at a time');
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
    .wrap(Math.min(100, process.stdout.columns || 80))
    .fail((message, error) => {
      // yargs throws errors of its own for some mistakes (YError), and says the others.
      throw error === undefined || error.name === 'YError' ? new FateError('USAGE', message ?? error.message) : error;
    });
}
