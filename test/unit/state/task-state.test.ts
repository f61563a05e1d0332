import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StoredState } from '../../../src/state/store.ts';
import { decodeState, encodeState, type NewState } from '../../../src/state/task-state.ts';
import type { StateFormat, TextFormat } from '../../../src/types.ts';

const NONE = { stored: null, sent: '' };

function decoded(text: string | Buffer, format: StateFormat = 'auto'): NewState {
  return decodeState(Buffer.from(text), format, NONE);
}

/** What is stored for a text that a task wrote. */
function stored(text: string, format: StateFormat = 'auto'): StoredState {
  const result = decoded(text, format);
  assert.equal(result.kind, 'store', `${JSON.stringify(text)}: ${JSON.stringify(result)}`);
  return result.kind === 'store' ? result.state : { kind: 'text', value: null };
}

const structure = (value: unknown): StoredState => ({ kind: 'structure', value });
const text = (value: string): StoredState => ({ kind: 'text', value });

test('auto stores the first of json, toml and yaml that gives something other than a bare string', () => {
  assert.deepEqual(stored('{"a": [1, null]}'), structure({ a: [1, null] }));
  assert.deepEqual(stored('42\n'), structure(42));
  assert.deepEqual(stored('null'), structure(null));
  assert.deepEqual(stored('a = 1\n[b]\nc = "x"\n'), structure({ a: 1, b: { c: 'x' } }));
  assert.deepEqual(stored('a: 1\nb:\n- x\n'), structure({ a: 1, b: ['x'] }));
});

test('auto stores anything else as the text it is', () => {
  for (const plain of [
    'hello',
    '"quoted"',
    ' two words\n',
    '{"a": 1',
    '- [',
    '\n',
    ' \t\n',
    '# only\n  # comments\n',
  ]) {
    assert.deepEqual(stored(plain), text(plain));
  }
});

test('nothing written, and nothing changed, change nothing', () => {
  assert.deepEqual(decoded(''), { kind: 'keep' });
  const before = { stored: structure({ a: 1 }), sent: '{"a":1}' };
  assert.deepEqual(decodeState(Buffer.from('{"a":1}'), 'auto', before), { kind: 'keep' });
  assert.deepEqual(decodeState(Buffer.from('{ "a": 1 }\n'), 'auto', before), { kind: 'keep' });
  assert.deepEqual(decodeState(Buffer.from('{"a":2}'), 'auto', before), {
    kind: 'store',
    state: structure({ a: 2 }),
  });
  const plain = { stored: text('old'), sent: 'old' };
  assert.deepEqual(decodeState(Buffer.from('old'), 'auto', plain), { kind: 'keep' });
  assert.deepEqual(decodeState(Buffer.from('old\n'), 'auto', plain), { kind: 'store', state: text('old\n') });
});

test('a named format that does not parse is told, and nothing is stored', () => {
  for (const [format, wrong] of [
    ['json', '{"a": 1'],
    ['toml', 'a: 1'],
    ['yaml', 'a: [1'],
  ] as const) {
    const result = decoded(wrong, format);
    assert.equal(result.kind, 'bad');
    assert.match(
      result.kind === 'bad' ? result.message : '',
      new RegExp(`^the new state is not valid ${format.toUpperCase()}: .*\\(line 1, column \\d+\\)$`),
    );
  }
});

test('a named format stores what it says, a bare string too', () => {
  assert.deepEqual(stored('"x"', 'json'), structure('x'));
  assert.deepEqual(stored('x', 'yaml'), structure('x'));
});

test('bytes that are no UTF-8 are told, and nothing is stored', () => {
  assert.deepEqual(decoded(Buffer.from([0x61, 0xff])), { kind: 'bad', message: 'the new state is not UTF-8' });
});

test('what JSON cannot hold is kept in the words of the task', () => {
  for (const exact of ['when = 2026-11-22T20:00:00Z\n', 'x = inf\n', '{"id": 1152921504606846977}', 'a: .nan\n']) {
    assert.deepEqual(stored(exact), text(exact));
    assert.equal(encodeState(stored(exact), 'json'), exact);
  }
  assert.deepEqual(stored('when = 2026-11-22T20:00:00Z\n', 'toml'), text('when = 2026-11-22T20:00:00Z\n'));
});

test('a structure is handed over in the format asked for, a text as it is', () => {
  assert.equal(encodeState(null, 'json'), '');
  assert.equal(encodeState(text('as\nit is'), 'toml'), 'as\nit is');
  assert.deepEqual(JSON.parse(encodeState(structure({ a: [1, 'x'] }), 'json')), { a: [1, 'x'] });
  assert.match(encodeState(structure({ a: 'x' }), 'toml'), /^a = "x"\s*$/);
  assert.match(encodeState(structure({ a: 'x' }), 'yaml'), /^a: x\s*$/);
});

test('a structure that TOML cannot express is handed over as JSON, so that the task still runs', () => {
  assert.deepEqual(JSON.parse(encodeState(structure([1, 2]), 'toml')), [1, 2]);
  assert.deepEqual(JSON.parse(encodeState(structure({ a: null }), 'toml')), { a: null });
});

test('a large text that is no JSON is stored as it is without being parsed for seconds', () => {
  const large = 'key: value\n'.repeat(1_000_000);
  const start = process.cpuUsage();
  assert.deepEqual(stored(large), text(large));
  assert.ok(process.cpuUsage(start).user < 1e6, 'took more than a second of CPU');
  assert.deepEqual(stored(`{"a": "${large.replaceAll('\n', ' ')}"}`).kind, 'structure');
});

const json = fc.jsonValue({ noUnicodeString: false }).filter((value) => !JSON.stringify(value).includes('-0'));

test('any JSON value that a task writes comes back to it as the same value, in every format', () => {
  fc.assert(
    fc.property(json, fc.constantFrom<TextFormat>('json', 'yaml'), (value, format) => {
      const first = stored(JSON.stringify(value), 'json');
      const sent = encodeState(first, format);
      const again = decodeState(Buffer.from(sent), format, NONE);
      // A value that was kept as text comes back as that text.
      const expected = first.kind === 'text' ? String(first.value) : null;
      if (expected !== null) assert.equal(sent, expected);
      else assert.deepEqual(again, sent === '' ? { kind: 'keep' } : { kind: 'store', state: first });
      assert.deepEqual(decodeState(Buffer.from(sent), format, { stored: first, sent }), { kind: 'keep' });
    }),
  );
});

test('a date of TOML that auto recognised comes back as the date it was', () => {
  const text = 'd = 2026-01-01\n';
  const found = decodeState(Buffer.from(text), 'auto', { stored: null, sent: '' });
  assert.deepEqual(found, { kind: 'store', state: { kind: 'text', value: text } });
});
