import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify as writeYaml } from 'yaml';
import { isToml, isYaml } from '../../../src/output/formats-recognition.ts';
import { runs } from '../../helpers/runs.ts';

const yes = [
  ...['a: 1', '- a', '42', '~', 'null', 'true', '[1, 2]', '{a: 1}', '\uFEFFa: 1', 'key: |\n  text\n'],
  ...['Warning: disk full', '%YAML 1.2\n---\na: 1', '---\na: 1\n---\nb: 2\n', 'a: &x 1\nb: *x'],
  ...['a: 1\na: 2', '# c\na: 1', '---\n---\na: 1'],
];
const no = [
  ...[
    '',
    ' \n\n',
    '# only\n# comments\n',
    'text',
    'two lines\nof text',
    '"quoted"',
    "'single'",
    '|\n block',
    '---',
    '--- \n...',
  ],
  ...['*bold* text', '* one\n* two', 'a: *x', 'a: b: c', '@x', '---\ntitle: x\n---\n# Page\n\ntext', 'foo:bar'],
  ...['[1, 2', '{"a": 1', 'a: 1\nplain\n', '!t text', '- [ ] todo'],
];

test('YAML that says more than a bare string is YAML', () => {
  for (const text of yes) assert.equal(isYaml(text), true, JSON.stringify(text));
});

test('text, comments and what does not parse is no YAML', () => {
  for (const text of no) assert.equal(isYaml(text), false, JSON.stringify(text));
});

test('TOML with a key or a table is TOML', () => {
  for (const text of ['a = 1', '[a]', '[[a]]', '"a b".c = 1', '# c\na = 1\n', 'a = 9223372036854775807']) {
    assert.equal(isToml(text), true, JSON.stringify(text));
  }
  for (const text of ['', '\n', '# only\n# comments\n', 'text', 'a: 1', '{"a": 1}', '[1, 2]', 'a = ', 'a = 1\na = 2']) {
    assert.equal(isToml(text), false, JSON.stringify(text));
  }
});

test('the look at the first lines never turns down what the whole text is', () => {
  const value = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', ':', '#', '"', "'", '[', '-', '&', 'é') }),
      fc.integer(),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string({ unit: fc.constantFrom('a', ' ', ':', '"'), minLength: 1 }), tie('value'), {
        maxKeys: 4,
      }),
    ),
  })).value;
  const options = fc.record({
    collectionStyle: fc.constantFrom('any' as const, 'flow' as const),
    defaultStringType: fc.constantFrom('PLAIN' as const, 'QUOTE_DOUBLE' as const, 'BLOCK_LITERAL' as const),
    lineWidth: fc.constantFrom(0, 20),
  });
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 6 }),
      options,
      fc.integer({ min: 1, max: 200 }),
      (v, o, n) => {
        const text = writeYaml(v, o);
        assert.equal(isYaml(text, n), isYaml(text, Number.POSITIVE_INFINITY), text);
      },
    ),
    runs(700),
  );
});

test('and it says of any lines what the whole text says', () => {
  const line = fc.constantFrom(
    ...[
      'a: 1',
      '  b: 2',
      '- c',
      '  - d',
      'plain',
      '"open',
      'closed"',
      '[1,',
      '2]',
      '{x: 1',
      '}',
      '# c',
      '',
      'k: |',
      '   text',
    ],
    ...['a: b: c', '? q', ': v', '---', '&a x', '*a', "it's", 'k: "o', "p'"],
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), fc.integer({ min: 1, max: 40 }), (lines, prefix) => {
      const text = lines.join('\n');
      assert.equal(isYaml(text, prefix), isYaml(text, Number.POSITIVE_INFINITY), text);
    }),
    runs(4000),
  );
});
