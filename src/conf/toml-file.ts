/**
 * Reads TOML 1.0 and later. Not through the codec of results, which has limits that a configuration does not need and
 * would refuse the whole file for one number of 64 bits. Positions come from toml-eslint-parser, which is loaded and run
 * only when there is a problem to place, so that a good file costs nothing more.
 */
import { parse } from 'toml';
import type { AST } from 'toml-eslint-parser';
import { messageOf } from '../errors.ts';
import type { Document, Fault, Parsed } from './document.ts';
import { createLines, type Lines } from './lines.ts';
import type { KeyPath, Position } from './problems.ts';
import { isMapping } from './schema-parts.ts';

/** Parses a whole file; rejects never. Asynchronous because the order of keys that look like numbers needs the other parser. */
export async function parseTomlFile(file: string, text: string): Promise<Parsed> {
  const lines = createLines(text);
  let value: unknown;
  try {
    // Whole numbers of 64 bits are TOML; those that a JavaScript number holds become one.
    value = narrow(parse(text, { bigint: true }));
  } catch (thrown) {
    return { ok: false, faults: [tomlFault(thrown, lines)] };
  }
  const keys = isMapping(value) ? Object.keys(value) : [];
  // Such keys an object moves to its front.
  const moved = keys.some((key) => /^(0|[1-9]\d*)$/.test(key));
  const document: Document = {
    file,
    style: 'toml',
    value,
    keys: moved ? await keysInOrder(text, keys) : keys,
    warnings: [],
    length: text.length,
    locator: async () => {
      const places = await placesOf(text);
      return (path, at) => locate(places, path, at, lines);
    },
  };
  return { ok: true, document };
}

/** Changes the parser's own tables in place: they have no prototype, so that `__proto__` is a key like any other. */
function narrow(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  const table = value as Record<string, unknown>;
  for (const key of Object.keys(table)) {
    const inner = table[key];
    if (typeof inner === 'object' || typeof inner === 'bigint') table[key] = narrow(inner);
  }
  return value;
}

/** The parser's errors have a place in `line` or in `location.start`, and list every token that could stand there. */
function tomlFault(thrown: unknown, lines: Lines): Fault {
  const { line, column, location } = Object(thrown) as {
    line?: number;
    column?: number;
    location?: { start: { line: number; column: number } };
  };
  const place = location?.start ?? (line === undefined ? null : { line, column: column ?? 1 });
  const message = tomlMessage(messageOf(thrown).replace(/\.$/, ''));
  if (place === null) return { message, position: null, excerpt: null };
  const position = { line: place.line, column: lines.column(place.line, place.column - 1) };
  return { message, position, excerpt: lines.text(place.line) };
}

function tomlMessage(own: string): string {
  const found = /^Expected .* but (.*) found$/s.exec(own)?.[1];
  if (found === '"\\n"' || found === '"\\r"') return 'expected TOML, found the end of the line';
  if (found !== undefined) return `expected TOML, found ${found === 'end of input' ? 'the end of the file' : found}`;
  const twice = /^Cannot redefine existing key '(.*)'$/.exec(own)?.[1];
  if (twice !== undefined) return `expected every key once, found ${twice} again`;
  return own.charAt(0).toLowerCase() + own.slice(1);
}

interface Place {
  readonly key: AST.TOMLNode;
  readonly value: AST.TOMLNode;
}

let placing: Promise<typeof import('toml-eslint-parser')> | null = null;

/** Loads the parser that places problems; a daemon does so before its files may be replaced. */
export function loadPlacing(): Promise<typeof import('toml-eslint-parser')> {
  placing ??= import('toml-eslint-parser');
  return placing;
}

async function treeOf(text: string): Promise<AST.TOMLTopLevelTable | null> {
  const { parseTOML } = await loadPlacing();
  try {
    return parseTOML(text, { tomlVersion: 'next' }).body[0];
  } catch {
    // It may be stricter than the parser that reads the values: then lines stay unknown.
    return null;
  }
}

async function keysInOrder(text: string, keys: readonly string[]): Promise<readonly string[]> {
  const tree = await treeOf(text);
  if (tree === null) return keys;
  const order = new Set<string>();
  for (const node of tree.body) {
    const [first] = node.key.keys;
    if (first !== undefined) order.add(nameOf(first));
  }
  return order.size === keys.length && keys.every((key) => order.has(key)) ? [...order] : keys;
}

const nameOf = (key: AST.TOMLBare | AST.TOMLQuoted): string => (key.type === 'TOMLBare' ? key.name : key.value);
const idOf = (path: KeyPath): string => JSON.stringify(path);

/** Every key path of a file with the nodes of its key and value. */
async function placesOf(text: string): Promise<ReadonlyMap<string, Place>> {
  const places = new Map<string, Place>();
  const tree = await treeOf(text);

  function put(path: KeyPath, key: AST.TOMLNode, value: AST.TOMLNode): void {
    const id = idOf(path);
    if (!places.has(id)) places.set(id, { key, value });
  }

  function pair(prefix: KeyPath, node: AST.TOMLKeyValue): void {
    const path = [...prefix];
    for (const [i, key] of node.key.keys.entries()) {
      path.push(nameOf(key));
      put(path, key, i === node.key.keys.length - 1 ? node.value : key);
    }
    content(path, node.value);
  }

  function content(path: KeyPath, node: AST.TOMLContentNode): void {
    if (node.type === 'TOMLInlineTable') for (const inner of node.body) pair(path, inner);
    if (node.type !== 'TOMLArray') return;
    for (const [i, element] of node.elements.entries()) {
      put([...path, i], element, element);
      content([...path, i], element);
    }
  }

  for (const node of tree?.body ?? []) {
    if (node.type === 'TOMLKeyValue') {
      pair([], node);
      continue;
    }
    // `[a.b]`, and `[[a.b]]`, whose resolved key has the index of the element at its end.
    const names = node.key.keys;
    for (let i = 0, n = 0; i < node.resolvedKey.length; i += 1) {
      if (typeof node.resolvedKey[i] === 'string') n += 1;
      const key = names[n - 1];
      if (key !== undefined) put(node.resolvedKey.slice(0, i + 1), key, key);
    }
    for (const inner of node.body) pair(node.resolvedKey, inner);
  }
  return places;
}

function locate(places: ReadonlyMap<string, Place>, path: KeyPath, at: 'key' | 'value', lines: Lines): Position | null {
  for (let n = path.length; n > 0; n -= 1) {
    const place = places.get(idOf(path.slice(0, n)));
    if (place === undefined) continue;
    const { line, column } = (n === path.length && at === 'value' ? place.value : place.key).loc.start;
    return { line, column: lines.column(line, column) };
  }
  return null;
}
