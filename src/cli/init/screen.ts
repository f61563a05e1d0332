/** How `fate init` looks: symbols and colour on a terminal, words elsewhere. Pure but for the streams it is asked about. */
import stringWidth from 'string-width';
import { plain } from '../words.ts';
import type { Action, Done } from './wanted.ts';

export interface Look {
  /** ☐ ☑ ☒; else words. */
  readonly symbols: boolean;
  readonly colour: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Symbols need a terminal and a locale in UTF-8 (locale(7): LC_ALL before LC_CTYPE before LANG). */
export function lookOf({ isTTY }: { readonly isTTY?: boolean }, env: Environment): Look {
  const dumb = !isTTY || env.TERM === 'dumb';
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return { symbols: !dumb && /utf-?8/i.test(locale), colour: !dumb && !env.NO_COLOR };
}

const [RED, GREEN, CYAN] = [31, 32, 36];
const SYMBOLS = { done: '☑', open: '☐', wrong: '☒' } as const;
const COLOURS = { done: GREEN, open: CYAN, wrong: RED } as const;
type Mark = keyof typeof SYMBOLS;

const KINDS: Readonly<Record<Action, { readonly mark: Mark; readonly words: string; readonly beside: string }>> = {
  made: { mark: 'done', words: 'made', beside: 'made' },
  replaced: { mark: 'done', words: 'replaced', beside: 'replaced' },
  same: { mark: 'done', words: 'same', beside: '' },
  there: { mark: 'done', words: 'there already', beside: 'there already' },
  differs: { mark: 'wrong', words: 'differs, left', beside: 'differs, left' },
  'not made': { mark: 'open', words: 'not made', beside: 'not made' },
  'would make': { mark: 'open', words: 'would make', beside: 'would make' },
  'would ask': { mark: 'wrong', words: 'would ask', beside: 'differs, would ask' },
  failed: { mark: 'wrong', words: 'failed', beside: 'failed' },
};

/** One line of what became of something, without its end. */
export function lineOf({ path, action, note }: Done, look: Look): string {
  const { mark, words, beside } = KINDS[action];
  const where = path === null ? '' : plain(path);
  const said = note === null ? '' : plain(note);
  if (!look.symbols) return [words, where, said && `(${said})`].filter((text) => text !== '').join(' ');
  const details = [beside, said].filter((text) => text !== '').join(', ');
  return [`${symbol(mark, look)} ${where}`.trimEnd(), details].filter((text) => text !== '').join('  ');
}

/** What is asked about, with the answers: the capital is that of Enter. */
export function questionOf(path: string, what: string | null, kind: 'make' | 'replace', look: Look): string {
  const mark = look.symbols ? `${symbol(kind === 'make' ? 'open' : 'wrong', look)} ` : '';
  if (kind === 'make') return `${mark}${plain(path)}  make it? [Y/n/q/?] `;
  return `${mark}${plain(path)}  ${plain(what ?? 'differs')}: replace it? [y/N/d/q/?] `;
}

export function titleOf(text: string, { colour }: Look): string {
  return colour ? `\u001b[1m${text}\u001b[22m` : text;
}

function symbol(mark: Mark, { colour }: Look): string {
  return colour ? `\u001b[1;${COLOURS[mark]}m${SYMBOLS[mark]}\u001b[22;39m` : SYMBOLS[mark];
}

/** What takes away a line that has just been written and not ended, all the rows that it took (ECMA-48, CPL and ED). */
export function eraseLine(text: string, columns: number): string {
  const rows = Math.max(1, Math.ceil(stringWidth(text) / Math.max(1, columns)));
  return `\r${rows > 1 ? `\u001b[${rows - 1}A` : ''}\u001b[J`;
}
