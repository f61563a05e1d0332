import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { createJsonScanner, type JsonVerdict } from '../../../src/output/json-scanner.ts';
import { runs } from '../../helpers/runs.ts';

/** What JSON.parse says of bytes. */
function oracle(bytes: Uint8Array): JsonVerdict {
  if (!isUtf8(bytes)) return 'none';
  try {
    return typeof JSON.parse(Buffer.from(bytes).toString('utf8')) === 'string' ? 'string' : 'value';
  } catch {
    return 'none';
  }
}

function scan(bytes: Uint8Array, cuts: readonly number[] = []): JsonVerdict {
  const scanner = createJsonScanner();
  let start = 0;
  for (const cut of [...cuts.map((c) => c % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    scanner.push(bytes.subarray(start, Math.max(start, cut)));
    start = Math.max(start, cut);
  }
  return scanner.end();
}

const cuts = fc.array(fc.nat(), { maxLength: 4 });
const tokens = fc
  .array(
    fc.constantFrom(
      ...[
        '[',
        ']',
        '{',
        '}',
        ',',
        ':',
        '"a"',
        '"',
        '"\\u12',
        '\\',
        '1',
        '0',
        '-',
        '.',
        'e',
        'E+',
        '5',
        ' ',
        '\n',
        '\t',
      ],
      ...['true', 'false', 'null', 'nul', 'é', '😀', '\u0001', '\u007f', '\ufeff', '"\\n"', '"\\x"'],
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.from(parts.join('')));

test('the scanner says of any JSON, cut anywhere, what JSON.parse says', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom('', ' ', '\n\t\r '), cuts, (json, space, at) => {
      const bytes = Buffer.from(space + json + space);
      assert.equal(scan(bytes, at), oracle(bytes));
    }),
    runs(2000),
  );
});

test('the scanner says of any row of tokens what JSON.parse says', () => {
  fc.assert(
    fc.property(tokens, cuts, (bytes, at) => {
      assert.equal(scan(bytes, at), oracle(bytes));
    }),
    runs(20_000),
  );
});

test('the scanner says of JSON with a byte changed, put in or left out what JSON.parse says', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.nat(255), fc.constantFrom(0, 1, 2), cuts, (json, at, byte, how, where) => {
      const bytes = [...Buffer.from(json)];
      bytes.splice(at % (bytes.length + 1), how === 0 ? 0 : 1, ...(how === 2 ? [] : [byte]));
      assert.equal(scan(Uint8Array.from(bytes), where), oracle(Uint8Array.from(bytes)));
    }),
    runs(10_000),
  );
});

test('only well-formed UTF-8 is a string', () => {
  fc.assert(
    fc.property(fc.uint8Array({ min: 0x7e, max: 0xff, maxLength: 5 }), cuts, (inner, at) => {
      const bytes = Buffer.concat([Buffer.from('["'), inner, Buffer.from('"]')]);
      assert.equal(scan(bytes, at), oracle(bytes));
    }),
    runs(20_000),
  );
});

test('numbers that end with the text are whole', () => {
  for (const text of ['0', '-0', '10', '1.5', '1e5', '1E-05', ' 7'])
    assert.equal(scan(Buffer.from(text)), 'value', text);
  for (const text of ['-', '01', '1.', '.5', '1e', '1e+', '+1', '0x1', '1 2', 'NaN']) {
    assert.equal(scan(Buffer.from(text)), 'none', text);
  }
});

test('a fault is told at once, with its offset', () => {
  const scanner = createJsonScanner();
  assert.equal(scanner.push(Buffer.from('{"a": [1, 2')), true);
  assert.equal(scanner.push(Buffer.from(', x]}')), false);
  assert.equal(scanner.offset, 13);
  assert.equal(scanner.push(Buffer.from('1]}')), false);
  assert.equal(scanner.end(), 'none');
});

test('nesting takes a bit for each level, and a million levels are too many', () => {
  const deep = (n: number): Buffer => Buffer.from(`${'[{"a":'.repeat(n / 2)}1${'}]'.repeat(n / 2)}`);
  assert.equal(scan(deep(100_000), [50_000, 300_000]), 'value');
  assert.equal(scan(Buffer.from('['.repeat(1_048_576) + ']'.repeat(1_048_576))), 'value');
  assert.equal(scan(Buffer.from('['.repeat(1_048_577) + ']'.repeat(1_048_577))), 'none');
});
