import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseText, stringify } from '../../../src/output/formats.ts';
import { MAX_DEPTH } from '../../../src/output/formats-yaml.ts';
import type { TextFormat } from '../../../src/types.ts';
import { runs } from '../../helpers/runs.ts';

function read(format: TextFormat, text: string): unknown {
  const parsed = parseText(format, text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

function faultOf(format: TextFormat, text: string): string {
  const parsed = parseText(format, text);
  assert.ok(!parsed.ok, `${JSON.stringify(text).slice(0, 80)} was read`);
  return `${parsed.line ?? '-'}:${parsed.column ?? '-'} ${parsed.message}`;
}

const plainValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.string({ unit: 'grapheme' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

test('what is written is read back the same, in every format', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), plainValue, { noNullPrototype: true }), (value) => {
      for (const format of ['json', 'yaml', 'toml'] as const) {
        assert.deepEqual(read(format, stringify(format, value)), value, format);
      }
    }),
    runs(300),
  );
});

test('whatever the text, a codec answers and does not throw', () => {
  const odd = fc.array(
    fc.constantFrom(
      'a',
      ': ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '\n',
      '  ',
      '\t',
      '"',
      "'",
      '&a',
      '*a',
      '!t',
      '|',
      '>',
      '#',
      '=',
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        odd.map((parts) => parts.join('')),
        fc.string({ unit: 'binary' }),
      ),
      (text) => {
        for (const format of ['json', 'yaml', 'toml'] as const) {
          const parsed = parseText(format, text);
          assert.equal(typeof parsed.ok, 'boolean');
        }
      },
    ),
    runs(2000),
  );
});

test('faults have their line and column', () => {
  assert.match(faultOf('json', '{"a":1,\n "é": x}'), /^2:7 Unexpected token/);
  assert.match(faultOf('json', ''), /^1:1 Unexpected end of JSON input/);
  assert.match(faultOf('toml', 'a = 1\nb = \n'), /^2:5 "\\n" cannot stand here/);
  assert.match(faultOf('toml', 'a = 1\na = 2\n'), /^2:1 Cannot redefine existing key 'a'$/);
  assert.match(faultOf('toml', 'a = 9223372036854775807'), /^1:5 Integer 9223372036854775807 cannot be represented/);
  assert.match(faultOf('yaml', 'a: 1\nb: [1\n'), /^3:1 /);
  assert.match(faultOf('yaml', 'a: 1\n\tb: 2\n'), /^2:1 Tabs are not allowed as indentation/);
  assert.match(faultOf('yaml', 'a: 1\nb: 2\na: 3\n'), /^3:1 the key "a" is given twice/);
  assert.match(faultOf('yaml', 'a: 1\n1: x\n"1": y\n'), /^3:1 the key "1" is given twice/);
  assert.match(faultOf('yaml', 'a: 1\n---\nb: 2\n'), /^2:1 a second document begins here/);
  assert.match(faultOf('yaml', 'a: *b\n'), /^1:4 no anchor &b before this alias/);
});

test('YAML is version 1.2 with merge keys and aliases', () => {
  assert.deepEqual(read('yaml', 'a: yes\nb: 0o17\nc: 010\nd: ~\ne: 2024-01-01\n'), {
    a: 'yes',
    b: 15,
    c: 10,
    d: null,
    e: '2024-01-01',
  });
  assert.deepEqual(read('yaml', 'x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n'), {
    x: { a: 1, b: 2 },
    y: { a: 1, b: 3 },
  });
  assert.deepEqual(read('yaml', 'b: !!binary aGk=\n'), { b: 'aGk=' });
  assert.equal(read('yaml', ''), null);
});

test('YAML is written so that readers of version 1.1 take strings for strings', () => {
  assert.equal(stringify('yaml', { a: 'yes', b: '12:30', c: 'plain' }), 'a: "yes"\nb: "12:30"\nc: plain\n');
  const shared = { deep: [1] };
  assert.equal(stringify('yaml', [shared, shared]), '- deep:\n    - 1\n- deep:\n    - 1\n');
});

test('TOML gives plain objects and Dates, and a BOM is no fault', () => {
  const value = read('toml', '\uFEFFa = 1\nd = 2024-01-01T00:00:00Z\nt = 07:00:00\n[[b]]\nc = "x"\n');
  assert.deepEqual(value, { a: 1, d: new Date('2024-01-01T00:00:00Z'), t: '07:00:00', b: [{ c: 'x' }] });
});

test('a key __proto__ is a key like others', () => {
  for (const [format, text] of [
    ['json', '{"__proto__": {"x": 1}}'],
    ['yaml', '__proto__: {x: 1}'],
    ['toml', '__proto__ = {x = 1}'],
  ] as const) {
    const value = read(format, text) as object;
    assert.deepEqual(Object.keys(value), ['__proto__'], format);
    assert.equal(Object.getPrototypeOf(value), Object.prototype, format);
  }
  assert.equal(({} as { x?: unknown }).x, undefined);
});

test('TOML refuses what it cannot express, and says where it is', () => {
  assert.throws(
    () => stringify('toml', { a: { b: [1, null] } }),
    /^Error: TOML has no null, which is the value of a\.b\.1$/,
  );
  assert.throws(() => stringify('toml', [1]), /TOML can only express a mapping/);
  assert.throws(() => stringify('toml', null), /TOML can only express a mapping/);
  assert.throws(() => stringify('json', undefined), /there is no value to write as json/);
});

test('text nested too deep is refused in every format, and ends no process', () => {
  for (const n of [MAX_DEPTH + 2, 5000, 100_000]) {
    assert.match(faultOf('json', '['.repeat(n) + ']'.repeat(n)), /nested more than 200 levels deep/);
    assert.match(faultOf('toml', `${'a.'.repeat(n)}b = 1`), /nested more than 200 levels deep/);
    for (const text of ['[', '{', '- ', '? ', '{a: ', ': ']) {
      assert.match(faultOf('yaml', text.repeat(n)), /nested more than 200 levels deep/, text);
    }
  }
  assert.ok(parseText('json', '['.repeat(150) + ']'.repeat(150)).ok);
  assert.ok(parseText('yaml', '['.repeat(150) + ']'.repeat(150)).ok);
  assert.ok(parseText('toml', `a = ${'['.repeat(150)}${']'.repeat(150)}`).ok);
});

test('a billion laughs are refused at once', () => {
  const lines = ['a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]'];
  for (let i = 1; i < 20; i++)
    lines.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  const started = performance.now();
  assert.match(faultOf('yaml', lines.join('\n')), /aliases make it too large/);
  assert.match(faultOf('yaml', `a: &a x\nb: [${'*a, '.repeat(10_001)}]`), /more than 10000 aliases/);
  assert.match(faultOf('yaml', 'a: &a [*a]'), /no anchor &a before this alias/);
  assert.ok(performance.now() - started < 5000);
});

test('many keys cost no more each than a few', () => {
  const lines = (n: number): string => Array.from({ length: n }, (_, i) => `key${i}: ${i}`).join('\n');
  assert.equal(Object.keys(read('yaml', lines(20_000)) as object).length, 20_000);
});

test('TOML and YAML longer than 4 MiB are not tried', () => {
  const long = '# comment\n'.repeat(500_000);
  assert.match(faultOf('yaml', long), /longer than 4 MiB/);
  assert.match(faultOf('toml', long), /longer than 4 MiB/);
});
