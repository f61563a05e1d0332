import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'smol-toml';
import { headOf, spelling, tomlOf } from '../../../src/log/line.ts';
import { makeRecord } from '../../../src/log/record.ts';
import { jsonFormatter, priorityFormatter, textFormatter } from '../../../src/log/text.ts';
import { runs } from '../../helpers/runs.ts';

const TIME = Date.UTC(2026, 10, 22, 19, 13, 0, 45);
const FORMATS = {
  text: textFormatter({ numbered: false }),
  numbered: textFormatter({ numbered: true }),
  priority: priorityFormatter(textFormatter({ numbered: false })),
  json: jsonFormatter(),
  jsonPriority: priorityFormatter(jsonFormatter()),
};

const text = fc.string({ unit: 'binary' });

test('whatever a record says, its time and task are read again, and no other', () => {
  fc.assert(
    fc.property(
      text,
      fc.option(text, { nil: undefined }),
      text,
      fc.dictionary(text, text),
      (session, task, msg, own) => {
        const record = makeRecord({ level: 'info', time: TIME, event: 'log', session }, { task, msg, own });
        for (const [name, format] of Object.entries(FORMATS)) {
          const head = headOf(format(record).slice(0, -1));
          assert.equal(head?.time, TIME);
          assert.equal(head.format, name.startsWith('json') ? 'json' : 'text');
          assert.equal(head.task, task === undefined ? null : spelling(task, head.format));
        }
      },
    ),
    runs(200),
  );
});

test('what is no record has no head', () => {
  for (const line of ['', 'Segmentation fault', '<3>x', '{"time":1}', 'time="2026" level="info"', '<2> task="ping"']) {
    assert.equal(headOf(line), null, line);
  }
  assert.equal(headOf('time="yesterday" level="info" event="log" session="S" task="t"'), null);
});

test('a line is cut into lines of TOML', () => {
  const own = { 'a key': 'x y', list: [1, 'a b', { c: 'd e' }], quote: '"\\' };
  const record = makeRecord({ level: 'info', time: TIME, event: 'log', session: 'S' }, { msg: 'said "so"', own });
  for (const format of [FORMATS.text, FORMATS.numbered, FORMATS.priority]) {
    const { time, ...fields } = parse(tomlOf(format(record)));
    assert.equal(Date.parse(String(time)), TIME);
    // A table of TOML has no prototype.
    assert.deepEqual(structuredClone(fields), { level: 'info', event: 'log', session: 'S', msg: 'said "so"', ...own });
  }
});
