import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldName, journalEntry } from '../../../src/log/journal-entry.ts';
import { makeRecord } from '../../../src/log/record.ts';
import { jsonFormatter, priorityFormatter, terminalFormatter, textFormatter } from '../../../src/log/text.ts';
import { LEVELS, type Level, type LogEvent, type LogFields } from '../../../src/types.ts';
import { runs } from '../../helpers/runs.ts';

const head = (level: Level, event: LogEvent) => ({ level, time: 0, event, session: 'S1' }) as const;
const entryOf = (fields: LogFields, event: LogEvent = 'log', level: Level = 'info'): readonly string[] =>
  journalEntry(makeRecord(head(level, event), fields), 'fated');
/** Name and value of each field. */
const split = (entry: readonly string[]): [string, string][] =>
  entry.map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]);
const messageOf = (fields: LogFields, event?: LogEvent): string | undefined => split(entryOf(fields, event))[0]?.[1];

test('the end of a run is an entry with the fields of SPEC 10, its length in microseconds', () => {
  const journal = { message: 'OK in 23ms', lengths: { duration: 23.4567 } };
  const fields = {
    task: 'ping',
    run: 'R1',
    status: 'OK',
    exitcode: 0,
    duration: '23ms',
    result: ['/a', '/b'],
    journal,
  };
  assert.deepEqual(entryOf(fields, 'ended'), [
    'MESSAGE=ping: OK in 23ms',
    'PRIORITY=6',
    'SYSLOG_IDENTIFIER=fated',
    'FATE_EVENT=ended',
    'FATE_SESSION=S1',
    'FATE_TASK=ping',
    'FATE_RUN_ID=R1',
    'FATE_STATUS=OK',
    'FATE_EXITCODE=0',
    'FATE_RESULT=["/a","/b"]',
    'FATE_DURATION_USEC=23457',
  ]);
});

test('levels have the priorities of syslog(3)', () => {
  const priorities = LEVELS.map((level) => entryOf({ msg: 'x' }, 'log', level)[1]);
  assert.deepEqual(priorities, ['PRIORITY=7', 'PRIORITY=6', 'PRIORITY=4', 'PRIORITY=3', 'PRIORITY=2']);
  const line = priorityFormatter(textFormatter({ numbered: false }));
  assert.deepEqual(
    LEVELS.map((level) => line(makeRecord(head(level, 'log'), {})).slice(0, 8)),
    ['<7>time=', '<6>time=', '<4>time=', '<3>time=', '<2>time='],
  );
});

test('what a task says is the message as it is, of any number of lines; what is said of one begins with its name', () => {
  assert.equal(messageOf({ msg: 'one\ntwo\n\0', task: 'ping' }), 'one\ntwo\n\0');
  assert.equal(messageOf({ msg: 'it is full', task: 'ping' }, 'result'), 'ping: it is full');
  assert.equal(messageOf({ msg: 'fated schedules' }, 'start'), 'fated schedules');
});

test('a record without a message has its text as one, else what there is to say', () => {
  assert.equal(messageOf({ task: 'ping', own: { a: 1 }, journal: { message: 'a = 1' } }), 'a = 1');
  const fields = { task: 'ping', nothing: null, pid: 7, own: { 'a b': 'c' } };
  assert.equal(messageOf(fields, 'started'), 'ping: started pid=7 "a b"="c"');
});

test('fields of a task are text as it is, also of several lines, and JSON for what has parts', () => {
  const own = {
    text: 'a\nb=c',
    list: [1, { b: 'ü' }],
    number: 1.5,
    big: 2n ** 70n,
    nan: Number.NaN,
    yes: true,
    when: new Date(0),
    bytes: Buffer.from('hello'),
    nothing: null,
    gone: undefined,
    nested: { nothing: null },
  };
  assert.deepEqual(entryOf({ msg: 'm', own }).slice(5), [
    'FATE_FIELD_TEXT=a\nb=c',
    'FATE_FIELD_LIST=[1,{"b":"ü"}]',
    'FATE_FIELD_NUMBER=1.5',
    `FATE_FIELD_BIG=${2n ** 70n}`,
    'FATE_FIELD_NAN=NaN',
    'FATE_FIELD_YES=true',
    'FATE_FIELD_WHEN=1970-01-01T00:00:00.000Z',
    'FATE_FIELD_BYTES=aGVsbG8=',
    'FATE_FIELD_NESTED={"nothing":null}',
  ]);
});

test('names that become the same one are all kept', () => {
  const entry = entryOf({ msg: 'm', own: { 'user-id': 1, user_id: 2, UserID: 3 } });
  assert.deepEqual(entry.slice(5), ['FATE_FIELD_USER_ID=1', 'FATE_FIELD_USER_ID=2', 'FATE_FIELD_USERID=3']);
});

test('what is beyond a hundred fields comes together as JSON', () => {
  const own = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`f${n}`, n]));
  const fields = split(entryOf({ msg: 'm', own })).slice(5);
  assert.equal(fields.length, 101);
  assert.deepEqual(fields[99], ['FATE_FIELD_F99', '99']);
  const [name, rest] = fields[100] ?? [];
  assert.equal(name, 'FATE_FIELDS');
  assert.deepEqual(Object.values(JSON.parse(rest ?? '')), Object.values(own).slice(100));
});

test('lines have nothing of what is for the journal alone', () => {
  const record = makeRecord(head('info', 'ended'), { journal: { message: 'secret', lengths: { duration: 1 } } });
  for (const format of [textFormatter({ numbered: true }), jsonFormatter(), terminalFormatter({})]) {
    assert.doesNotMatch(format(record), /secret|journal|usec/i);
  }
});

const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.date({ noInvalidDate: false }),
    fc.constantFrom(null, undefined),
    fc.array(tie('value')),
    tie('mapping'),
  ),
  mapping: fc.dictionary(fc.string({ unit: 'binary', maxLength: 80 }), tie('value')),
})).mapping;

test("whatever a task writes, each field is one that the journal takes, and none of it is the scheduler's", () => {
  fc.assert(
    fc.property(anything, fc.string({ unit: 'binary' }), (own, msg) => {
      const plain = split(entryOf({ task: 'ping', run: 'R', msg, size: 5 }));
      const entry = split(entryOf({ task: 'ping', run: 'R', msg, size: 5, own: own as Record<string, unknown> }));
      // systemd.journal-fields(7): capitals, digits and `_`, of which the first begins no name, nor does a digit.
      for (const [name] of entry) assert.match(name, /^[A-Z][A-Z0-9_]{0,63}$/);
      assert.deepEqual(entry.slice(0, plain.length), plain);
      for (const [name] of entry.slice(plain.length)) assert.match(name, /^FATE_FIELD/);
    }),
    runs(200),
  );
});

test('names of ASCII letters, digits and _ stay what they are, in capitals', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9_]{1,53}$/), (name) => {
      assert.equal(fieldName('FATE_FIELD_', name), `FATE_FIELD_${name.toUpperCase()}`);
    }),
    runs(200),
  );
  assert.equal(fieldName('FATE_FIELD_', 'größe 😀.x'), 'FATE_FIELD_GR__E___X');
});
