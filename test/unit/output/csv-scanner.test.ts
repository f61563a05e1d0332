import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCsvScanner } from '../../../src/output/csv-scanner.ts';

function isCsv(text: string | Uint8Array, step = 1 << 20): boolean {
  const bytes = Buffer.from(text);
  const scanner = createCsvScanner();
  for (let i = 0; i < bytes.length; i += step) scanner.push(bytes.subarray(i, i + step));
  return scanner.end();
}

test('rows of the same number of fields, two at least, are a table', () => {
  for (const text of [
    'a,b\n1,2\n',
    'a,b\r\n1,2\r\n',
    'a;b;c\n1;2;3',
    'a\tb\n1\t2\n',
    'a|b\n1|2\n',
    'name,note\n"x","says ""hi"", twice"\n"y","two\nlines"\n',
    'a,b\n\n1,2\n\n',
    ',\n,\n',
    'a;b\n1,5;2,5\n',
    'a,b\n"1",\n',
  ]) {
    assert.equal(isCsv(text), true, JSON.stringify(text));
  }
});

test('a header without data is a table', () => {
  assert.equal(isCsv('name,size,used\n'), true);
  assert.equal(isCsv('name,size,used'), true);
});

test('what is no table is none', () => {
  for (const text of [
    '',
    '\n\n',
    'one column\nof text\n',
    'a,b\n1,2,3\n',
    'a,b\n1\n',
    '{"a": 1, "b": 2}\n',
    'a,"b\n',
    'a,"b"c\n',
    'a,b"c"\n',
    'a,b\n1,\0\n',
    'a,b\n"\0",2\n',
  ]) {
    assert.equal(isCsv(text), false, JSON.stringify(text));
  }
});

test('what any writer quotes by RFC 4180 is a table, however it is cut', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', ' ', '"', ',', ';', '\n', '\r', 'é', '|', '\t') });
  const table = fc
    .integer({ min: 2, max: 4 })
    .chain((width) => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }));
  fc.assert(
    fc.property(
      table,
      fc.constantFrom(',', ';', '\t', '|'),
      fc.integer({ min: 1, max: 9 }),
      (rows, delimiter, step) => {
        const text = rows.map((row) => row.map((c) => `"${c.replaceAll('"', '""')}"`).join(delimiter)).join('\r\n');
        assert.equal(isCsv(text, step), true);
      },
    ),
  );
});
