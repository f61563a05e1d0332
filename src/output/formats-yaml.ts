/**
 * YAML 1.2 for formats and detection: composes text into documents at a cost that is linear in it, whatever it holds.
 * Pure. The package's own one-call parse is not used: text that nests a few thousand levels deep ends the whole process
 * there (V8 aborts when the stack runs out inside a regular expression), and every error it collects costs a stack trace.
 */
import { Composer, type CST, type Document, isAlias, isCollection, isMap, isPair, isScalar, Lexer, Parser } from 'yaml';

/** No value read from text is nested deeper, in any format: consumers may recurse. */
export const MAX_DEPTH = 200;

/** The package looks at all aliases before one to resolve it. */
const MAX_ALIASES = 10_000;

/** Why a text is not of a format; line and column are 1-based. */
export class FormatFault extends Error {
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(message: string, line?: number, column?: number) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

export function placeOf(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    start = at + 1;
  }
  return { line, column: offset - start + 1 };
}

/** The syntax tree; throws FormatFault for what is too deep or cannot even be split into tokens. */
function tokensOf(text: string): CST.Token[] {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  const take = (more: Iterable<CST.Token>): void => {
    for (const token of more) {
      if (token.type === 'error') throw new FormatFault(token.message, ...place(text, token.offset));
      tokens.push(token);
    }
  };
  for (const lexeme of new Lexer().lex(text)) {
    take(parser.next(lexeme));
    if (parser.stack.length > MAX_DEPTH) {
      throw new FormatFault(`nested more than ${MAX_DEPTH} levels deep`, ...place(text, parser.offset));
    }
  }
  take(parser.end());
  return tokens;
}

function place(text: string, offset: number): [number, number] {
  const { line, column } = placeOf(text, offset);
  return [line, column];
}

/** All documents of a text, each with its own errors; always at least one. Throws FormatFault like `tokensOf`. */
export function composeYaml(text: string): Document.Parsed[] {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    // `uniqueKeys` compares every key with every other; `measureYaml` does the same with a set.
    const composer = new Composer({
      version: '1.2',
      merge: true,
      uniqueKeys: false,
      // !!binary, !!set and the like would give values that JSON cannot express.
      resolveKnownTags: false,
      logLevel: 'silent',
    });
    return [...composer.compose(tokensOf(text), true, text.length)];
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * What a document comes to once its aliases are written out, in characters, about. Throws FormatFault for an alias without
 * a complete anchor before it, for more than MAX_ALIASES of them and, where asked for, for keys given twice.
 */
export function measureYaml(document: Document.Parsed, text: string, uniqueKeys: boolean): number {
  const sizes = new Map<string, number>();
  let aliases = 0;
  const fault = (message: string, node: { range?: readonly number[] | null | undefined }): never => {
    throw new FormatFault(message, ...place(text, node.range?.[0] ?? 0));
  };
  const measure = (node: unknown): number => {
    if (isAlias(node)) {
      if (++aliases > MAX_ALIASES) fault(`more than ${MAX_ALIASES} aliases`, node);
      return sizes.get(node.source) ?? fault(`no anchor &${node.source} before this alias`, node);
    }
    if (isPair(node)) return measure(node.key) + measure(node.value);
    if (isScalar(node)) return keep(node, 1 + (node.source?.length ?? 0));
    if (!isCollection(node)) return 1;
    const keys = new Set<unknown>();
    let size = 1;
    for (const item of node.items) {
      if (uniqueKeys && isMap(node) && isPair(item) && isScalar(item.key) && item.key.value !== '<<') {
        // Keys become strings in JavaScript: 1 and "1" are the same.
        const key = String(item.key.value);
        if (keys.has(key)) fault(`the key ${JSON.stringify(key)} is given twice`, item.key);
        keys.add(key);
      }
      size += measure(item);
    }
    return keep(node, size);
  };
  const keep = (node: { anchor?: string }, size: number): number => {
    if (node.anchor !== undefined) sizes.set(node.anchor, size);
    return size;
  };
  return measure(document.contents);
}
