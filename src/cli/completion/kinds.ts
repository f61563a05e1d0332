/**
 * What stands in the place of a word, by the name that the parser gives it: the one thing about a command line that the
 * parser does not know. A test holds every positional and every option with a value to this table.
 */
import { RESULT_FORMATS } from '../../types.ts';
import { STANDINGS, STATUSES } from '../words.ts';

export type Kind =
  | { readonly kind: 'task' | 'file' | 'folder' | 'free' }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** Some of the words, with commas between them. */
  | { readonly kind: 'list'; readonly words: readonly string[] };

const TASK: Kind = { kind: 'task' };
const FILE: Kind = { kind: 'file' };
const FOLDER: Kind = { kind: 'folder' };
/** Nothing that could be listed: times, numbers, and the ids of runs, which nobody knows by heart. */
const FREE: Kind = { kind: 'free' };

const KINDS: Readonly<Record<string, Kind>> = {
  task: TASK,
  // `fate kill` takes a task or the id of a run.
  what: TASK,
  run: FREE,
  time: FREE,
  path: FILE,
  file: FILE,
  dir: FOLDER,
  folder: FOLDER,
  stdin: FILE,
  stdout: FILE,
  stderr: FILE,
  'format-result': { kind: 'list', words: ['auto', 'mixed', 'archive', ...RESULT_FORMATS] },
  status: {
    kind: 'list',
    // A retry that waits is found as `waiting` too.
    words: [...new Set([...STATUSES, ...STANDINGS].map((word) => word.toLowerCase()))],
  },
  for: FREE,
  since: FREE,
  at: FREE,
  number: FREE,
  lines: FREE,
};

/** Choices that the parser knows count more than the table. Null: nothing is said of such a word. */
export function kindOf(name: string, choices: readonly string[] = []): Kind | null {
  if (choices.length > 0) return { kind: 'words', words: choices };
  return KINDS[name.toLowerCase()] ?? null;
}

/** Commands behind whose options another command line stands, as `fate debug execute -- df -P`. */
export const RUNS_COMMANDS: readonly string[] = ['fate debug execute'];
