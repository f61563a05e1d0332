/** A man page as its source, mdoc(7), has it: what the tests compare with the programs. Knows as much of mdoc as the pages use. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repo } from '../../helpers/repo.ts';

export const PAGES = ['fate.1', 'fated.8', 'fates.8', 'fate-tasks.5', 'fate-defaults.5'] as const;
export type Page = (typeof PAGES)[number];
export const PROGRAM_PAGES = { fate: 'fate.1', fated: 'fated.8', fates: 'fates.8' } as const;

export const pagePath = (page: Page): string => join(repo, 'packaging/man', page);
export const source = (page: Page): readonly string[] => readFileSync(pagePath(page), 'utf8').trimEnd().split('\n');

/** An item of a tagged list: its head, without `.It`, and the lines that belong to it. */
export interface Item {
  readonly head: string;
  readonly body: readonly string[];
}

/** `.Bd -literal`: `mark` is the comment before it. */
export interface Block {
  readonly mark: string;
  readonly lines: readonly string[];
}

/** A word of a line of macros: the macro it belongs to, such as `Fl`, and itself. */
export interface Word {
  readonly macro: string;
  readonly text: string;
}

const MACROS = new Set([
  'Ar',
  'Cm',
  'Dv',
  'Em',
  'Ev',
  'Fl',
  'Ic',
  'Nm',
  'Ns',
  'Op',
  'Pa',
  'Pq',
  'Ql',
  'Sx',
  'Ta',
  'Va',
  'Xr',
]);
const MARKS = /^[|,.:;()]$/;

/** The lines below `.Sh TITLE`, without the next section; none where there is no such. */
export function section(lines: readonly string[], title: string, macro = 'Sh'): readonly string[] {
  const start = lines.indexOf(`.${macro} ${title}`);
  if (start < 0) return [];
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^\.S[hs] /.test(line) && (macro === 'Ss' || line.startsWith('.Sh ')));
  return end < 0 ? rest : rest.slice(0, end);
}

/** Titles of `.Ss` in these lines. */
export const subsections = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.startsWith('.Ss ')).map((line) => line.slice('.Ss '.length));

/** The items of all lists in these lines; a list within an item belongs to it. */
export function items(lines: readonly string[]): readonly Item[] {
  const found: { head: string; body: string[] }[] = [];
  let depth = 0;
  for (const line of lines) {
    if (line.startsWith('.Bl ')) depth += 1;
    if (line.startsWith('.El')) depth -= 1;
    if (line.startsWith('.It') && depth === 1) found.push({ head: line.slice('.It '.length), body: [] });
    else if (depth > 0) found.at(-1)?.body.push(line);
  }
  return found;
}

/** The words of a line of macros, each with its macro; of a line of text none. Punctuation is left out. */
export function words(line: string): readonly Word[] {
  if (!/^\.[A-Z][a-z] /.test(line)) return [];
  let macro = '';
  const found: Word[] = [];
  for (const [, quoted, plain] of line.slice(1).matchAll(/"([^"]*)"|(\S+)/g)) {
    if (plain !== undefined && (MACROS.has(plain) || plain === 'It')) macro = plain;
    else if (plain === undefined || !MARKS.test(plain)) found.push({ macro, text: plainText(quoted ?? plain ?? '') });
  }
  return found;
}

export const wordsOf = (lines: readonly string[], macro: string): readonly string[] =>
  lines.flatMap((line) => words(line).filter((word) => word.macro === macro)).map(({ text }) => text);

/** Options, with their dashes; the `--` that ends options is none. */
export const flags = (lines: readonly string[]): readonly string[] =>
  wordsOf(lines, 'Fl')
    .map((name) => `-${name}`)
    .filter((name) => name !== '--');

/** What a person reads of it: escapes of roff undone. */
export const plainText = (text: string): string =>
  text
    .replaceAll('\\&', '')
    .replaceAll('\\-', '-')
    .replaceAll('\\(aq', "'")
    .replaceAll('\\(dq', '"')
    .replaceAll('\\(ga', '`')
    .replaceAll('\\(ti', '~')
    .replaceAll('\\(ha', '^')
    .replaceAll('\\e', '\\');

/** The text of these lines as sentences, macros taken out. */
export const prose = (lines: readonly string[]): string =>
  lines
    .map((line) =>
      line.startsWith('.')
        ? words(line)
            .map(({ text }) => text)
            .join(' ')
        : plainText(line),
    )
    .join(' ')
    .replaceAll(/\s+/g, ' ');

/** Every literal block, and every `.Dl` as a block of one line, as a person would copy it. */
export function blocks(lines: readonly string[]): readonly Block[] {
  const found: { mark: string; lines: string[] }[] = [];
  let open = false;
  let mark = '';
  for (const line of lines) {
    if (line.startsWith('.Dl ')) found.push({ mark: '', lines: [plainText(line.slice('.Dl '.length))] });
    else if (line.startsWith('.Bd -literal')) {
      open = true;
      found.push({ mark, lines: [] });
    } else if (line === '.Ed') open = false;
    else if (open) found.at(-1)?.lines.push(plainText(line));
    mark = line.startsWith('.\\" ') ? line.slice('.\\" '.length) : '';
  }
  return found;
}
