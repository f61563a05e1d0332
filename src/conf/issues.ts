/** Turns what the schema objects to into sentences: "expected …, found …", with the nearest known key. For resolve. Pure. */
import * as z from 'zod/mini';
import { alternatives, describe, type KeyPath, mismatch, quote } from './problems.ts';
import { defaultsSchema, keyPaths, shapeOf, taskSchema } from './schema.ts';
import { EXPECTED_CONTEXT } from './schema-context.ts';
import { EXPECTED, isMapping } from './schema-parts.ts';

export interface Issue {
  readonly path: KeyPath;
  readonly at: 'key' | 'value';
  readonly message: string;
}

export type Kind = 'task' | 'defaults';

const SCHEMAS = { task: taskSchema, defaults: defaultsSchema } as const;
const KEY_OF = { task: 'a key of a task', defaults: 'a key of the defaults file' } as const;
/** Of a mapping with more keys than this a message does not list them all. */
const LISTED = 8;

/** All that is wrong with the shape of a task or of the defaults; `x-…` keys are the user's own (SPEC 3). */
export function judge(kind: Kind, value: unknown): Issue[] {
  const result = z.safeParse(SCHEMAS[kind], value);
  return result.success ? [] : result.error.issues.flatMap((issue) => translate(kind, issue, [], value));
}

type ZodIssue = z.core.$ZodIssue;

function translate(kind: Kind, issue: ZodIssue, base: KeyPath, root: unknown): Issue[] {
  const path = [...base, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))];
  const found = valueAt(root, path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.filter((key) => !key.startsWith('x-')).map((key) => unknownKey(kind, path, key));
  }
  if (issue.code === 'invalid_union') {
    const branch = chosenBranch(issue.errors, found);
    if (branch !== null) return branch.flatMap((inner) => translate(kind, inner, path, root));
  }
  return [{ path, at: 'value', message: mismatch(issue.message, found, hintFor(issue.message, found)) }];
}

/** The alternative that was meant: of a mapping or a list the one that fits the value itself and objects to a part of it. */
function chosenBranch(branches: readonly (readonly ZodIssue[])[], found: unknown): readonly ZodIssue[] | null {
  if (!isMapping(found) && !Array.isArray(found)) return null;
  const fits = (issue: ZodIssue): boolean => issue.path.length > 0 || issue.code === 'unrecognized_keys';
  return (
    branches.find((branch) => branch.length > 0 && branch.every((issue) => fits(issue) || isNested(issue))) ?? null
  );

  function isNested(issue: ZodIssue): boolean {
    return issue.code === 'invalid_union' && chosenBranch(issue.errors, found) !== null;
  }
}

function valueAt(root: unknown, path: KeyPath): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

function hintFor(expected: string, found: unknown): string {
  const lengths: readonly string[] = [EXPECTED.length, EXPECTED.positive, EXPECTED.timeout, EXPECTED.age];
  if (lengths.includes(expected) && typeof found === 'string' && /^\d+$/.test(found)) {
    return `write ${Number(found)} or "${Number(found)}s"`;
  }
  const plain = typeof found === 'number' || typeof found === 'boolean' || typeof found === 'bigint';
  if (expected === EXPECTED.item && plain) return `write "${String(found)}"`;
  // A number has lost how it was written: 1.10 is 1.1.
  if (expected === EXPECTED_CONTEXT.value && plain) return 'write it in quotes';
  return '';
}

const PATHS: Record<Kind, readonly string[]> = { task: keyPaths(taskSchema), defaults: keyPaths(defaultsSchema) };

function unknownKey(kind: Kind, path: KeyPath, key: string): Issue {
  const known = knownKeys(kind, path);
  const expected = known.length > LISTED ? KEY_OF[kind] : alternatives(known);
  const hint = elsewhere(kind, path, key, known);
  const message = `expected ${expected}, found the key ${quote(key)}${hint === '' ? '' : `; ${hint}`}`;
  return { path: [...path, key], at: 'key', message };
}

function knownKeys(kind: Kind, path: KeyPath): string[] {
  let shape = shapeOf(SCHEMAS[kind]);
  for (const key of path) {
    const inner = typeof key === 'string' ? shape?.[key] : undefined;
    if (typeof key === 'string') shape = inner === undefined ? null : shapeOf(inner);
  }
  return Object.keys(shape ?? {});
}

/** Where the key was meant to stand, or the key that was meant; '' when nothing is near. */
function elsewhere(kind: Kind, path: KeyPath, key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  if (near !== null) return `did you mean ${near}?`;
  const whole = [...path.filter((part) => typeof part === 'string'), key].join('.');
  if (kind === 'task' && PATHS.defaults.includes(whole)) return 'it belongs in the defaults file';
  if (kind === 'defaults' && PATHS.task.includes(whole)) return 'it belongs in a task';
  const inner = PATHS[kind].filter((p) => p.endsWith(`.${key}`));
  return inner.length === 0 ? '' : `did you mean ${alternatives(inner)}?`;
}

/** The known key that is a typo away: at most a third of its letters wrong; case, `-` and `_` hardly count. */
export function nearest(key: string, known: readonly string[]): string | null {
  const plain = (word: string) => word.toLowerCase().replaceAll('-', '_');
  let best: string | null = null;
  let least = Math.max(1, Math.floor(key.length / 3)) + 1;
  for (const word of known) {
    if (Math.abs(word.length - key.length) >= least) continue;
    const distance = editDistance(plain(key), plain(word));
    if (distance < least) [best, least] = [word, distance];
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    [before, previous] = [previous, current];
  }
  return previous[b.length] ?? a.length;
}

/** What stands where a mapping of keys belongs. */
export function notAMapping(kind: Kind, value: unknown): Issue | null {
  if (isMapping(value)) return null;
  const expected =
    kind === 'task' ? 'a mapping with the keys of a task' : 'a mapping with the keys of the defaults file';
  return { path: [], at: 'value', message: `expected ${expected}, found ${describe(value)}` };
}

/** The keys of a mapping that nothing was said against, so that their values can be judged further in the same go. */
export function sound<T extends object>(value: Record<string, unknown>, issues: readonly Issue[]): Partial<T> {
  if (issues.length === 0) return value as T;
  const bad = new Set(issues.map((issue) => issue.path[0]));
  return Object.fromEntries(Object.entries(value).filter(([key]) => !bad.has(key))) as Partial<T>;
}
