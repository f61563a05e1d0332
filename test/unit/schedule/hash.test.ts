/** SPEC 5, "Hashed jitter". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { runs } from '../../helpers/runs.ts';
import { compiled, dues, warningsOf } from './compiled.ts';

const hex = (id: string): string => crc32(id).toString(16).padStart(8, '0');

/** The rows of SPEC's table; seconds first. */
const rows: readonly [id: string, crc: string, expression: string, normalized: string][] = [
  ['ping', '25d53dfd', 'H H * * *', '0 9 22 * * *'],
  ['speedtest', '9749f718', 'H H * * *', '0 0 12 * * *'],
  ['speedtest', '9749f718', 'H(0-29)/10 * * * *', '0 0,10,20 * * * *'],
  ['dns-latency', '45ad4484', 'H(30-59) H(0-2) * * *', '0 52 2 * * *'],
  ['a', 'e8b7be43', '@hourly', '42 27 * * * *'],
  ['a', 'e8b7be43', '@weekly', '42 27 1 * * 4'],
  ['a', 'e8b7be43', '@monthly', '42 27 1 6 * *'],
  ['backup', '3ff0d1ac', 'H H * * H', '0 24 6 * * 2'],
  ['ping', '25d53dfd', 'H/7 * * * *', '0 5,12,19,26,33,40,47,54 * * * *'],
  ['é', '0e048d3e', 'H * * * *', '0 26 * * * *'],
];

for (const [id, crc, expression, normalized] of rows) {
  test(`${expression} of ${id} is ${normalized}`, () => {
    assert.equal(hex(id), crc);
    assert.equal(compiled(expression, { hash: id }).normalized, normalized);
  });
}

test('every alias is its expression with a hashed second', () => {
  const second = (crc32('disk') >>> 5) % 60;
  const aliases = {
    '@hourly': 'H * * * *',
    '@midnight': 'H H(0-2) * * *',
    '@daily': 'H H * * *',
    '@weekly': 'H H * * H',
    '@monthly': 'H H H * *',
    '@yearly': 'H H H H *',
    '@annually': 'H H H H *',
  };
  for (const [alias, expression] of Object.entries(aliases)) {
    const { normalized } = compiled(alias, { hash: 'disk' });
    assert.equal(normalized, compiled(`${second} ${expression}`, { hash: 'disk' }).normalized, alias);
    assert.equal(compiled(alias.toUpperCase(), { hash: 'disk' }).normalized, normalized);
  }
});

test('the formulas of SPEC hold for any id', () => {
  const h = (crc: number, i: number, lo: number, hi: number): number => ((crc >>> i) % (hi - lo + 1)) + lo;
  const id = fc.string({ unit: 'grapheme', maxLength: 20 });
  const fields = [
    { at: 1, i: 0, min: 0, max: 59 },
    { at: 2, i: 1, min: 0, max: 23 },
    { at: 3, i: 2, min: 1, max: 31 },
    { at: 4, i: 3, min: 1, max: 12 },
    { at: 0, i: 5, min: 0, max: 59 },
  ];
  const list = (from: number, to: number, step: number): number[] => {
    const values: number[] = [];
    for (let value = from; value <= to; value += step) values.push(value);
    return values;
  };
  const put = (at: number, text: string): string => ['0', '0', '0', '*', '*', '*'].with(at, text).join(' ');
  fc.assert(
    fc.property(
      id,
      fc.constantFrom(...fields),
      fc.nat(),
      fc.nat(),
      fc.integer({ min: 1, max: 70 }),
      (name, field, x, y, n) => {
        const { at, i, min, max } = field;
        const crc = crc32(Buffer.from(name));
        const [a, b] = [min + (x % (max - min + 1)), min + (y % (max - min + 1))].sort((one, two) => one - two);
        assert.ok(a !== undefined && b !== undefined);
        const same = (text: string, values: number[]): void =>
          assert.equal(
            compiled(put(at, text), { hash: name }).normalized,
            compiled(put(at, values.join(','))).normalized,
            `${text} of ${JSON.stringify(name)} in field ${at}`,
          );
        const plain = h(crc, i, min, max);
        same('H', [i === 2 && plain > 28 ? ((crc >>> 2) % 28) + 1 : plain]);
        same(`H(${a}-${b})`, [h(crc, i, a, b)]);
        const step = h(crc, i, min, n);
        const offset = min === 0 && step === n ? 0 : step;
        same(`h/${n}`, list(offset > max ? min + (offset % (max - min + 1)) : offset, max, n));
        const start = a + offset;
        same(`H(${a}-${b})/${n}`, list(start > b ? a + (offset % (b - a + 1)) : start, b, n));
      },
    ),
    runs(500),
  );
});

test('a plain H in the day field gives a day that every month has', () => {
  for (let index = 0; index < 500; index += 1) {
    const day = Number(compiled('H H H * *', { hash: `task-${index}` }).normalized.split(' ')[3]);
    assert.ok(day >= 1 && day <= 28, `${day}`);
  }
});

test('H stands anywhere in a list, in either case, and a list that hits it twice has it once', () => {
  // h(0) of ping is 9.
  assert.equal(compiled('H,30 * * * *', { hash: 'ping' }).normalized, '0 9,30 * * * *');
  assert.equal(compiled('9,h * * * *', { hash: 'ping' }).normalized, '0 9 * * * *');
  assert.equal(compiled('H,H(30-59) * * * *', { hash: 'ping' }).normalized, `0 9,${30 + (0x25d53dfd % 30)} * * * *`);
});

test('U hashes the id and the device id, and is a token, so that sun, jul and thu work', () => {
  const same = (text: string, id: string): void => {
    const ours = compiled(text, { hash: 'ping', deviceId: '4711' }).normalized;
    assert.equal(ours, compiled(text.replaceAll('U', 'H'), { hash: id }).normalized);
  };
  same('U U * * *', 'ping.4711');
  same('U(0-29)/10 U * * *', 'ping.4711');
  assert.notEqual(
    compiled('U U * * *', { deviceId: '1' }).normalized,
    compiled('U U * * *', { deviceId: '2' }).normalized,
  );
  assert.equal(compiled('0 0 * jul sun,thu').normalized, '0 0 0 * 7 0,4');
  assert.deepEqual(warningsOf('U * * * *', { deviceId: '' }), [
    'U tells machines apart by a device id, and this one has none: set FATE_DEVICE_ID',
  ]);
});

test('a hashed weekday of 7 is Sunday', () => {
  let seen = 0;
  for (let index = 0; index < 200; index += 1) {
    if ((crc32(`w${index}`) >>> 4) % 8 !== 7) continue;
    seen += 1;
    const schedule = compiled('0 0 * * H', { hash: `w${index}` });
    assert.equal(schedule.normalized, '0 0 0 * * 0');
    assert.deepEqual(dues(schedule, '2026-03-02T00:00:00Z', 1), ['2026-03-08T00:00:00Z']);
  }
  assert.ok(seen > 5);
});
