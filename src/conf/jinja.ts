/**
 * Recognises what the Python Fate wrote in templates (Jinja) and says how it is written now (SPEC 4). For template.
 * `docker inspect -f '{{.Id}}'` and other programs' braces are left alone: only names that Fate had count. Pure.
 */
import { quote } from './problems.ts';
import { checkSyntax } from './sandbox.ts';

const NAMES = 'now|task_name|task_ended_at|label_ext|label|ext|default';
const INTERPOLATION = new RegExp(`\\{\\{-?\\s*(env\\s*[.[][^{}]*?|(?:${NAMES})(?:\\s*[.|(~+][^{}]*?)?)\\s*-?\\}\\}`);
const STATEMENT = /\{%-?\s+(?:if|for|set)\s[^{}]*%\}/;

/** What to say of a literal part of a template; null when it is just text. */
export function templateLookalike(text: string): string | null {
  const found = INTERPOLATION.exec(text);
  if (found !== null) {
    const now = translate(found[1] ?? '');
    const form = now === null ? 'such as <%= env.HOME %>' : `<%= ${now} %>`;
    return `expected a template ${form}, found the Jinja template ${quote(found[0])}`;
  }
  const statement = STATEMENT.exec(text);
  return statement === null
    ? null
    : `expected a template such as <% if (attempt > 1) { %>…<% } %>, found the Jinja statement ${quote(statement[0])}`;
}

const FILTER =
  /(?<!\|)\|(?!\|)\s*(default|d|int|float|string|bool|lower|upper|trim|length|count|replace|join|first|last)\b/;
const METHOD = /\.(strftime|timestamp|isoformat|weekday|isoweekday)\(/;
const WORD = /\b(True|False|None)\b/;

/** What to say of a condition; null when it may be JavaScript (what is none is found by its syntax). */
export function conditionLookalike(source: string): string | null {
  const whole = /^\s*\{\{(.*)\}\}\s*$/s.exec(source)?.[1];
  const inner = INTERPOLATION.test(source) ? source.replaceAll(/\{\{-?\s*([^{}]*?)\s*-?\}\}/g, '$1') : undefined;
  const braces = whole ?? inner;
  const tag = /<%[=\-_]?/.exec(blankStrings(source));
  if (tag !== null) return `expected a JavaScript expression without ${tag[0]} and %>, found ${quote(source)}`;
  const code = blankStrings(braces ?? source);
  const python = FILTER.test(code) || METHOD.test(code) || WORD.test(code);
  const words = /\b(and|or|not|is|in)\b/.test(code) && checkSyntax(source) !== null;
  if (braces === undefined && !python && !words) return null;
  const now = translate((braces ?? source).trim());
  if (now === null && !python && braces === undefined) return null;
  const form = now === null ? 'a JavaScript expression such as env.X === "1"' : `the JavaScript expression ${now}`;
  return `expected ${form}, found the Jinja expression ${quote(source)}`;
}

/** Texts in quotes as blanks of the same length, so that only code is looked at. */
function blankStrings(source: string): string {
  return source.replaceAll(/'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"/g, (s) => `"${' '.repeat(s.length - 2)}"`);
}

/** Python's codes and Luxon's tokens for the parts of a time. */
const TOKENS: Readonly<Record<string, string>> = {
  Y: 'yyyy',
  y: 'yy',
  m: 'MM',
  d: 'dd',
  H: 'HH',
  M: 'mm',
  S: 'ss',
  j: 'ooo',
  a: 'ccc',
  A: 'cccc',
  b: 'LLL',
  B: 'LLLL',
  z: 'ZZZ',
  V: 'WW',
  I: 'hh',
  p: 'a',
};

const REWRITES: readonly (readonly [RegExp, string])[] = [
  [/([\w.]+(?:\[[^\]]*\])?)\s*\|\s*(?:default|d)\(([^()]*)\)/g, '($1 ?? $2)'],
  [/(\w+)\.timestamp\(\)\s*\|\s*int\b/g, 'Math.floor($1.toSeconds())'],
  [/\.timestamp\(\)/g, '.toSeconds()'],
  [/\.isoformat\(\)/g, '.toISO()'],
  [/\.isoweekday\(\)/g, '.weekday'],
  [/(\w+)\.weekday\(\)/g, '($1.weekday - 1)'],
  [/([\w.]+|\([^()]*\))\s*\|\s*(?:int|float)\b/g, 'Number($1)'],
  [/([\w.]+|\([^()]*\))\s*\|\s*lower\b/g, '$1.toLowerCase()'],
  [/([\w.]+|\([^()]*\))\s*\|\s*upper\b/g, '$1.toUpperCase()'],
  [/([\w.]+|\([^()]*\))\s*\|\s*trim\b/g, '$1.trim()'],
  [/([\w.]+|\([^()]*\))\s*\|\s*(?:length|count)\b/g, '$1.length'],
  [/([\w.]+)\s+is\s+not\s+defined\b/g, '$1 === undefined'],
  [/([\w.]+)\s+is\s+defined\b/g, '$1 !== undefined'],
  [/\bnot\s+/g, '!'],
  [/\band\b/g, '&&'],
  [/\bor\b/g, '||'],
  [/\bTrue\b/g, 'true'],
  [/\bFalse\b/g, 'false'],
  [/\bNone\b/g, 'null'],
  [/\s~\s/g, ' + '],
  [/\bdefault\.parent\b/g, 'default_path.dir'],
  [/\bdefault\.name\b/g, 'default_path.base'],
  [/^default$/g, 'default_path'],
];

/** The same in JavaScript, where the usual rewrites give something that is; else null. */
function translate(expression: string): string | null {
  let js = expression.replaceAll(
    /\.strftime\((['"])(.*?)\1\)/g,
    (all, _quote, codes: string) => luxonFormat(codes) ?? all,
  );
  for (const [pattern, replacement] of REWRITES) js = js.replaceAll(pattern, replacement);
  js = js.replace(/^\(([^()]*)\)$/, '$1');
  const left = /(?<!\|)\|(?!\|)\s*[a-z_]|\bstrftime\b/i.test(blankStrings(js));
  return left || checkSyntax(js) !== null ? null : js;
}

function luxonFormat(codes: string): string | null {
  let format = '';
  let known = true;
  for (const [part] of codes.matchAll(/%.|[A-Za-z]+|[^%A-Za-z]+/g)) {
    if (part.startsWith('%')) {
      const token = TOKENS[part.charAt(1)];
      known &&= token !== undefined;
      format += token ?? '';
    } else format += /[A-Za-z]/.test(part) ? `'${part}'` : part;
  }
  return known ? `.toFormat(${JSON.stringify(format)})` : null;
}
