/**
 * Builds the values of a YAML document, in place of the library's toJS: its check for duplicate keys is quadratic, and here
 * aliases are shared instead of copied, so that no file can grow beyond its own size ("billion laughs"). For yaml-file.
 */
import { type Alias, isAlias, isMap, isPair, isScalar, isSeq, type Node, Scalar, type YAMLMap } from 'yaml';
import type { Fault } from './document.ts';
import { quote } from './problems.ts';

/** Levels of values: the parser has refused what nests much deeper. */
const DEPTH = 500;
/** How many keys all merges of a file may copy together, beyond one for each character of it. */
const MERGED = 1_000_000;

type Target = Exclude<Node, Alias>;

/** The name of a key as written: `1:`, `~:` and `true:` are names too. Null where a key is no single word. */
function keyName(key: unknown): string | null {
  if (!isScalar(key)) return null;
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}

const isMergeKey = (key: unknown): boolean =>
  isScalar(key) &&
  (key.value === '<<' || typeof key.value === 'symbol') &&
  (key.type === undefined || key.type === Scalar.PLAIN);

export interface Builder {
  readonly faults: readonly Fault[];
  value(node: unknown): unknown;
  /** What an alias stands for; the node itself where it is none. */
  target(node: unknown): unknown;
  /** The keys of a mapping in the order written, merged ones last. */
  keys(node: unknown): Iterable<string>;
  /** The item of a mapping that gives a key, its own or a merged one. */
  item(map: YAMLMap, key: string): { key: unknown; value: unknown } | null;
}

/** @param size characters of the file */
export function createBuilder(fault: (offset: number, message: string) => Fault, size: number): Builder {
  const faults: Fault[] = [];
  const anchors = new Map<string, Target>();
  const targets = new Map<Alias, Target>();
  const built = new Map<Target, unknown>();
  const unfinished = new Set<Target>();
  const indexes = new Map<YAMLMap, Map<string, { key: unknown; value: unknown }>>();
  let mayMerge = MERGED + size;
  let depth = 0;

  function report(node: unknown, message: string): null {
    const range = (node as Node | null)?.range;
    faults.push(fault(range?.[0] ?? 0, message));
    return null;
  }

  function value(node: unknown): unknown {
    if (isAlias(node)) return alias(node);
    if (isScalar(node)) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      return scalar(node);
    }
    if (!isMap(node) && !isSeq(node)) return null;
    if (node.anchor !== undefined) anchors.set(node.anchor, node);
    if (depth >= DEPTH) return report(node, `expected at most ${DEPTH} levels, found more`);
    depth += 1;
    unfinished.add(node);
    const result = isMap(node) ? mapping(node) : node.items.map((item) => element(node, item));
    unfinished.delete(node);
    depth -= 1;
    built.set(node, result);
    return result;
  }

  function element(list: Node, item: unknown): unknown {
    return isPair(item) ? report(list, 'expected a plain list, found an ordered mapping') : value(item);
  }

  function alias(node: Alias): unknown {
    const target = anchors.get(node.source);
    if (target === undefined) {
      const hint = 'a value that starts with * must be in quotes';
      return report(node, `expected an anchor &${node.source} before this alias, found none; ${hint}`);
    }
    if (unfinished.has(target)) return report(node, `expected a value, found the alias *${node.source} within itself`);
    targets.set(node, target);
    return isScalar(target) ? scalar(target) : built.get(target);
  }

  function mapping(node: YAMLMap): Record<string, unknown> {
    const result: Record<string, unknown> = Object.create(null);
    const index = new Map<string, { key: unknown; value: unknown }>();
    const merges: { from: unknown; made: unknown }[] = [];
    for (const pair of node.items) {
      if (isMergeKey(pair.key)) {
        merges.push({ from: pair.value, made: value(pair.value) });
        continue;
      }
      value(pair.key);
      const name = keyName(target(pair.key));
      if (name === null) report(pair.key, 'expected a key, found a list or a mapping as one');
      else if (index.has(name)) report(pair.key, `expected every key once in a mapping, found ${quote(name)} again`);
      else {
        index.set(name, pair);
        result[name] = value(pair.value);
      }
    }
    for (const merge of merges) mergeInto(result, index, merge.from, merge.made);
    indexes.set(node, index);
    return result;
  }

  /** https://yaml.org/type/merge.html: own keys win, then the earlier of several mappings. */
  function mergeInto(result: Record<string, unknown>, index: Map<string, unknown>, from: unknown, made: unknown): void {
    const source = target(from);
    if (isSeq(source)) {
      source.items.forEach((item, i) => {
        mergeOne(result, index, item, Array.isArray(made) ? made[i] : null);
      });
    } else mergeOne(result, index, from, made);
  }

  function mergeOne(result: Record<string, unknown>, index: Map<string, unknown>, from: unknown, made: unknown): void {
    const source = target(from);
    if (!isMap(source)) {
      // Where the alias itself was at fault that has been said.
      if (!isAlias(source)) report(from, 'expected a mapping to merge, found something else');
      return;
    }
    const values = made as Record<string, unknown>;
    const items = indexes.get(source) ?? new Map();
    mayMerge -= items.size;
    if (mayMerge < 0) {
      if (mayMerge + items.size >= 0) report(from, `expected fewer merged keys, found more than ${MERGED}`);
      return;
    }
    for (const [name, item] of items) {
      if (index.has(name)) continue;
      index.set(name, item);
      result[name] = values[name];
    }
  }

  function target(node: unknown): unknown {
    return isAlias(node) ? (targets.get(node) ?? node) : node;
  }

  return {
    faults,
    value,
    target,
    keys: (node) => {
      const map = target(node);
      return isMap(map) ? (indexes.get(map)?.keys() ?? []) : [];
    },
    item: (map, key) => indexes.get(map)?.get(key) ?? null,
  };
}

/** A scalar's value; a whole number that a JavaScript number cannot hold stays exact. */
function scalar(node: Scalar): unknown {
  const { value, source } = node;
  if (typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value)) return value;
  return source !== undefined && /^([-+]?\d+|0o[0-7]+|0x[\da-fA-F]+)$/.test(source)
    ? BigInt(source.replace('+', ''))
    : value;
}
