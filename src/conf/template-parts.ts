/**
 * Splits a text into what is literal and what is a template tag, by the rule of SPEC 4: `<%` opens a tag only before `=`,
 * `-`, `_`, `#` or white space, so that `printf '<%s>'` is text, and `<%%` is a literal `<%`. For template and the checks
 * of commands. Pure.
 */
export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'tag';
      /** As ejs knows them: code, output (both kinds insert unescaped text) and comments. */
      readonly open: '<%' | '<%_' | '<%=' | '<%-' | '<%#';
      readonly body: string;
      readonly close: '%>' | '-%>' | '_%>';
      /** As written. */
      readonly source: string;
      /** The line of the text it begins in, from 1. */
      readonly line: number;
    };

const OPEN = /<%(?:%|([=\-_#])|(?=\s))/g;
const CLOSE = /[-_]?%>/g;

/** The text without any tag, or null when there is one: nothing else has to be loaded or compiled for it. */
export function literalOf(source: string): string | null {
  if (!source.includes('<%')) return source;
  const parts = templateParts(source);
  return parts.every((part) => part.kind === 'text') ? parts.map((part) => part.text).join('') : null;
}

/** @throws Error with one sentence, for a tag without an end */
export function templateParts(source: string): Part[] {
  const parts: ({ kind: 'text'; text: string } | Extract<Part, { kind: 'tag' }>)[] = [];
  let from = 0;
  for (;;) {
    OPEN.lastIndex = from;
    const open = OPEN.exec(source);
    text(source.slice(from, open?.index ?? source.length));
    if (open === null) return parts;
    from = open.index + open[0].length;
    if (open[0] === '<%%') {
      text('<%');
      continue;
    }
    const line = source.slice(0, open.index).split('\n').length;
    CLOSE.lastIndex = from;
    const close = CLOSE.exec(source);
    const next = source.indexOf('<%', from);
    if (close === null || (next !== -1 && next < close.index)) {
      throw new Error(`expected %> after ${open[0]} in line ${line} of the text, found none`);
    }
    const end = close.index + close[0].length;
    parts.push({
      kind: 'tag',
      open: open[0] as '<%',
      body: source.slice(from, close.index),
      close: close[0] as '%>',
      source: source.slice(open.index, end),
      line,
    });
    from = end;
  }

  function text(more: string): void {
    if (more === '') return;
    const last = parts.at(-1);
    if (last?.kind === 'text') last.text += more;
    else parts.push({ kind: 'text', text: more });
  }
}
