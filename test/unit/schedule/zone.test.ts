/** Zones from TZif files (RFC 9636), POSIX rules and Node's own tables. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { intlZone, parseTzif, posixZone } from '../../../src/schedule/zone.ts';
import type { Zone } from '../../../src/types.ts';
import { runs } from '../../helpers/runs.ts';
import { ZONEINFO } from './oracle.ts';

const HOUR = 3_600_000;

/** `2026-03-29T01:00:00Z +2` for each change of offset in a span. */
function changes(zone: Zone | null, from: string, to: string): string[] {
  assert.ok(zone);
  const found: string[] = [];
  let at = zone.nextTransition(Date.parse(from));
  while (at !== null && at < Date.parse(to)) {
    assert.notEqual(zone.offsetAt(at), zone.offsetAt(at - 1));
    found.push(`${new Date(at).toISOString().replace('.000Z', 'Z')} ${zone.offsetAt(at) / HOUR}`);
    at = zone.nextTransition(at);
  }
  return found;
}

interface TzifParts {
  readonly version?: number;
  /** Seconds, and the index of the offset from there on. */
  readonly times?: readonly (readonly [at: number, type: number])[];
  /** Seconds. */
  readonly offsets: readonly number[];
  /** Seconds, and the correction from there on. */
  readonly leaps?: readonly (readonly [at: number, correction: number])[];
  readonly footer?: string;
}

/** The bytes of a zone file, as RFC 9636 draws them. */
function tzif({ version = 2, times = [], offsets, leaps = [], footer = '' }: TzifParts): Uint8Array {
  const bytes: number[] = [];
  const put = (value: number, width: 1 | 4 | 8): void => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64BE(BigInt(value));
    bytes.push(...buffer.subarray(8 - width));
  };
  const block = (width: 4 | 8, full: boolean): void => {
    bytes.push(...Buffer.from('TZif'), version === 1 ? 0 : version + 0x30, ...Buffer.alloc(15));
    const counts = full ? [0, 0, leaps.length, times.length, offsets.length, 4] : [0, 0, 0, 0, 1, 4];
    for (const count of counts) put(count, 4);
    if (full) {
      for (const [at] of times) put(at, width);
      for (const [, type] of times) put(type, 1);
    }
    for (const offset of full ? offsets : [0]) {
      put(offset, 4);
      bytes.push(0, 0);
    }
    bytes.push(...Buffer.from('ABC\0'));
    if (full) {
      for (const [at, correction] of leaps) {
        put(at, width);
        put(correction, 4);
      }
    }
  };
  block(4, version === 1);
  if (version > 1) {
    block(8, true);
    bytes.push(...Buffer.from(`\n${footer}\n`));
  }
  return Uint8Array.from(bytes);
}

test('a POSIX rule is read as tzset(3) says', () => {
  const year = ['2026-01-01', '2026-12-31'] as const;
  assert.deepEqual(changes(posixZone('CET-1CEST,M3.5.0,M10.5.0/3', ''), ...year), [
    '2026-03-29T01:00:00Z 2',
    '2026-10-25T01:00:00Z 1',
  ]);
  // Without dates, those of the United States; without a time, at 2.
  assert.deepEqual(changes(posixZone('EST5EDT', ''), ...year), ['2026-03-08T07:00:00Z -4', '2026-11-01T06:00:00Z -5']);
  // Dublin: the winter is the exception.
  assert.deepEqual(changes(posixZone('IST-1GMT0,M10.5.0,M3.5.0/1', ''), ...year), [
    '2026-03-29T01:00:00Z 1',
    '2026-10-25T01:00:00Z 0',
  ]);
  // The south, half an hour, names in brackets.
  assert.deepEqual(changes(posixZone('<+1030>-10:30<+11>-11,M10.1.0,M4.1.0', ''), ...year), [
    '2026-04-04T15:00:00Z 10.5',
    '2026-10-03T15:30:00Z 11',
  ]);
  // Hours beyond the day, also negative (RFC 9636, version 3).
  assert.deepEqual(changes(posixZone('<-02>2<-01>,M3.5.0/-1,M10.5.0/0', ''), ...year), [
    '2026-03-29T01:00:00Z -1',
    '2026-10-25T01:00:00Z -2',
  ]);
  assert.deepEqual(changes(posixZone('IST-2IDT,M3.4.4/26,M10.5.0', ''), ...year), [
    '2026-03-27T00:00:00Z 3',
    '2026-10-24T23:00:00Z 2',
  ]);
  // Days of the year, without and with 29 February.
  assert.deepEqual(changes(posixZone('AAA0BBB,J60/0,J300/0', ''), '2028-01-01', '2028-12-31'), [
    '2028-03-01T00:00:00Z 1',
    '2028-10-26T23:00:00Z 0',
  ]);
  assert.deepEqual(changes(posixZone('AAA0BBB,59/0,300/0', ''), '2028-01-01', '2028-12-31'), [
    '2028-02-29T00:00:00Z 1',
    '2028-10-26T23:00:00Z 0',
  ]);
  // Everlasting summer time (RFC 9636, 3.3.1).
  const always = posixZone('XXX3EDT4,0/0,J365/23', '');
  assert.deepEqual(changes(always, '2020-01-01', '2040-01-01'), []);
  assert.equal(always?.offsetAt(Date.UTC(2026, 0, 1)), -4 * HOUR);
  assert.equal(posixZone('UTC0', '')?.offsetAt(0), 0);
  assert.equal(posixZone('UTC0', '')?.nextTransition(0), null);
  for (const none of [
    '',
    'UTC',
    'CET-1CEST,M3.5.0',
    'CET-1CEST,M13',
    '-1',
    'Europe/Berlin',
    'A5',
    'CET-1CEST,M3.6.0,M10.5.0',
  ]) {
    assert.equal(posixZone(none, ''), null, none);
  }
});

test('the table of a file speaks until its last transition, its footer from there on', () => {
  const slim = tzif({
    times: [
      [0, 1],
      [Date.UTC(2026, 5, 1) / 1000, 2],
    ],
    offsets: [-600, 0, 3600],
    footer: 'XXX-1',
  });
  const zone = parseTzif(slim, 'Some/Where');
  assert.equal(zone?.name, 'Some/Where');
  assert.equal(zone?.offsetAt(-1), -600_000);
  assert.equal(zone?.nextTransition(-(10 ** 12)), 0);
  assert.equal(zone?.offsetAt(0), 0);
  assert.deepEqual(changes(zone, '1980-01-01', '2200-01-01'), ['2026-06-01T00:00:00Z 1']);
  assert.equal(zone?.nextTransition(Date.UTC(2026, 5, 1)), null);

  const berlin = tzif({ times: [[0, 0]], offsets: [3600], footer: 'CET-1CEST,M3.5.0,M10.5.0/3' });
  assert.deepEqual(changes(parseTzif(berlin, ''), '2099-12-01', '2100-12-01'), [
    '2100-03-28T01:00:00Z 2',
    '2100-10-31T01:00:00Z 1',
  ]);
  const ruleAlone = tzif({ offsets: [3600], footer: 'CET-1CEST,M3.5.0,M10.5.0/3' });
  assert.deepEqual(changes(parseTzif(ruleAlone, ''), '2026-01-01', '2026-06-01'), ['2026-03-29T01:00:00Z 2']);
});

test('a transition that leaves the offset as it is, is none', () => {
  const zone = parseTzif(
    tzif({
      times: [
        [1000, 1],
        [2000, 2],
        [3000, 0],
      ],
      offsets: [0, 3600, 3600],
      footer: 'XXX0',
    }),
    '',
  );
  assert.equal(zone?.nextTransition(0), 1_000_000);
  assert.equal(zone?.nextTransition(1_000_000), 3_000_000);
  assert.equal(zone?.nextTransition(3_000_000), null);
});

test('version 1 has no footer: its last offset stays', () => {
  const zone = parseTzif(tzif({ version: 1, times: [[1000, 1]], offsets: [0, -7200] }), '');
  assert.equal(zone?.offsetAt(Date.UTC(2100, 0)), -7_200_000);
  assert.equal(zone?.nextTransition(0), 1_000_000);
  assert.equal(zone?.nextTransition(1_000_000), null);
});

test('leap seconds of a file are taken out, since the clock of a computer does not count them', () => {
  const leaps = [
    [500, 1],
    [1500, 2],
  ] as const;
  const zone = parseTzif(
    tzif({
      times: [
        [1001, 1],
        [2002, 0],
      ],
      offsets: [0, 3600],
      leaps,
      footer: 'XXX0',
    }),
    '',
  );
  assert.equal(zone?.nextTransition(0), 1_000_000);
  assert.equal(zone?.nextTransition(1_000_000), 2_000_000);
});

test('what is no zone file, or damaged, is null and no exception', () => {
  const good = tzif({
    times: [
      [0, 0],
      [1, 1],
    ],
    offsets: [0, 3600],
    footer: 'CET-1',
  });
  assert.ok(parseTzif(good, ''));
  for (let length = 0; length < good.length; length += 1) assert.equal(parseTzif(good.subarray(0, length), ''), null);
  assert.equal(
    parseTzif(Buffer.from('no zone at all, but long enough to hold a header of forty-four bytes'), ''),
    null,
  );
  assert.equal(
    parseTzif(
      tzif({
        times: [
          [5, 0],
          [5, 0],
        ],
        offsets: [0],
      }),
      '',
    ),
    null,
  );
  assert.equal(parseTzif(tzif({ times: [[5, 3]], offsets: [0] }), ''), null);
  assert.equal(parseTzif(tzif({ offsets: [0], footer: 'nonsense' }), ''), null);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { maxLength: 8 }),
      (edits) => {
        const bytes = good.slice();
        for (const [at, value] of edits) bytes[at] = value;
        const zone = parseTzif(bytes, '');
        if (zone !== null) assert.equal(typeof zone.offsetAt(0), 'number');
      },
    ),
    runs(500),
  );
});

test("Node's own tables tell the same of zones whose rules have long stood", () => {
  for (const name of [
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kolkata',
    'Etc/UTC',
    'Antarctica/Troll',
  ]) {
    const file = parseTzif(readFileSync(join(ZONEINFO, name)), name);
    const own = intlZone(name);
    assert.equal(own?.name, name);
    assert.deepEqual(changes(own, '2021-01-01', '2030-01-01'), changes(file, '2021-01-01', '2030-01-01'), name);
    assert.equal(own?.offsetAt(0), file?.offsetAt(0));
  }
  assert.equal(intlZone('Asia/Kolkata')?.nextTransition(Date.UTC(2026, 0)), null);
  for (const none of ['', 'Nowhere/Land', '+01:00', 'system', 'local']) assert.equal(intlZone(none), null, none);
});

test('a zone answers the same in any order of questions', () => {
  const zone = parseTzif(readFileSync(join(ZONEINFO, 'Africa/Casablanca')), '');
  assert.ok(zone);
  const instants = fc.integer({ min: Date.UTC(1900, 0), max: Date.UTC(2120, 0) });
  fc.assert(
    fc.property(fc.array(instants, { minLength: 1, maxLength: 20 }), (questions) => {
      const fresh = (at: number): Zone => {
        const again = parseTzif(readFileSync(join(ZONEINFO, 'Africa/Casablanca')), '');
        assert.ok(again && Number.isInteger(at));
        return again;
      };
      for (const at of questions) {
        assert.equal(zone.offsetAt(at), fresh(at).offsetAt(at));
        const next = zone.nextTransition(at);
        assert.equal(next, fresh(at).nextTransition(at));
        if (next !== null)
          assert.ok(
            next > at && zone.offsetAt(next) !== zone.offsetAt(at) && zone.offsetAt(next - 1) === zone.offsetAt(at),
          );
      }
    }),
  );
});
