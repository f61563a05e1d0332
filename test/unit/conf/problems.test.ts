/** How problems look and when two are the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../../src/conf/issues.ts';
import { createLines } from '../../../src/conf/lines.ts';
import { describe, formatProblem, pathText, problemKey } from '../../../src/conf/problems.ts';
import type { Problem } from '../../../src/types.ts';

const PROBLEM: Problem = {
  severity: 'error',
  kind: 'value',
  file: 'tasks.toml',
  line: 12,
  column: 3,
  path: ['disk', 'timeout'],
  task: 'disk',
  message: 'expected 1, found 2',
};

test('file, line, column, key path and message', () => {
  assert.equal(formatProblem(PROBLEM), 'tasks.toml:12:3: disk.timeout: expected 1, found 2');
  assert.equal(formatProblem({ ...PROBLEM, line: undefined }), 'tasks.toml: disk.timeout: expected 1, found 2');
  assert.equal(formatProblem({ ...PROBLEM, path: [], column: undefined }), 'tasks.toml:12: expected 1, found 2');
});

test('a caret stands below the character of a syntax error', () => {
  const excerpt = '\tü = "☂" x';
  assert.equal(
    formatProblem({ ...PROBLEM, path: [], line: 7, column: 10, excerpt }),
    ['tasks.toml:7:10: expected 1, found 2', '  7 |  ü = "☂" x', '    |          ^'].join('\n'),
  );
});

test('of a long line the part around the caret is shown, and no control character reaches a terminal', () => {
  const text = formatProblem({
    ...PROBLEM,
    line: 1,
    column: 1001,
    excerpt: `${'a'.repeat(1000)}X\u001b[31m${'b'.repeat(1000)}`,
  });
  const [, line = '', caret = ''] = text.split('\n');
  assert.equal(line.length, '  1 | '.length + 100);
  assert.equal(line[caret.indexOf('^')], 'X');
  assert.ok(!text.includes('\u001b'));
  const beyond = formatProblem({ ...PROBLEM, line: 1, column: 4, excerpt: 'abc' });
  assert.ok(beyond.endsWith('  1 | abc\n    |    ^'));
});

test('key paths are written as keys of TOML', () => {
  assert.equal(pathText(['a-b_c', 'größe', 'x.y', 'exec', 1, 'z']), 'a-b_c.größe."x.y".exec[1].z');
  assert.equal(pathText(['a\u001b[1m']), '"a\\u001b[1m"');
});

test('what was found, in words', () => {
  const cases: [unknown, string][] = [
    [undefined, 'nothing'],
    [null, 'null'],
    ['', 'an empty string'],
    ['5', 'the string "5"'],
    ['a"b\n\u009b', 'the string "a\\"b\\n\\u009b"'],
    ['x'.repeat(1000), `the string "${'x'.repeat(60)}…"`],
    ['☂'.repeat(61), `the string "${'☂'.repeat(60)}…"`],
    [5, 'the number 5'],
    [Number.NaN, 'the number nan'],
    [Number.NEGATIVE_INFINITY, 'the number -inf'],
    [5n, 'the number 5'],
    [true, 'true'],
    [[], 'an empty list'],
    [[1], 'a list'],
    [{}, 'an empty mapping'],
    [{ a: 1 }, 'a mapping'],
    [new Date(0), 'the time 1970-01-01T00:00:00Z'],
    [new Uint8Array(1), 'binary data'],
  ];
  for (const [value, text] of cases) assert.equal(describe(value), text);
});

test('a problem is the same wherever it stands in its file, and another with any other word', () => {
  const key = problemKey(PROBLEM);
  assert.equal(problemKey({ ...PROBLEM, line: 99, column: 1, excerpt: 'x' }), key);
  assert.equal(
    problemKey({ ...PROBLEM, message: 'found it in line 3 of the text' }),
    problemKey({ ...PROBLEM, message: 'found it in line 44 of the text' }),
  );
  const others: Partial<Problem>[] = [
    { file: 'x' },
    { path: ['disk'] },
    { task: undefined },
    { message: 'expected 1, found 3' },
    { severity: 'warning' },
    { kind: 'syntax' },
  ];
  for (const other of others) assert.notEqual(problemKey({ ...PROBLEM, ...other }), key);
});

test('a near miss is a third of the letters away at most', () => {
  const known = ['schedule', 'timeout', 'success_exit', 'if', 'exec', 'param'];
  const cases: [string, string | null][] = [
    ['tiemout', 'timeout'],
    ['timout', 'timeout'],
    ['Schedule', 'schedule'],
    ['shedul', 'schedule'],
    ['successExit', 'success_exit'],
    ['success-exit', 'success_exit'],
    ['params', 'param'],
    ['fi', 'if'],
    ['retry', null],
    ['env', null],
    ['x', null],
    ['', null],
    ['timeouts_for_everybody', null],
  ];
  for (const [word, expected] of cases) assert.equal(nearest(word, known), expected, word);
});

test('lines and columns count characters, and every kind of line end', () => {
  const lines = createLines('ab\r\n☂𝒳c\n\nz');
  assert.deepEqual(
    [0, 2, 4, 5, 7, 9, 10].map((offset) => lines.position(offset)),
    [
      { line: 1, column: 1 },
      { line: 1, column: 3 },
      { line: 2, column: 1 },
      { line: 2, column: 2 },
      { line: 2, column: 3 },
      { line: 3, column: 1 },
      { line: 4, column: 1 },
    ],
  );
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((line) => lines.text(line)),
    ['ab', '☂𝒳c', '', 'z', ''],
  );
});
