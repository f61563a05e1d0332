/**
 * Reads YAML 1.2 with merge keys and aliases (SPEC 3) through the document API of `yaml`, which knows positions.
 */

import type { Document as YamlDocument } from 'yaml';
import { Composer, type CST, isMap, isSeq, Lexer, type Node, type ParsedNode, Parser } from 'yaml';
import { type Document, faultAt, type Parsed } from './document.ts';
import { createLines } from './lines.ts';
import type { KeyPath } from './problems.ts';
import { yamlMessage } from './yaml-message.ts';
import { type Builder, createBuilder } from './yaml-values.ts';

/** Levels of the parser, of which a level of the file takes one or two. */
const DEPTH = 500;
/** Parses a whole file. Never throws. */
export function parseYamlFile(file: string, text: string): Parsed {
  const lines = createLines(text);
  const refuse = (offset: number, message: string): Parsed => ({
    ok: false,
    faults: [faultAt(lines, offset, message)],
  });
  const tokens = tokensOf(text);
  if (typeof tokens === 'number') return refuse(tokens, TOO_DEEP);
  const [parsed, second] = compose(tokens, text.length);
  if (parsed === undefined) return refuse(0, 'expected a YAML document, found none');
  const [error] = parsed.errors;
  // What follows the first error is mostly its echo.
  if (error !== undefined) return refuse(error.pos[0], yamlMessage(error, text));
  if (second !== undefined) return refuse(second.range[0], 'expected one YAML document, found another after ---');
  const build = createBuilder((offset, message) => faultAt(lines, offset, message), text.length);
  const value = parsed.contents === null ? null : build.value(parsed.contents);
  if (build.faults.length > 0) return { ok: false, faults: build.faults };
  const warnings = parsed.warnings.map((w) => faultAt(lines, w.pos[0], yamlMessage(w, text)));
  const root = parsed.contents;
  const document: Document = {
    file,
    style: 'yaml',
    value,
    keys: root === null ? [] : [...build.keys(root)],
    warnings,
    length: text.length,
    locator: async () => (path, at) => {
      const offset = root === null ? null : locate(root, path, at, build);
      return offset === null ? null : lines.position(offset);
    },
  };
  return { ok: true, document };
}

const TOO_DEEP = `expected at most ${DEPTH} levels, found more`;

/**
 * The tokens, or where they nest too deep: the library recurses, and V8 ends the whole process when the stack runs out
 * inside of a regular expression.
 */
function tokensOf(text: string): CST.Token[] | number {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > DEPTH) return parser.offset;
  }
  tokens.push(...parser.end());
  return tokens;
}

function compose(tokens: CST.Token[], length: number): YamlDocument.Parsed<ParsedNode>[] {
  const { stackTraceLimit } = Error;
  // The library makes an Error of every syntax error, and a broken file has thousands.
  Error.stackTraceLimit = 0;
  try {
    const composer = new Composer({ version: '1.2', uniqueKeys: false, resolveKnownTags: false, logLevel: 'silent' });
    return [...composer.compose(tokens, true, length)];
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function locate(root: Node, path: KeyPath, at: 'key' | 'value', build: Builder): number | null {
  let node: unknown = root;
  let found: unknown = root;
  for (const [depth, key] of path.entries()) {
    const inner = build.target(node);
    const item = isMap(inner)
      ? build.item(inner, String(key))
      : isSeq(inner) && typeof key === 'number'
        ? { key: inner.items[key], value: inner.items[key] }
        : null;
    if (item === null) break;
    const last = depth === path.length - 1;
    found = last && at === 'value' && hasRange(item.value) ? item.value : item.key;
    node = item.value;
  }
  return hasRange(found) ? found.range[0] : null;
}

const hasRange = (node: unknown): node is { range: [number, number, number] } =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
