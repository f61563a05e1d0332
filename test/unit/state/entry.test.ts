import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeEntry, encodeEntry } from '../../../src/state/entry.ts';
import { type Ending, type Entry, SKIP_REASONS } from '../../../src/types.ts';
import { runs } from '../../helpers/runs.ts';
import { ended, planned } from './stores.ts';

const PHASES = ['planned', 'waiting', 'started', 'retry', 'ended', 'skipped'] as const;
const STATUSES = ['OK', 'Retry', 'Error', 'Killed', 'Terminated', 'Signaled', 'Timeout', 'Failed', 'Lost'] as const;
const ENDED_BY = ['itself', 'timeout', 'stop', 'kill', 'replace', 'limit', 'lost'] as const;
const WAITED_FOR = ['tenancy', 'patience', 'mutex', 'overlap', 'room'] as const;

const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
const text = fc.string({ unit: 'binary', maxLength: 20 });
const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
const instant = fc.integer({ min: -8.64e15, max: 8.64e15 });
const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });

const attemptEnd: fc.Arbitrary<Ending> = record<Ending>({
  attempt: fc.integer({ min: 1, max: 1000 }),
  startedAt: instant,
  endedAt: instant,
  duration: whole,
  status: fc.constantFrom(...STATUSES),
  code: maybe(fc.nat(255)),
  signal: maybe(name),
  endedBy: fc.constantFrom(...ENDED_BY),
  reason: maybe(text),
  memory: maybe(whole),
  cpu: maybe(whole),
});

const entries: fc.Arbitrary<Entry> = record<Entry>({
  id: name,
  task: name,
  due: instant,
  first: instant,
  count: fc.integer({ min: 1, max: 10_000 }),
  phase: fc.constantFrom(...PHASES),
  attempt: fc.integer({ min: 1, max: 1000 }),
  plannedAt: instant,
  absent: fc.constantFrom(null, 'off' as const, 'clock' as const),
  inTurn: fc.boolean(),
  byHand: fc.boolean(),
  queuedAt: maybe(instant),
  waited: maybe(record({ for: fc.constantFrom(...WAITED_FOR), who: fc.array(text, { maxLength: 5 }) })),
  startedAt: maybe(instant),
  pid: maybe(fc.integer({ min: 1, max: 4_194_304 })),
  retryAt: maybe(instant),
  ending: maybe(attemptEnd),
  earlier: fc.array(attemptEnd, { maxLength: 20 }),
  skipped: maybe(record({ reason: fc.constantFrom(...SKIP_REASONS), detail: text, at: instant })),
  results: fc.array(record({ path: name, label: text, ext: text, size: whole }), { maxLength: 4 }),
  resultCount: whole,
  stdoutBytes: whole,
  left: whole,
  kept: maybe(name),
}).map((entry) => ({
  ...entry,
  first: Math.min(entry.first, entry.due),
  resultCount: Math.max(entry.resultCount, entry.results.length),
}));

/** Every field has the type that types.ts says, and none is missing or unknown. */
function assertSound(entry: Entry): void {
  assert.deepEqual(Object.keys(entry), Object.keys(planned('x')));
  const instants = [entry.due, entry.first, entry.plannedAt, entry.queuedAt, entry.startedAt, entry.retryAt];
  const ends = [...entry.earlier, ...(entry.ending ? [entry.ending] : [])];
  for (const end of ends) {
    assert.ok(STATUSES.includes(end.status) && ENDED_BY.includes(end.endedBy));
    assert.ok(Number.isSafeInteger(end.attempt) && end.attempt >= 1);
    assert.ok(Number.isSafeInteger(end.duration) && end.duration >= 0);
    assert.ok(end.code === null || (Number.isSafeInteger(end.code) && end.code >= 0));
    for (const words of [end.signal, end.reason]) assert.ok(words === null || typeof words === 'string');
    instants.push(end.startedAt, end.endedAt);
  }
  if (entry.skipped !== null) {
    assert.ok(SKIP_REASONS.includes(entry.skipped.reason) && typeof entry.skipped.detail === 'string');
    instants.push(entry.skipped.at);
  }
  for (const at of instants) if (at !== null) assert.ok(!Number.isNaN(new Date(at).getTime()) && Number.isInteger(at));
  for (const words of [entry.id, entry.task]) assert.ok(typeof words === 'string' && words !== '');
  for (const [value, least] of [
    [entry.count, 1],
    [entry.attempt, 1],
    [entry.resultCount, entry.results.length],
    [entry.stdoutBytes, 0],
    [entry.left, 0],
    [entry.pid ?? 1, 1],
  ] as const) {
    assert.ok(Number.isSafeInteger(value) && value >= least);
  }
  assert.ok(PHASES.includes(entry.phase) && entry.first <= entry.due);
  assert.ok([null, 'off', 'clock'].includes(entry.absent));
  assert.ok(entry.kept === null || typeof entry.kept === 'string');
  if (entry.waited !== null) {
    assert.ok(WAITED_FOR.includes(entry.waited.for) && entry.waited.who.length <= 5);
    assert.ok(entry.waited.who.every((who) => typeof who === 'string'));
  }
  assert.equal(typeof entry.byHand, 'boolean');
  for (const { memory, cpu } of [...entry.earlier, ...(entry.ending === null ? [] : [entry.ending])]) {
    for (const used of [memory ?? 0, cpu ?? 0]) assert.ok(Number.isSafeInteger(used) && used >= 0);
  }
  assert.ok(entry.earlier.length <= 20 && entry.results.length <= 100);
  for (const { path, label, ext, size } of entry.results) {
    assert.ok([path, label, ext].every((words) => typeof words === 'string'));
    assert.ok(Number.isSafeInteger(size) && size >= 0);
  }
}

test('whatever an entry holds comes back as it was, from one line', () => {
  fc.assert(
    fc.property(entries, (entry) => {
      const line = encodeEntry(entry);
      assert.ok(!line.includes('\n'));
      assert.deepEqual(decodeEntry(line), entry);
      assert.deepEqual(decodeEntry(`${line}\n`), entry);
      assertSound(entry);
    }),
    runs(300),
  );
});

test('what is null, empty or the default is left out', () => {
  const due = 1_763_000_000_000;
  assert.equal(encodeEntry(planned('r1')), `{"v":1,"id":"r1","task":"ping","due":${due},"phase":"planned"}`);
  const end = `{"startedAt":${due},"endedAt":${due},"status":"OK","code":0}`;
  assert.equal(
    encodeEntry(ended('r1')),
    `{"v":1,"id":"r1","task":"ping","due":${due},"phase":"ended","ending":${end}}`,
  );
});

test('an entry of an older version that knew four fields is read, with the defaults for the rest', () => {
  fc.assert(
    fc.property(name, name, instant, fc.constantFrom(...PHASES), (id, task, due, phase) => {
      assert.deepEqual(decodeEntry(JSON.stringify({ id, task, due, phase })), planned(id, { task, due, phase }));
    }),
    runs(100),
  );
});

test('an entry of a newer form is read as far as it is understood', () => {
  const newer = {
    v: 7,
    id: 'a',
    task: 't',
    due: 5,
    phase: 'ended',
    ending: { status: 'Vanished', endedAt: 6 },
    mood: {},
  };
  assert.deepEqual(decodeEntry(JSON.stringify(newer)), planned('a', { task: 't', due: 5, phase: 'ended' }));
});

test('no text and no JSON makes it throw, or answer what is no entry', () => {
  const check = (given: string): void => {
    const entry = decodeEntry(given);
    if (entry !== null) assertSound(entry);
  };
  fc.assert(fc.property(text, check), runs(300));
  fc.assert(fc.property(fc.json(), check), runs(300));
  for (const given of ['', 'null', '[]', '7', '"x"', '{', '{}', '['.repeat(100_000)])
    assert.equal(decodeEntry(given), null);
});

test('a valid entry that was mutated is repaired or refused, and never has a field of a wrong type', () => {
  const odd = [
    'null',
    '-1',
    '1e400',
    '-1e400',
    '0.5',
    '1e300',
    '""',
    '"NaN"',
    '[]',
    '{}',
    'true',
    '[null,1,{"a":1}]',
    '{"__proto__":1}',
  ];
  const parts = [
    ...Object.keys(planned('x')),
    'v',
    '__proto__',
    'constructor',
    'toString',
    'status',
    'endedAt',
    'who',
    'at',
    'size',
  ];
  const mutation = record({
    part: fc.constantFrom(...parts),
    value: fc.option(fc.oneof(fc.constantFrom(...odd), fc.json())),
  });
  let read = 0;
  fc.assert(
    fc.property(entries, fc.array(mutation, { minLength: 1, maxLength: 4 }), (entry, mutations) => {
      // By text, since JSON.stringify would not write 1e400 or an own __proto__.
      let line = encodeEntry(entry);
      for (const { part, value } of mutations) {
        const dropped = new RegExp(`"${part}":(-?\\d+|"[^"\\\\]*"|null)`);
        if (value === null) line = line.replace(new RegExp(`,${dropped.source}`), '');
        else if (dropped.test(line)) line = line.replace(dropped, () => `"${part}":${value}`);
        else line = line.replace(/\}$/, () => `,"${part}":${value}}`);
      }
      const decoded = decodeEntry(line);
      if (decoded === null) return;
      read += 1;
      assertSound(decoded);
      // What was read is written so that it is read again the same.
      assert.deepEqual(decodeEntry(encodeEntry(decoded)), decoded);
    }),
    runs(1000),
  );
  assert.ok(read > 100, `only ${read} of them could be read`);
  assert.equal(({} as Record<string, unknown>).a, undefined);
});
