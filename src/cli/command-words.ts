/** The words of a command line as the parser is to have them. Pure. */
import { FateError } from '../errors.ts';
import { isDebugExecute, splitDebugged } from './commands/debug.ts';

/**
 * `--` is for the command of `debug execute`. Elsewhere yargs would leave what follows it to nobody: there the words take their
 * place among the others, as POSIX has it (XBD 12.2, guideline 10).
 * @throws FateError USAGE where one of them looks like an option, as no name does
 */
export function commandWords(argv: readonly string[]): readonly string[] {
  if (isDebugExecute(argv)) return splitDebugged(argv);
  const end = argv.indexOf('--');
  if (end < 0) return argv;
  const behind = argv.slice(end + 1);
  const wrong = behind.find((word) => word.startsWith('-'));
  if (wrong !== undefined)
    throw new FateError('USAGE', `expected no word that begins with - behind --, found ${wrong}`);
  // Before the last options, of which one may lack its value.
  let at = end;
  while (argv[at - 1]?.startsWith('-')) at -= 1;
  return [...argv.slice(0, at), ...behind, ...argv.slice(at, end)];
}
