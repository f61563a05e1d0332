process.env.TZ = 'Europe/Berlin';

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { makeRecord } from '../../../src/log/record.ts';
import { jsonFormatter, terminalFormatter, textFormatter } from '../../../src/log/text.ts';
import type { Level, LogFields } from '../../../src/types.ts';

const TIME = Date.UTC(2026, 10, 22, 19, 13, 0, 45);
const head = (level: Level) => ({ level, time: TIME, event: 'ended', session: 'S1' }) as const;

const line = (fields: LogFields, level: Level = 'info'): string =>
  textFormatter({ numbered: false })(makeRecord(head(level), fields));
const json = (fields: LogFields): Record<string, unknown> => {
  const text = jsonFormatter()(makeRecord(head('info'), fields));
  assert.match(text, /^[^\n]*\n$/);
  return JSON.parse(text);
};

/** The fields that a task wrote, read back from a line. */
function readBack(text: string): Record<string, unknown> {
  assert.match(text, /^[^\n]*\n$/);
  return parse(splitFields(text.slice(0, -1)).join('\n'), { integersAsBigInt: 'asNeeded' });
}

/** Splits at the spaces that stand in no string: what lists and tables hold has none. */
function splitFields(text: string): string[] {
  return text.match(/(?:"(?:[^"\\]|\\.)*"|[^" ])+/g) ?? [];
}

test('a line is as in SPEC 10: what is known of the record, its message, then the rest in order', () => {
  assert.equal(
    line({ task: 'ping', run: 'R1', status: 'OK', exitcode: 0, duration: '2ms' }),
    'time="2026-11-22T20:13:00.045+01:00" level="info" event="ended" session="S1" task="ping" run="R1" ' +
      'status="OK" exitcode=0 duration="2ms"\n',
  );
  assert.equal(
    line({ late: 1.5, msg: 'said', run: 'R1', gone: undefined, task: 'ping' }, 'warning'),
    'time="2026-11-22T20:13:00.045+01:00" level="warning" event="ended" session="S1" task="ping" run="R1" ' +
      'msg="said" late=1.5\n',
  );
});

test('who reads stderr and is no terminal gets the level as a number in front', () => {
  const numbers = (['debug', 'info', 'warning', 'error', 'critical'] as const).map((level) =>
    textFormatter({ numbered: true })(makeRecord(head(level), {})).slice(0, 9),
  );
  assert.deepEqual(numbers, ['<1> time=', '<2> time=', '<3> time=', '<4> time=', '<5> time=']);
});

test('values are as in TOML', () => {
  const own = {
    int: 42,
    float: 0.1,
    small: 1e-7,
    big: 2 ** 60,
    huge: 1e300,
    exact: 2n ** 60n,
    over: 2n ** 70n,
    inf: Number.NEGATIVE_INFINITY,
    nan: Number.NaN,
    zero: -0,
    yes: true,
    date: new Date('2026-01-02T03:04:05.678Z'),
    wrong: new Date(Number.NaN),
    list: [1, 'a b', [true], null],
    table: { a: 1, 'b c': { d: '"' }, left: null, out: undefined },
    bytes: Buffer.from('hello'),
    map: new Map([['k', 1]]),
    nothing: null,
    error: new Error('why'),
    'a key': 1,
    '': 2,
    'bare-key_1': 3,
  };
  assert.equal(
    line({ own }).slice(line({}).length - 1),
    ' int=42 float=0.1 small=1e-7 big=1152921504606847000.0 huge=1e+300 exact=1152921504606846976 ' +
      'over="1180591620717411303424" inf=-inf nan=nan zero=-0.0 yes=true date=2026-01-02T03:04:05.678Z ' +
      'wrong="Invalid Date" list=[1,"a b",[true],"null"] table={a=1,"b c"={d="\\""}} bytes="aGVsbG8=" map={k=1} ' +
      'error="why" "a key"=1 ""=2 bare-key_1=3\n',
  );
});

test('a record is one line, and no control character of it reaches a terminal', () => {
  const nasty = 'a\nb\r\u001b[31m\u009b2J\u2028\u0085\u007f\u0000"\\';
  const text = line({ msg: nasty, own: { [nasty]: [nasty, { [nasty]: nasty }] } });
  assert.match(text, /^[^\n]*\n$/);
  assert.doesNotMatch(text.slice(0, -1), /[\x00-\x1f\x7f-\x9f\u2028]/);
  assert.equal(readBack(text).msg, nasty);
  for (const env of [{ TERM: 'xterm', LANG: 'C.UTF-8' }, { TERM: 'dumb' }]) {
    const shown = terminalFormatter(env)(
      makeRecord(head('info'), { msg: nasty, task: nasty, own: { [nasty]: nasty } }),
    );
    assert.doesNotMatch(shown.replaceAll(/\x1b\[[\d;]*m/g, '').slice(0, -1), /[\x00-\x1f\x7f-\x9f\u2028]/);
  }
});

test("a task's fields never overwrite the scheduler's", () => {
  const own = { time: 1, level: 'x', event: 2, session: 3, task: 4, run: 5, status: 6, msg: 'mine', free: 7 };
  const read = json({ task: 'ping', run: 'R1', msg: 'text', status: 'OK', own });
  assert.deepEqual(read, {
    time: '2026-11-22T20:13:00.045+01:00',
    level: 'info',
    event: 'ended',
    session: 'S1',
    task: 'ping',
    run: 'R1',
    msg: 'text',
    status: 'OK',
    task_time: 1,
    task_level: 'x',
    task_event: 2,
    task_session: 3,
    task_task: 4,
    task_run: 5,
    task_status: 6,
    task_msg: 'mine',
    free: 7,
  });
});

test('a message of the task stays its message where the scheduler has none, and two of its names never become one', () => {
  assert.equal(json({ own: { msg: 'mine' } }).msg, 'mine');
  const read = json({ own: { time: 1, task_time: 2, task_task_time: 3 } });
  assert.equal(read.task_time, 2);
  assert.equal(read.task_task_time, 3);
  assert.equal(read.task_task_task_time, 1);
});

test('JSON keeps null, and any text', () => {
  const own = { nothing: null, list: [null, Number.NaN], when: new Date(0), big: 2n ** 70n, 'ä\n': 'ü\u001b' };
  const read = json({ own });
  assert.equal(read.nothing, null);
  assert.deepEqual(read.list, [null, null]);
  assert.equal(read.when, '1970-01-01T00:00:00.000Z');
  assert.equal(read.big, 2 ** 70);
  assert.equal(read['ä\n'], 'ü\u001b');
});

test('at a terminal a person reads the time of day, a symbol, what happened and the rest', () => {
  const record = makeRecord(head('error'), { task: 'ping', run: 'R1', msg: 'said "so"', status: 'Error' });
  assert.equal(
    terminalFormatter({ TERM: 'dumb' })(record),
    '20:13:00 x ended ping said \\"so\\" status="Error" run="R1"\n',
  );
  assert.equal(
    terminalFormatter({ TERM: 'xterm', NO_COLOR: '1', LANG: 'de_DE.utf8' })(record),
    '20:13:00 ✖ ended ping said \\"so\\" status="Error" run="R1"\n',
  );
  const coloured = terminalFormatter({ TERM: 'xterm', LC_ALL: 'C.UTF-8', NO_COLOR: '' })(record);
  assert.match(coloured, /^\x1b\[90m20:13:00\x1b\[0m \x1b\[31m✖\x1b\[0m ended \x1b\[1mping\x1b\[0m said/);
  assert.match(terminalFormatter({ TERM: 'xterm', LC_ALL: 'C', LANG: 'C.UTF-8' })(record), /\x1b\[31mx\x1b\[0m/);
});

test('aliases that blow up do not blow up the record', () => {
  let value: unknown = 'lol';
  for (let i = 0; i < 40; i += 1) value = [value, value];
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  for (const own of [{ value }, cycle, { list: Array.from({ length: 2_000_000 }, () => 1) }]) {
    assert.ok(line({ own, status: 'OK' }).length < 600_000);
    json({ own });
  }
});

test('times have the offset of their own instant', () => {
  const at = (time: number): string => textFormatter({ numbered: false })(makeRecord({ ...head('info'), time }, {}));
  assert.match(at(Date.UTC(2026, 6, 1)), /^time="2026-07-01T02:00:00\.000\+02:00"/);
  assert.match(at(Date.UTC(2026, 9, 25, 0, 59, 59, 999)), /^time="2026-10-25T02:59:59\.999\+02:00"/);
  assert.match(at(Date.UTC(2026, 9, 25, 1)), /^time="2026-10-25T02:00:00\.000\+01:00"/);
});

const names = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__proto__');
const leaf = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text).toString()),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true }),
);
const { fields: tree } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value')), tie('fields')),
  fields: fc.dictionary(names, tie('value')),
}));

/** As TOML readers give them: a table has no prototype to speak of, an integral float is an integer here. */
function comparable(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return `date ${value.toISOString()}`;
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, item]) => [key, comparable(item)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

test('the fields of a line, read as TOML, are the fields that were written', () => {
  fc.assert(
    fc.property(tree, (own) => {
      const text = line({ own: { field: own, ...(own as object) } });
      const free = makeRecord(head('info'), { own: { field: own, ...(own as object) } });
      const read = readBack(text);
      for (const [name, value] of free.own) assert.deepEqual(comparable(read[name]), comparable(value));
      assert.equal(Object.keys(read).length, free.own.length + 4);
    }),
  );
});
