process.env.TZ = 'Europe/Berlin';

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { journalEntry } from '../../../src/log/journal-entry.ts';
import { makeRecord } from '../../../src/log/record.ts';
import { textFormatter } from '../../../src/log/text.ts';
import { reportEvent, reportSummary } from '../../../src/scheduler/report.ts';
import type { Exit, Level, LogEvent, LogFields, Logger, Run, TaskEvent } from '../../../src/types.ts';
import { makeTask } from '../../helpers/tasks.ts';

const DUE = Date.UTC(2026, 10, 22, 19, 13);
const RUN: Run = { id: 'R1', task: makeTask('ping'), due: DUE, attempt: 1, collapsed: 0 };
const EXIT: Exit = {
  ...{ code: 0, signal: null, endedBy: 'itself', limit: null, failure: null, pid: 47, startedAt: DUE, endedAt: DUE },
  ...{ duration: 23.4, stdoutBytes: 0, stdoutError: null, state: null, stderrDropped: 0, left: 0 },
  usage: { memory: null, cpu: null, outOfMemory: 0 },
};

/** What the journal and a line get of what the scheduler tells. */
function tell(report: (logger: Logger) => void): { entry: readonly string[]; line: string } {
  const told: { entry: readonly string[]; line: string }[] = [];
  report({
    enabled: () => true,
    close: async () => {},
    log(level: Level, event: LogEvent, fields: LogFields) {
      const record = makeRecord({ level, time: DUE, event, session: 'S' }, fields);
      told.push({ entry: journalEntry(record, 'fated'), line: textFormatter({ numbered: false })(record) });
    },
  });
  assert.equal(told.length, 1);
  return told[0] ?? { entry: [], line: '' };
}
const messageOf = (event: TaskEvent): string | undefined => tell((logger) => reportEvent(logger.log, event)).entry[0];

function ended(
  changes: Partial<Extract<TaskEvent, { type: 'ended' }>>,
  exit: Partial<Exit> = {},
  run = RUN,
): TaskEvent {
  const event = { type: 'ended', run, status: 'OK', level: 'info', results: [], reason: null, retryAt: null } as const;
  return { ...event, stdout: '', stderr: '', exit: { ...EXIT, ...exit }, ...changes };
}

test('the end of a run: a sentence and microseconds for the journal, words for a line', () => {
  const { entry, line } = tell((logger) => reportEvent(logger.log, ended({})));
  assert.equal(entry[0], 'MESSAGE=ping: OK in 23ms');
  for (const field of ['FATE_TASK=ping', 'FATE_RUN_ID=R1', 'FATE_EVENT=ended', 'FATE_STATUS=OK', 'FATE_EXITCODE=0']) {
    assert.ok(entry.includes(field), field);
  }
  assert.ok(entry.includes('FATE_DURATION_USEC=23400'));
  assert.match(line, / status="OK" exitcode=0 duration="23ms" /);
  assert.doesNotMatch(line, /journal|OK in/);
});

test('what a person reads of a run that ended says how', () => {
  const cases: readonly [TaskEvent, string][] = [
    [ended({ status: 'Error' }, { code: 3, duration: 1500 }), 'Error after 1.5s, exit status 3'],
    [ended({}, { code: 7 }), 'OK in 23ms, exit status 7'],
    [
      ended({ status: 'Killed', reason: 'out of memory' }, { code: null, signal: 'SIGKILL' }),
      'Killed after 23ms, SIGKILL: out of memory',
    ],
    [ended({ status: 'Failed', reason: 'no such program' }, { code: null, pid: null }), 'Failed: no such program'],
    [
      ended({ status: 'Retry', retryAt: DUE + 30_000 }, { code: 42 }, { ...RUN, attempt: 2 }),
      'Retry after 23ms, exit status 42, attempt 2; tried again at 2026-11-22T20:13:30+01:00',
    ],
  ];
  for (const [event, said] of cases) assert.equal(messageOf(event), `MESSAGE=ping: ${said}`);
});

test('what a person reads of a start, of what was skipped and of a pass', () => {
  const start = { type: 'started', run: RUN, at: DUE + 40, pid: 47 } as const;
  assert.equal(messageOf(start), 'MESSAGE=ping: started, pid 47');
  const { entry } = tell((logger) => reportEvent(logger.log, start));
  assert.ok(entry.includes('FATE_LATE_USEC=40000'));
  assert.equal(
    messageOf({ ...start, run: { ...RUN, attempt: 2, collapsed: 3 }, at: DUE + 65_000 }),
    'MESSAGE=ping: started, pid 47, 1m5s late, attempt 2, for 4 due times',
  );
  const skipped = { type: 'skipped', id: 'R1', task: 'ping', due: DUE, level: 'info', detail: 'it is paused' } as const;
  assert.equal(
    messageOf({ ...skipped, count: 1, reason: 'paused' }),
    'MESSAGE=ping: skipped, due at 2026-11-22T20:13:00+01:00: it is paused',
  );
  assert.equal(
    messageOf({ ...skipped, count: 5, reason: 'missed' }),
    'MESSAGE=ping: missed, 5 due times until 2026-11-22T20:13:00+01:00: it is paused',
  );
  const pass = (executions: number, failures: number): string | undefined =>
    tell((logger) => reportSummary(logger.log, { executions, failures, next: { task: 'ping', at: DUE } })).entry[0];
  assert.equal(pass(3, 1), 'MESSAGE=3 runs, 1 of them not OK; next is ping at 2026-11-22T20:13:00+01:00');
  assert.equal(pass(1, 1), 'MESSAGE=1 run, not OK; next is ping at 2026-11-22T20:13:00+01:00');
});
