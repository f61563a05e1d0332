/**
 * What a task gets on fd 0 (SPEC 3.1, `param`): text verbatim, else serialized. For resolve. Pure.
 * Aliases make a small file stand for a huge value: what is serialized is bounded before it is made.
 */
import { messageOf } from '../errors.ts';
import { stringify } from '../output/formats.ts';
import type { TextFormat } from '../types.ts';
import type { Issue } from './issues.ts';
import { describe, type KeyPath, timeText } from './problems.ts';
import { isMapping } from './schema-parts.ts';

/** Values and characters of one `param`, and of all of a configuration; what stands in the files unshared may always be. */
const ONE = 20_000_000;
const ALL = 200_000_000;

export interface Serializer {
  /** The text for fd 0, or what is wrong with the value. */
  serialize(param: unknown, format: TextFormat): { readonly text: string } | { readonly issue: Issue };
}

/** @param size characters of all files together */
export function createSerializer(size: number): Serializer {
  const weights = new Map<object, number>();
  const texts = new Map<object, Map<TextFormat, string>>();
  let left = Math.max(ALL, size);

  function serialize(param: unknown, format: TextFormat): { text: string } | { issue: Issue } {
    if (typeof param === 'string') return { text: param };
    if (param === null) return { text: '' };
    const key = typeof param === 'object' ? param : null;
    const known = key === null ? undefined : texts.get(key)?.get(format);
    if (known !== undefined) return { text: known };
    const weight = weigh(param, weights);
    if (weight > Math.max(ONE, size) || weight > left) {
      return bad([], `expected at most ${ONE} characters, found more, by aliases that stand for each other`);
    }
    left -= weight;
    const wrong = firstWrong(param, format, ['param']);
    if (wrong !== null) return { issue: wrong };
    try {
      const text = stringify(format, plain(param));
      if (key !== null) texts.set(key, (texts.get(key) ?? new Map()).set(format, text));
      return { text };
    } catch (thrown) {
      return bad([], `expected what ${format} can express, found ${describe(param)}: ${messageOf(thrown)}`);
    }
  }

  return { serialize };
}

function bad(path: KeyPath, message: string): { issue: Issue } {
  return { issue: { path: ['param', ...path], at: 'value', message } };
}

/** About as many characters as the value has when it is written out, shared parts each time. */
function weigh(value: unknown, weights: Map<object, number>): number {
  if (typeof value === 'string') return value.length + 3;
  if (typeof value !== 'object' || value === null) return 6;
  const known = weights.get(value);
  if (known !== undefined) return known;
  let weight = 2;
  if (Array.isArray(value)) for (const item of value) weight += weigh(item, weights);
  else if (isMapping(value)) {
    for (const [key, inner] of Object.entries(value)) weight += key.length + 4 + weigh(inner, weights);
  } else weight = 30;
  weights.set(value, weight);
  return weight;
}

/** The first part that the format cannot express, by its path. */
function firstWrong(param: unknown, format: TextFormat, path: KeyPath): Issue | null {
  if (format === 'toml' && !isMapping(param)) {
    return { path, at: 'value', message: `expected a mapping, as format.param is toml, found ${describe(param)}` };
  }
  return search(param, path, new Set());

  function search(value: unknown, at: KeyPath, seen: Set<object>): Issue | null {
    const wrong = objection(value, format);
    if (wrong !== null) return { path: at, at: 'value', message: wrong };
    if (typeof value !== 'object' || value === null || seen.has(value)) return null;
    seen.add(value);
    const entries = Array.isArray(value) ? value.entries() : isMapping(value) ? Object.entries(value) : [];
    for (const [key, inner] of entries) {
      const found = search(inner, [...at, key], seen);
      if (found !== null) return found;
    }
    return null;
  }
}

function objection(value: unknown, format: TextFormat): string | null {
  if (typeof value === 'bigint') {
    return `expected a whole number of up to 53 bits, found ${describe(value)}; write it as a string`;
  }
  if (typeof value === 'number' && !Number.isFinite(value) && format === 'json') {
    return `expected a number that json can express, found ${describe(value)}`;
  }
  if (value === null && format === 'toml') return 'expected a value, as toml has no null, found null';
  if (value instanceof Date && Number.isNaN(value.getTime())) return `expected a time, found ${describe(value)}`;
  const other = typeof value === 'object' && value !== null && !Array.isArray(value) && !isMapping(value);
  if (other && !(value instanceof Date)) return `expected text, numbers, lists and mappings, found ${describe(value)}`;
  return null;
}

/** Times as RFC 3339 text, whatever the format; the value itself where it holds none. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return timeText(value);
  if (Array.isArray(value)) {
    const items = value.map(plain);
    return items.some((item, i) => item !== value[i]) ? items : value;
  }
  if (!isMapping(value)) return value;
  const copy: Record<string, unknown> = Object.create(null);
  let changed = false;
  for (const [key, inner] of Object.entries(value)) {
    copy[key] = plain(inner);
    changed ||= copy[key] !== inner;
  }
  return changed ? copy : value;
}
