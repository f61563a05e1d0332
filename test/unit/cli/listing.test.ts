import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryJson } from '../../../src/cli/entry-json.ts';
import { select, wantedBy } from '../../../src/cli/listing.ts';
import { painter } from '../../../src/cli/paint.ts';
import { table } from '../../../src/cli/table.ts';
import { remarksOn } from '../../../src/cli/words.ts';
import { FateError } from '../../../src/errors.ts';
import type { Entry } from '../../../src/types.ts';
import { DUE, makeEnding, makeEntry, makeLedger } from './ledgers.ts';

const HOUR = 3_600_000;
const NOW = DUE + 100 * HOUR;
const hourly = Array.from({ length: 30 }, (_, n) =>
  makeEntry({ id: `run${String(n).padStart(2, '0')}`, due: DUE + n * HOUR, ...(n % 10 === 0 ? failed(n) : {}) }),
);
function failed(n: number): Partial<Entry> {
  return { ending: makeEnding({ status: 'Error', code: n + 1, startedAt: DUE + n * HOUR }) };
}
const ids = (entries: readonly Entry[]): string[] => entries.map(({ id }) => id);

test('the latest twenty are shown, the latest last, and no more of the ledger is read', () => {
  const ledger = makeLedger(hourly);
  assert.deepEqual(ids(select(ledger, wantedBy({}, NOW), NOW)), ids(hourly.slice(-20)));
  assert.equal(ledger.taken, 20);
  assert.deepEqual(ids(select(ledger, wantedBy({ number: '2' }, NOW), NOW)), ['run28', 'run29']);
  assert.equal(select(ledger, wantedBy({ number: 'all' }, NOW), NOW).length, 30);
});

test('--since shows all that was due since then, and reads little more', () => {
  const ledger = makeLedger(hourly);
  const since = new Date(DUE + 5 * HOUR).toISOString();
  assert.deepEqual(ids(select(ledger, wantedBy({ since }, NOW), NOW)), ids(hourly.slice(5)));
  assert.equal(wantedBy({ since: '2h' }, NOW).since, NOW - 2 * HOUR);
  const late = makeLedger(hourly);
  assert.equal(select(late, wantedBy({ since: '72h', number: '3' }, NOW), NOW).length, 2);
  assert.ok(late.taken < 6, `${late.taken}`);
});

test('a run that was made up for long after its due time is not taken for a recent one, nor ends the search', () => {
  const made = makeEntry({ id: 'runzz', due: DUE - 50 * HOUR, plannedAt: DUE + 29 * HOUR });
  const since = new Date(DUE + 28 * HOUR).toISOString();
  assert.deepEqual(ids(select(makeLedger([made, ...hourly]), wantedBy({ since }, NOW), NOW)), ['run28', 'run29']);
});

test('--status takes what a run ended as and what goes on, in any case, several at once', () => {
  const open = makeEntry({ id: 'runzz', due: NOW - 1000, phase: 'started', startedAt: NOW - 900 });
  const retry = makeEntry({ id: 'runzy', due: NOW - 2000, phase: 'retry', attempt: 2 });
  const skip = { reason: 'condition', detail: 'if = false', at: NOW } as const;
  const skipped = makeEntry({ id: 'runzx', due: NOW - 3000, phase: 'skipped', skipped: skip });
  const planned = makeEntry({ id: 'runzw', due: NOW + 1000, phase: 'planned' });
  const ledger = makeLedger([...hourly, open, retry, skipped, planned]);
  const of = (status: string): string[] => ids(select(ledger, wantedBy({ status }, NOW), NOW));
  assert.deepEqual(of('error'), ['run00', 'run10', 'run20']);
  assert.deepEqual(of('ERROR, Running'), ['run00', 'run10', 'run20', 'runzz']);
  assert.deepEqual(of('retry'), ['runzy']);
  assert.deepEqual(of('skipped'), ['runzx']);
  assert.deepEqual(of('planned'), ['runzw']);
  assert.deepEqual(ids(select(ledger, wantedBy({ number: '3' }, NOW), NOW)), ['runzx', 'runzy', 'runzz'], 'no planned');
});

test('what cannot be understood is a usage error that says what is expected', () => {
  const wrong: [Parameters<typeof wantedBy>[0], RegExp][] = [
    [{ status: 'good' }, /--status: expected some of ok, retry, error, .*lost, running.*, found good/],
    [{ status: 'ok,' }, /--status: expected/],
    [{ since: 'yesterday' }, /--since: expected a time such as .* or 2h, found yesterday/],
    [{ number: '0' }, /--number: expected a whole number from 1, or all, found 0/],
    [{ number: '' }, /--number: expected/],
    [{ number: '1.5' }, /--number: expected/],
  ];
  for (const [args, says] of wrong) {
    assert.throws(
      () => wantedBy(args, NOW),
      (error) => error instanceof FateError && error.code === 'USAGE' && says.test(error.message),
      JSON.stringify(args),
    );
  }
});

test('the remarks on an entry say what its columns do not', () => {
  const of = (changes: Partial<Entry>): string => remarksOn(makeEntry(changes), NOW);
  assert.equal(of({}), '');
  assert.equal(of({ ending: makeEnding({ status: 'Error', code: 3 }) }), 'exit status 3');
  const timeout = makeEnding({ status: 'Timeout', code: null, signal: 'SIGTERM', endedBy: 'timeout' });
  assert.equal(of({ ending: timeout, attempt: 2 }), 'SIGTERM, ended by timeout; attempt 2');
  assert.equal(of({ ending: makeEnding({ status: 'Failed', code: null, reason: 'no\nprogram' }) }), 'no program');
  assert.equal(of({ count: 5, absent: 'off', resultCount: 1 }), 'for 5 due times; missed; 1 result');
  const skipped = { reason: 'missed', detail: 'missed: skip', at: NOW } as const;
  assert.equal(of({ phase: 'skipped', skipped, absent: 'off' }), 'missed: missed: skip');
  assert.equal(of({ phase: 'waiting', waited: { for: 'mutex', mutex: 'db', who: ['a', 'b'] } }), 'for mutex db (a, b)');
  assert.equal(of({ byHand: true }), 'by hand');
  const error = makeEnding({ status: 'Error', code: 1 });
  assert.equal(of({ phase: 'retry', attempt: 2, ending: error, retryAt: NOW + 5000 }), 'attempt 1: Error, again in 5s');
});

test('the JSON of an entry has every field, with times in UTC and lengths in milliseconds', () => {
  const earlier = [makeEnding({ status: 'Error', code: 1 })];
  const entry = makeEntry({
    attempt: 2,
    earlier,
    ending: makeEnding({ attempt: 2, startedAt: DUE + 60_000, memory: 4096, cpu: 7 }),
    waited: { for: 'mutex', mutex: 'db', who: ['a'] },
    results: [{ path: '/r.json', label: '', ext: '.json', size: 3 }],
    resultCount: 1,
    stdoutBytes: 3,
  });
  assert.deepEqual(entryJson(entry, 'Europe/Berlin', NOW), {
    run: 'run0',
    task: 'backup',
    phase: 'ended',
    status: 'OK',
    due: '2026-11-22T02:00:00.000Z',
    first: '2026-11-22T02:00:00.000Z',
    count: 1,
    timezone: 'Europe/Berlin',
    by_hand: false,
    planned: '2026-11-22T01:59:57.000Z',
    queued: '2026-11-22T02:00:00.000Z',
    started: '2026-11-22T02:01:00.000Z',
    ended: '2026-11-22T02:01:02.000Z',
    attempt: 2,
    exitcode: 0,
    signal: null,
    ended_by: 'itself',
    reason: null,
    duration_ms: 2000,
    memory: 4096,
    cpu_ms: 7,
    first_started: '2026-11-22T02:00:00.004Z',
    lateness_ms: 4,
    absent: null,
    waited: { for: 'mutex', mutex: 'db', who: ['a'], ms: 4 },
    skipped: null,
    retry: null,
    earlier: [
      {
        attempt: 1,
        started: '2026-11-22T02:00:00.004Z',
        ended: '2026-11-22T02:00:02.004Z',
        status: 'Error',
        exitcode: 1,
        signal: null,
        ended_by: 'itself',
        reason: null,
        duration_ms: 2000,
        memory: null,
        cpu_ms: null,
      },
    ],
    pid: null,
    results: [{ path: '/r.json', label: '', ext: '.json', size: 3 }],
    result_count: 1,
    sizes: { stdout: 3 },
    left: 0,
    kept: null,
  });
  const running = entryJson(
    makeEntry({ phase: 'started', attempt: 2, startedAt: NOW - 500, ending: earlier[0] ?? null }),
    null,
    NOW,
  );
  assert.deepEqual(
    [running.status, running.ended, running.exitcode, running.duration_ms, (running.earlier as unknown[]).length],
    ['running', null, null, 500, 1],
  );
});

test('colour is for terminals, and not where NO_COLOR or TERM=dumb says no', () => {
  assert.equal(painter({ isTTY: true }, {})('OK'), '\u001b[32mOK\u001b[39m');
  assert.equal(painter({ isTTY: true }, {})('Lost'), '\u001b[31mLost\u001b[39m');
  assert.equal(painter({ isTTY: true }, { NO_COLOR: '1' })('OK'), 'OK');
  assert.equal(painter({ isTTY: true }, { TERM: 'dumb' })('OK'), 'OK');
  assert.equal(painter({}, {})('OK'), 'OK');
});

test('colour takes no room in a table, and is ended also where the line is cut', () => {
  const green = '\u001b[32mOK\u001b[39m';
  const rows = [
    [green, 'x'],
    ['Error', 'y'],
  ];
  assert.equal(table(rows, null), `${green}     x\nError  y`);
  assert.equal(table([[green, 'abc']], 3), `${green}…`);
  assert.equal(table([['abc', green]], 4), 'abc\u001b[32m\u001b[39m…');
});
