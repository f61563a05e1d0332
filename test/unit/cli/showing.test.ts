import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMoment, wallOf } from '../../../src/cli/moments.ts';
import { findRun, linesOf, partsOf, whyNoOutput } from '../../../src/cli/showing.ts';
import { FateError } from '../../../src/errors.ts';
import { createZoneSource } from '../../../src/platform/zone-files.ts';
import { formatInstant } from '../../../src/schedule/instant.ts';
import type { Entry } from '../../../src/types.ts';
import { DUE, makeEnding, makeEntry, makeLedger } from './ledgers.ts';

const wall = wallOf('backup', null, createZoneSource({ env: { TZ: 'UTC' } }));

test('a run is found by its id or by the beginning of it, in any case', () => {
  const ledger = makeLedger([makeEntry({ id: '01kf3gaa' }), makeEntry({ id: '01kf3gab' }), makeEntry({ id: '01kf4' })]);
  assert.equal(findRun(ledger, '01KF3GAB').id, '01kf3gab');
  assert.equal(findRun(ledger, '01kf4').id, '01kf4');
  const wrong: [string, RegExp][] = [
    ['01kf3', /several runs have an id that begins with 01kf3: 01kf3gaa, 01kf3gab$/],
    ['01k', /or at least 4 of its characters, found 01k/],
    ['09zzzz', /no run of the id 09zzzz is recorded/],
  ];
  for (const [id, says] of wrong) {
    const usage = (error: unknown): boolean =>
      error instanceof FateError && error.exitStatus === 2 && says.test(error.message);
    assert.throws(() => findRun(ledger, id), usage, id);
  }
  const many = Array.from({ length: 9 }, (_, n) => makeEntry({ id: `0aaaa${n}` }));
  assert.throws(() => findRun(makeLedger(many), '0aaa'), /0aaaa4, …$/);
});

test('a run in full: every attempt, what it waited for, its results, and nothing that there is not', () => {
  const entry = makeEntry({
    attempt: 2,
    earlier: [makeEnding({ status: 'Failed', code: null, reason: 'no\u0007such user' })],
    ending: makeEnding({ attempt: 2, startedAt: DUE + 60_000, memory: 12_900_000, cpu: 1_234 }),
    waited: { for: 'mutex', mutex: 'db', who: ['a', 'b'] },
    results: [{ path: '/data/r.json', label: '', ext: '.json', size: 3 }],
    resultCount: 1,
    stdoutBytes: 3,
  });
  assert.deepEqual(linesOf(entry, wall, DUE + 90_000), [
    ['run', 'run0'],
    ['task', 'backup'],
    ['status', 'OK'],
    ['exit', 'exit status 0'],
    ['due', 'Sun 2026-11-22 02:00:00 +00:00'],
    ['arrived', 'Sun 2026-11-22 02:00:00 +00:00'],
    ['waited', 'for mutex db (a, b), 4ms'],
    ['attempt', '2'],
    ['started', 'Sun 2026-11-22 02:01:00 +00:00'],
    ['late', '4ms'],
    ['ended', 'Sun 2026-11-22 02:01:02 +00:00'],
    ['duration', '2s'],
    ['memory', '12.3 MiB at most'],
    ['cpu', '1.23s'],
    ['attempt 1', 'Sun 2026-11-22 02:00:00 +00:00, 2s: Failed; no\\u0007such user'],
    ['output', '3 bytes'],
    ['result', '/data/r.json (3 bytes)'],
  ]);
});

test('a run that was asked for says so', () => {
  const lines = new Map(linesOf(makeEntry({ byHand: true }), wall, DUE + 90_000));
  assert.equal(lines.get('asked for'), 'Sun 2026-11-22 02:00:00 +00:00');
  assert.equal(lines.has('due'), false);
});

test('what was not run says why, and what it stands for', () => {
  const skipped = { reason: 'missed', detail: 'missed: skip', at: DUE + 60_000 } as const;
  const entry = makeEntry({
    phase: 'skipped',
    skipped,
    count: 3,
    first: DUE - 7_200_000,
    absent: 'off',
    queuedAt: null,
  });
  const lines = new Map(linesOf(entry, wall, DUE + 90_000));
  assert.equal(lines.get('status'), 'skipped');
  assert.equal(lines.get('not run'), 'missed: missed: skip');
  assert.equal(lines.get('stands for'), '3 due times from Sun 2026-11-22 00:00:00 +00:00 on');
  assert.equal(lines.get('missed'), 'no scheduler was running');
  assert.equal(lines.has('started'), false);
});

test('output that is not whole has a mark where the middle is missing, on a line of its own', () => {
  const text = (head: string, tail: string, size: number): string =>
    partsOf({ head: Buffer.from(head), tail: Buffer.from(tail), size })
      .map(String)
      .join('');
  assert.equal(text('abc', 'def', 6), 'abcdef');
  assert.equal(text('abc', 'def', 1006), 'abc\n… 1000 bytes left out …\ndef');
  assert.equal(text('abc\n', 'def', 8), 'abc\n… 1 byte left out …\ndef');
});

test('where no output is kept it is said why, and where it went', () => {
  const of = (changes: Partial<Entry>): string => whyNoOutput(makeEntry(changes));
  const results = [{ path: '/data/r.json', label: '', ext: '.json', size: 3 }];
  assert.match(of({ results, resultCount: 1 }), /its output is its result: \/data\/r.json$/);
  assert.match(of({ results, resultCount: 3 }), /results: \/data\/r.json and 2 more$/);
  assert.match(of({}), /recorded no result/);
  assert.match(of({ phase: 'started' }), /it has not ended \(running\)/);
  assert.match(of({ phase: 'skipped' }), /it was not run/);
  assert.match(of({ ending: makeEnding({ status: 'Lost', code: null }) }), /nothing is kept/);
  assert.match(of({ kept: '/spool/x/stdout' }), /in \/spool\/x\/stdout$/);
});

test('a time reaches as far as it was written', () => {
  const length = (text: string): number | null => {
    const moment = parseMoment(text, null);
    return moment === null ? null : moment.until - moment.from;
  };
  assert.equal(length('2026-11-22'), 86_400_000);
  assert.equal(length('2026-11-22T02'), 3_600_000);
  assert.equal(length('2026-11-22T02:00'), 60_000);
  assert.equal(length('2026-11-22 02:00+01:00'), 60_000);
  assert.equal(length('2026-11-22T02:00Z'), 60_000);
  assert.equal(length('20261122T0200'), 60_000);
  assert.equal(length('02:00'), 60_000);
  assert.equal(length('2026-11-22T02:00:00'), 1_000);
  assert.equal(length('2026-11-22T02:00:00+01:00'), 1_000);
  assert.equal(length('2026-11-22T02:00:00.000Z'), 1);
  assert.equal(length('soon'), null);
});

test('a time is on the wall clock of the task, and what Fate writes can be read back', () => {
  const from = (text: string, zone: string | null): number | undefined => parseMoment(text, zone)?.from;
  const at = Date.UTC(2026, 10, 22, 10);
  assert.equal(from('2026-11-22T02:00', 'America/Los_Angeles'), at);
  assert.equal(from('2026-11-22 02:00:00 -08:00', 'Europe/Berlin'), at);
  const written = formatInstant(at, -8 * 3_600_000, 'America/Los_Angeles');
  assert.equal(written, 'Sun 2026-11-22 02:00:00 -08:00 America/Los_Angeles');
  assert.deepEqual(parseMoment(written, null), { from: at, until: at + 1_000 });
});
