/**
 * Templates and conditions (SPEC 4), compiled when a configuration is loaded and evaluated when a run needs them.
 * A text without a tag stays what it is and touches neither ejs nor node:vm.
 */
import ejs from 'ejs';
import { messageOf } from '../errors.ts';
import type { Condition, Template } from '../types.ts';
import { conditionLookalike, templateLookalike } from './jinja.ts';
import { quote } from './problems.ts';
import { checkSyntax, createEvaluator, insert } from './sandbox.ts';
import { literalOf, type Part, templateParts } from './template-parts.ts';

/** @throws Error with one sentence: a syntax error, a Jinja template, a NUL */
export function compileTemplate(source: string): Template {
  if (source.includes('\0')) throw new Error('expected text that can be an argument or a path, found a NUL in it');
  const literal = literalOf(source);
  const parts = literal === null ? templateParts(source) : null;
  if (source.includes('{{') || source.includes('{%')) refuseJinja(parts ?? [{ kind: 'text', text: source }]);
  if (literal !== null || parts === null) {
    const text = literal ?? source;
    return Object.freeze({ source, render: () => text });
  }
  const compile = compilerOf(parts);
  // Both find the same syntax errors; the names in scope differ, and are known at the first use only.
  compile([]);
  const name = `the template ${quote(source)}`;
  const tag = (index: number): string => {
    const part = parts[index];
    return part?.kind === 'tag' ? part.source : '';
  };
  const evaluator = createEvaluator({ source, subject: name, compile, tag });
  return Object.freeze({
    source,
    render: (scope) => {
      const text = String(evaluator(scope));
      if (text.includes('\0')) throw new Error(`${name} gave a NUL, which no argument and no path can hold`);
      return text;
    },
  } satisfies Template);
}

function refuseJinja(parts: readonly Part[]): void {
  for (const part of parts) {
    const found = part.kind === 'text' ? templateLookalike(part.text) : null;
    if (found !== null) throw new Error(found);
  }
}

/** Answers a function that gives the source of a JavaScript function with the given names as its scope. */
function compilerOf(parts: readonly Part[]): (names: readonly string[]) => string {
  const text = parts.map(ejsText).join('');
  return (names) => {
    const template = new ejs.Template(text, {
      _with: false,
      strict: true,
      localsName: LOCALS,
      destructuredLocals: names,
      compileDebug: false,
    });
    try {
      template.compile();
    } catch (thrown) {
      throw new Error(placeOf(parts, thrown));
    }
    return `(function (${LOCALS}, ${insert}) { 'use strict';\n${template.source}})`;
  };
}

const LOCALS = '__scope';

/** A part as ejs reads it. Output goes through `insert`, which knows which tag gave nothing. */
function ejsText(part: Part, index: number): string {
  // ejs gives `<%` and `%>` in text a meaning of their own.
  if (part.kind === 'text') return part.text.replaceAll(/<%|%>/g, (two) => `<%- "${two[0]}" + "${two[1]}" %>`);
  if (part.open === '<%=' || part.open === '<%-') {
    return `<%- ${insert}(${index}, (${expressionOf(part.body)}\n)) ${part.close}`;
  }
  return `${part.open}${part.body} ${part.close}`;
}

/** ejs allows a semicolon after an expression. */
const expressionOf = (body: string): string => body.replace(/;\s*$/, '');

/** Which tag is at fault, where that can be told: an output tag must be an expression by itself. */
function placeOf(parts: readonly Part[], thrown: unknown): string {
  const tags = parts.filter((part) => part.kind === 'tag');
  for (const { open, body, source, line } of tags) {
    const wrong = open === '<%=' || open === '<%-' ? checkSyntax(expressionOf(body)) : null;
    if (wrong !== null) return `expected JavaScript in ${quote(source)} in line ${line} of the text, found ${wrong}`;
  }
  const code = tags.find(({ open }) => open === '<%' || open === '<%_');
  const from = code === undefined ? '' : ` from ${quote(code.source)} in line ${code.line} of the text on`;
  // ejs adds advice of its own.
  const [what = ''] = messageOf(thrown).split(' while ');
  return `expected JavaScript in all tags together${from}, found a syntax error (${what})`;
}

const WORDS = /^(no|off|yes|on)$/i;

/** @throws Error with one sentence: a syntax error, a word that only looks like a truth value, a Jinja expression */
export function compileCondition(kind: 'if' | 'unless', source: string | boolean): Condition {
  if (typeof source === 'boolean') {
    const holds = source === (kind === 'if');
    return Object.freeze({ source: String(source), kind, holds: () => holds });
  }
  const expression = source.trim();
  const word = WORDS.exec(expression)?.[0].toLowerCase();
  if (word !== undefined) {
    throw new Error(
      `expected true or false, found the text ${quote(source)}; write ${word === 'yes' || word === 'on'}`,
    );
  }
  if (expression === '') throw new Error('expected true, false or a JavaScript expression, found an empty string');
  const lookalike = conditionLookalike(source);
  if (lookalike !== null) throw new Error(lookalike);
  // `env.A = 1`: would only fail when it is evaluated, since `env` cannot be changed.
  if (/^[\w.[\]'"]+\s*=(?![=>])/.test(expression)) {
    throw new Error(`expected a comparison with === or ==, found an assignment with = in ${quote(source)}`);
  }
  const wrong = checkSyntax(source);
  if (wrong !== null) throw new Error(`expected a JavaScript expression, found ${wrong} in ${quote(source)}`);
  const evaluator = createEvaluator({
    source,
    subject: `the condition ${quote(source)}`,
    compile: (names) =>
      `(function (${LOCALS}) { 'use strict'; const {${names.join(', ')}} = ${LOCALS};\nreturn (${source}\n)})`,
  });
  return Object.freeze({
    source,
    kind,
    holds: (scope) => Boolean(evaluator(scope)) === (kind === 'if'),
  } satisfies Condition);
}
