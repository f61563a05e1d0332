/**
 * Where templates and conditions run: one node:vm context that has the language and the names of SPEC 4, nothing else,
 * and a time limit. No security boundary: configuration is code. Made at the first use.
 */
import { type Context, createContext, Script } from 'node:vm';
import type { ResultScope, Scope } from '../types.ts';
import { localsOf, namesFor } from './scope.ts';

const LIMIT_MS = 1000;
/** The name under which a template's output passes through `textOf`; ejs keeps its own beside it. */
export const insert = '__insert';

/** Evaluates in a scope. Throws an Error with one sentence; takes at most 1 s. */
export type Evaluator = (scope: Scope | ResultScope) => unknown;

type Compiled = (
  locals: Readonly<Record<string, unknown>>,
  insert: (index: number, value: unknown) => string,
) => unknown;

const CALL = Symbol.for('fate.call');
let sandbox: { readonly context: Context; readonly call: Script; readonly slot: Record<symbol, unknown> } | null = null;

function ready(): NonNullable<typeof sandbox> {
  if (sandbox !== null) return sandbox;
  const slot: Record<symbol, unknown> = {};
  // afterEvaluate: promises of a template end within its time limit and cannot keep the event loop busy later.
  const context = createContext(slot, {
    codeGeneration: { strings: false, wasm: false },
    microtaskMode: 'afterEvaluate',
  });
  // V8 gives every context these besides the language.
  new Script('delete globalThis.console; delete globalThis.WebAssembly; delete globalThis.Atomics').runInContext(
    context,
  );
  const call = new Script(`globalThis[Symbol.for('fate.call')]()`);
  sandbox = { context, call, slot };
  return sandbox;
}

export interface Program {
  /** As written: which names it mentions. */
  readonly source: string;
  /** How messages name it. */
  readonly subject: string;
  /** The source of a function expression that takes the locals and `insert`, for the names that it uses. */
  compile(names: readonly string[]): string;
  /** The tag of a number, as written. */
  tag?(index: number): string;
}

export function createEvaluator({ source, subject, compile, tag }: Program): Evaluator {
  const functions = new Map<string, { names: readonly string[]; run: Compiled }>();
  return (scope) => {
    const { context, call, slot } = ready();
    const kind = 'endedAt' in scope ? 'result' : 'run';
    let compiled = functions.get(kind);
    if (compiled === undefined) {
      // Only names that are mentioned are made: most templates need no DateTime.
      const names = namesFor(kind).filter((name) => new RegExp(`\\b${name}\\b`).test(source));
      const run: Compiled = new Script(compile(names), { filename: 'template' }).runInContext(context);
      compiled = { names, run };
      functions.set(kind, compiled);
    }
    const { names, run } = compiled;
    const locals = localsOf(scope, names);
    slot[CALL] = () => run(locals, (index, value) => textOf(value, tag?.(index) ?? ''));
    try {
      const value: unknown = call.runInContext(context, { timeout: LIMIT_MS });
      // As a condition every promise would be true.
      if (isPromise(value)) throw new NoText('it gave a promise, which no one waits for');
      return value;
    } catch (thrown) {
      throw new Error(`${subject} ${failureOf(thrown, kind)}`);
    } finally {
      delete slot[CALL];
    }
  };
}

const isPromise = (value: unknown): boolean => typeof value === 'object' && value !== null && 'then' in value;

class NoText extends Error {}

/** What a tag inserts. Nothing and objects without a text of their own are errors: `rm -r <%= env.TYPO %>/x` must not run. */
function textOf(value: unknown, tag: string): string {
  if (value === undefined || value === null) {
    throw new NoText(`${tag} gave ${value}; write ${tag.replace(/\s*;?\s*[-_]?%>$/, " ?? '' %>")} where that is meant`);
  }
  const text = typeof value === 'object' && typeof value.toString !== 'function' ? '[object Object]' : String(value);
  if (typeof value === 'function') throw new NoText(`${tag} gave a function`);
  if (typeof value === 'object' && /^\[object \w+\]$/.test(text))
    throw new NoText(`${tag} gave an object without a text`);
  return text;
}

function failureOf(thrown: unknown, kind: 'run' | 'result'): string {
  if (thrown instanceof NoText) return `failed: ${thrown.message}`;
  const { name, message, code } = partsOf(thrown);
  if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return 'took longer than 1 s';
  if (name === 'ReferenceError' && message.endsWith(' is not defined')) {
    return `failed: ${message}; there are ${namesFor(kind).join(', ')}`;
  }
  return `failed: ${message.replaceAll(/\s+/g, ' ')}`;
}

// What is thrown comes from another realm, so instanceof Error does not hold, and may be anything.
function partsOf(thrown: unknown): { name: string; message: string; code: string } {
  try {
    const { name, message, code } = Object(thrown);
    return {
      name: String(name),
      message: message === undefined ? String(thrown) : String(message),
      code: String(code),
    };
  } catch {
    return { name: '', message: 'something was thrown that has no text', code: '' };
  }
}

/** Why a text is no JavaScript expression, and where; null when it is one. */
export function checkSyntax(expression: string): string | null {
  if (expression.trim() === '') return 'nothing';
  const wrapped = (open: string, close: string) => syntaxErrorOf(`'use strict';\n${open}${expression}\n${close}`);
  // Both: `1); f(` would pass in parentheses alone, `a, b` is one expression only there.
  const error = wrapped('(', ');') ?? wrapped('[', '];');
  if (error === null) return null;
  const before = 1;
  if (error.line === null || error.column === null) return error.message;
  const line = error.line - 1;
  const lines = expression.split('\n').length;
  // What V8 names there is ours.
  if (line > lines) return 'an unexpected end';
  const column = line === 1 ? error.column - before : error.column;
  return `${error.message} at ${lines > 1 ? `line ${line}, ` : ''}character ${Math.max(1, column)}`;
}

/** The syntax error of a script with its place (both from 1) as V8 tells it; null when there is none. */
function syntaxErrorOf(script: string): { message: string; line: number | null; column: number | null } | null {
  try {
    new Script(script, { filename: 'text' });
    return null;
  } catch (thrown) {
    const { message } = partsOf(thrown);
    const stack = thrown instanceof Error ? (thrown.stack ?? '') : '';
    const [head = '', , caret = ''] = stack.split('\n');
    const line = /^text:(\d+)$/.exec(head)?.[1];
    const column = caret.indexOf('^');
    const text = message.charAt(0).toLowerCase() + message.slice(1);
    return { message: text, line: line === undefined ? null : Number(line), column: column === -1 ? null : column + 1 };
  }
}
