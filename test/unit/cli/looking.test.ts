/** What `fate status` and `fate list` make of the ledger, without a daemon. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedStatus, textOf } from '../../../src/cli/daemon-status.ts';
import type { Recorded } from '../../../src/cli/recorded.ts';
import { recordedList } from '../../../src/cli/task-list.ts';
import { FateError } from '../../../src/errors.ts';
import { createZoneSource } from '../../../src/platform/zone-files.ts';
import type { Configuration, Entry } from '../../../src/types.ts';
import { every, makeTask } from '../../helpers/tasks.ts';
import { DUE, makeEnding, makeEntry, makeLedger } from './ledgers.ts';

const NOW = DUE + 30_000;
const zones = createZoneSource();

function recordedOf(entries: readonly Entry[]): Recorded {
  const tasks = [
    makeTask('backup', { schedule: every(3_600_000) }),
    makeTask('ping'),
    makeTask('off', { enabled: false }),
  ];
  const configuration = { files: ['/c/tasks.toml'], tasks, invalid: [] } as unknown as Configuration;
  return { folder: '/nowhere', ledger: makeLedger(entries), configuration, failure: null, zones };
}

const ENTRIES = [
  makeEntry({ id: 'ok', due: DUE - 60_000 }),
  makeEntry({ id: 'waits', task: 'ping', phase: 'waiting', ending: null, waited: { for: 'tenancy', who: ['backup'] } }),
  makeEntry({
    id: 'again',
    phase: 'retry',
    attempt: 2,
    retryAt: NOW + 20_000,
    ending: makeEnding({ status: 'Error' }),
  }),
  makeEntry({ id: 'goes', phase: 'started', ending: null, startedAt: DUE + 5, pid: 4711 }),
  makeEntry({ id: 'soon', due: NOW + 2_000, phase: 'planned', ending: null }),
];

test('without a scheduler the status tells what waits for the next one, and what the last one left', () => {
  const shown = recordedStatus(recordedOf(ENTRIES), null, NOW);
  assert.deepEqual(
    [shown.running, shown.waiting.map(({ run }) => run), shown.unsettled?.map(({ run }) => run)],
    [[], ['waits', 'again'], ['goes']],
  );
  assert.deepEqual(shown.next, { task: 'ping', at: '2026-11-22T02:01:00.000Z' });
  const text = textOf(shown, zones, NOW);
  assert.match(text, /^scheduler {2}no scheduler runs this configuration$/m);
  assert.match(text, /^unsettled {2}backup goes was going when the scheduler ended; the next start settles it$/m);
  assert.match(text, /^ping +waiting +30s +waits +for tenancy \(backup\)$/m);
  assert.match(text, /^backup +retry +- +again +attempt 2; in 20s$/m);
});

test('beside a pass the status tells what goes', () => {
  const shown = recordedStatus(recordedOf(ENTRIES), { pid: 7, program: 'fates', run: '/run/run-7' }, NOW);
  assert.deepEqual([shown.program, shown.pid, shown.unsettled], ['fates', 7, undefined]);
  assert.deepEqual(
    shown.running.map(({ run, pid, started }) => [run, pid, started]),
    [['goes', 4711, '2026-11-22T02:00:00.005Z']],
  );
  assert.match(textOf(shown, zones, NOW), /^backup +running +30s +goes +process 4711$/m);
});

test('the list tells what became of the last due time, and counts what waits', () => {
  const { rows } = recordedList(recordedOf(ENTRIES), NOW);
  assert.deepEqual(
    rows.map(({ task, state, next, running, waiting, last }) => [task, state, next, running, waiting, last?.status]),
    [
      ['backup', 'enabled', '2026-11-22T03:00:00.000Z', 0, 1, 'OK'],
      ['ping', 'enabled', '2026-11-22T02:01:00.000Z', 0, 1, undefined],
      ['off', 'disabled', null, 0, 0, undefined],
    ],
  );
});

test('a configuration that cannot be read has no tasks to show', () => {
  const failure = new FateError('CONF_SYNTAX', 'no TOML');
  const recorded = { ...recordedOf([]), configuration: null, failure };
  assert.throws(() => recordedList(recorded, NOW), failure);
  assert.throws(() => recordedStatus(recorded, null, NOW), failure);
});

test('without a scheduler what was about to start is unsettled, what is planned for a time to come is not', () => {
  const planned = { phase: 'planned', ending: null } as const;
  const entries = [
    makeEntry({ id: 'hand', due: NOW - 1_000, byHand: true, ...planned }),
    makeEntry({ id: 'came', task: 'ping', due: NOW, ...planned }),
    ...ENTRIES,
  ];
  const shown = recordedStatus(recordedOf(entries), null, NOW);
  assert.deepEqual(
    shown.unsettled?.map(({ run }) => run),
    ['goes', 'hand', 'came'],
  );
  const text = textOf(shown, zones, NOW);
  assert.match(text, /^unsettled {2}backup goes was going when the scheduler ended; the next start settles it$/m);
  assert.match(
    text,
    /^unsettled {2}backup hand was about to start when the scheduler ended; the next start settles it$/m,
  );
  assert.equal(recordedStatus(recordedOf(entries), { pid: 7, program: 'fates', run: '/r' }, NOW).unsettled, undefined);
});
