import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRecordReader, type RecordReader, type TaskLogRecord } from '../../../src/output/record.ts';
import type { Level, LogFormat, Separator } from '../../../src/types.ts';
import { runs } from '../../helpers/runs.ts';

const AUTO = { format: 'auto', separator: 'auto' } as const;

function read(
  bytes: string | Uint8Array,
  options: { format: LogFormat; separator: Separator } = AUTO,
  step = 1 << 20,
): TaskLogRecord[] {
  const reader = createRecordReader(options);
  return [...feed(reader, bytes, step), ...reader.end()];
}

function feed(reader: RecordReader, bytes: string | Uint8Array, step = 1 << 20): TaskLogRecord[] {
  const all = Buffer.from(bytes);
  const records: TaskLogRecord[] = [];
  for (let i = 0; i < all.length; i += step) records.push(...reader.push(all.subarray(i, i + step)));
  return records;
}

const messages = (records: readonly TaskLogRecord[]): (string | null)[] => records.map(({ msg }) => msg);
const text = (msg: string, level: Level = 'info'): TaskLogRecord => ({ level, msg, fields: {}, text: msg });

test('records end with NUL, and the last needs none', () => {
  assert.deepEqual(read('one\0two\nlines\0three'), [text('one'), text('two\nlines'), text('three')]);
});

test('a stream without NUL is read by lines', () => {
  assert.deepEqual(read('one\ntwo\nthree'), [text('one'), text('two'), text('three')]);
  assert.deepEqual(read('one\r\ntwo\r\n'), [text('one'), text('two')]);
});

test('empty records are dropped', () => {
  assert.deepEqual(messages(read('\n\none\n \t\n\r\n')), ['one']);
  assert.deepEqual(messages(read('\0\0one\0\n\0<3>\0 \0')), ['one']);
  assert.deepEqual(read(''), []);
});

test('until it is decided, bytes are held back, 64 KiB at most', () => {
  const reader = createRecordReader(AUTO);
  assert.equal(reader.undecided, false);
  assert.deepEqual(reader.push(Buffer.from('one\n')), []);
  assert.equal(reader.undecided, true);
  assert.deepEqual(messages(reader.push(Buffer.from('two\0th'))), ['one\ntwo']);
  assert.equal(reader.undecided, false);
  assert.deepEqual(messages(reader.end()), ['th']);

  const lines = createRecordReader(AUTO);
  assert.deepEqual(lines.push(Buffer.alloc(65_535, 'x\n')), []);
  assert.equal(lines.undecided, true);
  assert.equal(lines.push(Buffer.from('\n')).length, 32_768);
  assert.equal(lines.undecided, false);
  // The decision stays: this NUL is a character like others.
  assert.deepEqual(messages(lines.push(Buffer.from('a\0b\n'))), ['a\0b']);
});

test('only a NUL in the first 64 KiB makes a stream one of NUL-separated records', () => {
  const at = (n: number): number => read(`${'x\n'.repeat(n / 2)}\0y\nz`, AUTO).length;
  assert.equal(at(65_534), 2);
  assert.equal(at(65_536), 32_770);
});

test('after 200 ms without more, what was held back is lines', () => {
  const reader = createRecordReader(AUTO);
  assert.deepEqual(reader.settle(), []);
  reader.push(Buffer.from('one\ntw'));
  assert.deepEqual(messages(reader.settle()), ['one']);
  assert.equal(reader.undecided, false);
  assert.deepEqual(messages(reader.push(Buffer.from('o\n'))), ['two']);
  assert.deepEqual(reader.settle(), []);
});

test('format.separator fixes it', () => {
  assert.deepEqual(messages(read('a\nb\0c\n', { format: 'auto', separator: 'line' })), ['a', 'b\0c']);
  assert.deepEqual(messages(read('a\nb', { format: 'auto', separator: 'nul' })), ['a\nb']);
  const reader = createRecordReader({ format: 'auto', separator: 'line' });
  assert.deepEqual(messages(reader.push(Buffer.from('a\n'))), ['a']);
});

test('a prefix <1> to <5> gives the level, of a record of several lines too', () => {
  assert.deepEqual(
    read('<1>a\n<2>b\n<3>c\n<4>d\n<5>e\n').map(({ level, msg }) => [level, msg]),
    [
      ['debug', 'a'],
      ['info', 'b'],
      ['warning', 'c'],
      ['error', 'd'],
      ['critical', 'e'],
    ],
  );
  assert.deepEqual(read('<4>first\nsecond\0'), [text('first\nsecond', 'error')]);
  assert.deepEqual(
    read('<0>a\n<6>b\n<12>c\n x<3>d\n').map(({ level }) => level),
    ['info', 'info', 'info', 'info'],
  );
});

test('without a prefix the level of a structured record counts', () => {
  const levels: readonly [unknown, Level][] = [
    ['ERROR', 'error'],
    ['Warning', 'warning'],
    ['critical', 'critical'],
    [1, 'debug'],
    [5, 'critical'],
    [10, 'debug'],
    [30, 'warning'],
    [35, 'warning'],
    [50, 'critical'],
    ['40', 'error'],
  ];
  for (const [told, level] of levels) {
    const [record] = read(JSON.stringify({ level: told, a: 1 }));
    assert.deepEqual([record?.level, record?.fields], [level, { a: 1 }], String(told));
  }
});

test('a level that is none, or that a prefix overrules, stays a field', () => {
  for (const told of ['notice', 0, 6, 51, 2.5, null, true, [1]]) {
    const [record] = read(JSON.stringify({ level: told }));
    assert.deepEqual([record?.level, record?.fields], ['info', { level: told }], String(told));
  }
  const [record] = read('<5>{"level": "debug", "msg": "m"}');
  assert.deepEqual([record?.level, record?.fields, record?.msg], ['critical', { level: 'debug' }, 'm']);
});

test('a mapping gives fields and msg', () => {
  assert.deepEqual(read('{"msg": "m", "a": {"b": [1]}}\n'), [
    { level: 'info', msg: 'm', fields: { a: { b: [1] } }, text: '{"msg": "m", "a": {"b": [1]}}' },
  ]);
  assert.deepEqual(read('{"a": 1}')[0]?.msg, null);
  assert.deepEqual(read('{"msg": 42}')[0]?.msg, '42');
  assert.deepEqual(read('{"msg": {"x": 1}}')[0]?.msg, '{"x":1}');
  assert.deepEqual(read('{"msg": null, "a": 1}')[0]?.msg, null);
});

test('records that end with NUL may be json, toml or yaml', () => {
  const fields = read('{"a": 1}\0a = 1\nb = "x"\0a: 1\nb: x\0a: &x [1]\nb: *x\0# c\n[t]\na = 1\0').map((r) => r.fields);
  assert.deepEqual(fields, [{ a: 1 }, { a: 1, b: 'x' }, { a: 1, b: 'x' }, { a: [1], b: [1] }, { t: { a: 1 } }]);
  assert.deepEqual(read('Warning: disk full\0')[0]?.fields, { Warning: 'disk full' });
});

test('in a stream of lines only a json object is structure', () => {
  assert.deepEqual(read('Warning: disk full\na = 1\n[1]\n42\n{a: 1}\n'), [
    text('Warning: disk full'),
    text('a = 1'),
    text('[1]'),
    text('42'),
    text('{a: 1}'),
  ]);
  assert.deepEqual(read('{"a": 1}\n')[0]?.fields, { a: 1 });
});

test('what is no mapping is text', () => {
  for (const record of [
    '[1, 2]',
    '- a\n- b',
    '"x"',
    'a: b: c',
    '{"a": 1',
    'a: *b',
    'text',
    'x = = y',
    '[t',
    'a:\tb: c',
  ]) {
    assert.deepEqual(read(`${record}\0`), [text(record)], record);
  }
});

test('format text leaves records alone', () => {
  assert.deepEqual(read('<4>{"a": 1}\n', { format: 'text', separator: 'auto' }), [text('{"a": 1}', 'error')]);
});

test('a named format that does not parse is text with a warning', () => {
  const [bad, good, list] = read('a: 1\n{"a": 1}\n[1]\n', { format: 'json', separator: 'auto' });
  assert.match(bad?.warning ?? '', /^the record does not parse as json: Unexpected token/);
  assert.deepEqual([bad?.msg, bad?.fields], ['a: 1', {}]);
  assert.deepEqual(good?.fields, { a: 1 });
  assert.deepEqual(list, text('[1]'));
  assert.deepEqual(read('a: 1\n', { format: 'yaml', separator: 'line' })[0]?.fields, { a: 1 });
  assert.match(read('a: 1\n', { format: 'toml', separator: 'line' })[0]?.warning ?? '', /does not parse as toml/);
  const long = `a: ${'x'.repeat(5000)}\0`;
  assert.match(read(long, { format: 'yaml', separator: 'nul' })[0]?.warning ?? '', /longer than 4 KiB/);
  assert.deepEqual(read(long)[0]?.fields, {});
});

test('bad UTF-8 is replaced, and the record says so', () => {
  assert.deepEqual(read(Buffer.from('caf\xe9\nfine\n', 'latin1')), [
    { ...text('caf\ufffd'), encoding: 'invalid' },
    text('fine'),
  ]);
});

test('a record over 64 KiB is cut and says its true size', () => {
  const [long, next] = read(`${'x'.repeat(100_000)}\nnext\n`);
  assert.equal(long?.text.length, 65_536);
  assert.equal(long?.size, 100_000);
  assert.equal(long?.encoding, undefined);
  assert.deepEqual(next, text('next'));
  assert.equal(read(`${'x'.repeat(65_536)}\n`)[0]?.size, undefined);
});

test('a cut does not make a character bad', () => {
  for (const character of ['é', '日', '😀']) {
    for (const shift of ['', 'a', 'ab', 'abc']) {
      const [record] = read(`${shift}${character.repeat(40_000)}\n`);
      assert.equal(record?.encoding, undefined);
      assert.doesNotMatch(record?.text ?? '', /\ufffd/);
    }
  }
  const [bad] = read(Buffer.concat([Buffer.alloc(65_533, 'x'), Buffer.from([0xff]), Buffer.alloc(100, 'x')]));
  assert.equal(bad?.encoding, 'invalid');
});

test('a cut record is text, with a warning where a format was named', () => {
  const json = `{"a": "${'x'.repeat(70_000)}"}\n`;
  assert.deepEqual(read(json)[0]?.fields, {});
  assert.match(read(json, { format: 'json', separator: 'line' })[0]?.warning ?? '', /it is cut/);
});

test('a key __proto__ is a field like others', () => {
  const [record] = read('{"__proto__": {"level": "error"}, "msg": "m"}');
  assert.deepEqual(Object.keys(record?.fields ?? {}), ['__proto__']);
  assert.equal(record?.level, 'info');
});

test('bombs are text', () => {
  const laughs = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 12; i++)
    laughs.push(
      `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  for (const bomb of [
    `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
    `a: ${'{b: '.repeat(900)}`,
    `${'a.'.repeat(2000)}b = 1`,
    laughs.join('\n'),
  ]) {
    assert.deepEqual(read(`${bomb}\0`)[0]?.fields, {}, bomb.slice(0, 40));
  }
});

test('however the bytes are cut, the records are the same', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '\n',
      '\0',
      '\r\n',
      '<3>',
      '<9>',
      '{"a": 1}',
      '{"msg": "m", "level": 4}',
      'a: 1',
      'a = 1',
      ' ',
      'é',
      '😀',
    ),
    fc.string({ unit: 'binary', maxLength: 10 }),
    fc.constantFrom('x'.repeat(30_000), '日'.repeat(30_000)),
  );
  const bytes = fc.oneof(
    fc.array(piece, { maxLength: 12 }).map((parts) => Buffer.from(parts.join(''))),
    fc.uint8Array({ maxLength: 100 }).map((b) => Buffer.from(b)),
  );
  const options = fc.record({
    format: fc.constantFrom<LogFormat>('auto', 'text', 'json', 'yaml', 'toml'),
    separator: fc.constantFrom<Separator>('auto', 'nul', 'line'),
  });
  fc.assert(
    fc.property(bytes, options, fc.integer({ min: 1, max: 70_000 }), (all, o, step) => {
      assert.deepEqual(read(all, o, all.length > 5000 ? Math.max(step, 997) : step), read(all, o));
    }),
    runs(1000),
  );
});

test('50 MB without a separator, in small chunks, cost no more each than the first and are not held', () => {
  const reader = createRecordReader({ format: 'auto', separator: 'line' });
  const chunk = Buffer.alloc(512, 'x');
  const before = process.memoryUsage();
  const times = [0, 1].map(() => {
    const started = process.cpuUsage();
    for (let i = 0; i < 25_000_000 / chunk.length; i++) assert.equal(reader.push(chunk).length, 0);
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  });
  const after = process.memoryUsage();
  const [record] = reader.end();
  assert.equal(record?.size, 2 * Math.ceil(25_000_000 / 512) * 512);
  assert.ok(
    after.arrayBuffers - before.arrayBuffers < 1e6,
    `${after.arrayBuffers - before.arrayBuffers} bytes are held`,
  );
  assert.ok((times[1] ?? 0) < 3 * (times[0] ?? 0) + 100, `CPU ms per half: ${times}`);
});
