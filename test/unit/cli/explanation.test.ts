/** `fate why`, case by case: what is known, and what is said of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, type Question } from '../../../src/cli/explanation.ts';
import { describeWaited } from '../../../src/scheduler/waited.ts';
import type { Entry, SkipReason, Task } from '../../../src/types.ts';
import { every, makeTask } from '../../helpers/tasks.ts';
import { DUE, makeEnding, makeEntry } from './ledgers.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const daily = every(24 * HOUR, 2 * HOUR);
const at = (instant: number): string => `<${new Date(instant).toISOString().slice(11, 19)}>`;
const task = (changes: Partial<Task> = {}): Task => makeTask('backup', { schedule: daily, ...changes });

function ask(changes: Partial<Question> = {}): Question {
  return {
    task: 'backup',
    asked: null,
    now: DUE + HOUR,
    entry: null,
    before: null,
    after: null,
    open: [],
    output: false,
    configured: { kind: 'task', task: task() },
    cursor: { fingerprint: daily.fingerprint, seen: DUE + 30 * MINUTE },
    history: { maxRuns: 1000, maxFailures: 1000, maxAge: 90 * 24 * HOUR },
    paused: null,
    scheduler: 'fated (pid 7)',
    at,
    ...changes,
  };
}

const NEXT = 'It is due next at <02:00:00>, in 23h.';
const asked = { from: DUE, until: DUE + 1000 };
const say = (changes: Partial<Question>): readonly string[] => explain(ask(changes)).sentences;
/** What is said of an entry, without the sentence that names it and the one of the next time. */
function told(entry: Partial<Entry>, changes: Partial<Question> = {}): string {
  const sentences = say({ entry: makeEntry(entry), ...changes });
  assert.match(sentences[0] ?? '', /^backup (was|is) due at <\d\d:\d\d:\d\d> \(run0\)[.:]/);
  return sentences
    .slice(1)
    .filter((sentence) => !sentence.startsWith('It is due next at'))
    .join(' ');
}

test('a run on time is told as such, with how it ended and when it is due next', () => {
  const { sentences, next } = explain(ask({ entry: makeEntry({ resultCount: 2 }) }));
  assert.deepEqual(sentences, [
    'backup was due at <02:00:00> (run0).',
    'It started on time, 4ms after that.',
    'It ended OK after 2s, at <02:00:02>, with 2 results.',
    NEXT,
  ]);
  assert.equal(next, DUE + 24 * HOUR);
});

test('a run that was asked for is told as such', () => {
  assert.equal(
    say({ entry: makeEntry({ byHand: true }) })[0],
    'backup was asked for at <02:00:00>, with fate run (run0).',
  );
  const open = makeEntry({ id: 'run1', byHand: true, phase: 'started', startedAt: DUE, due: DUE + MINUTE });
  assert.ok(
    say({ entry: makeEntry(), open: [open] }).includes('Its run run1, asked for at <02:01:00>, has not ended.'),
  );
});

const lateEnding = makeEnding({ startedAt: DUE + 5 * MINUTE });

test('a run that came late says what held it up, and who', () => {
  const cases: [Partial<Entry>, RegExp][] = [
    [{ waited: { for: 'tenancy', who: ['a', 'b'] } }, /5m late.*: tenancy was full: a and b were running, for 5m\./],
    [{ waited: { for: 'tenancy', who: [] } }, /tenancy was full, for 5m\./],
    [{ waited: { for: 'mutex', mutex: 'db', who: ['dump'] } }, /: dump, of the mutex db, was running, for 5m\./],
    [{ waited: { for: 'overlap', who: ['backup'] } }, /an earlier run of the task itself had not ended/],
    [{ waited: { for: 'patience', who: ['x'] } }, /x had waited for longer than scheduling.patience and came first/],
    [{ waited: { for: 'room', who: [] } }, /less than 5 % of the file system of the spool was free/],
    [{ absent: 'off' }, /5m late, at <02:05:00>: no scheduler was running when it was due\./],
    [{ absent: 'clock' }, /the clock jumped over its due time, or the machine slept\./],
    [
      { absent: 'off', queuedAt: DUE + 4 * MINUTE, waited: { for: 'tenancy', who: ['a'] } },
      /no scheduler was running when it was due; then tenancy was full: a was running, for 1m\./,
    ],
    [{}, /nothing is recorded that held it up/],
  ];
  for (const [changes, says] of cases) {
    const configured = { kind: 'task', task: task({ mutex: 'db' }) } as const;
    assert.match(told({ ending: lateEnding, ...changes }, { configured }), says);
  }
});

test('what a later attempt waited for did not hold up the first', () => {
  const entry: Partial<Entry> = {
    attempt: 2,
    earlier: [makeEnding({ status: 'Error', code: 1 })],
    ending: makeEnding({ attempt: 2, startedAt: DUE + HOUR / 2 }),
    queuedAt: DUE + HOUR / 4,
    waited: { for: 'tenancy', who: ['a'] },
  };
  assert.match(told(entry), /^It started on time, 4ms after that\. It took 2 attempts; before the last: Error/);
});

test('a clock that was set back is not taken for a run before its time', () => {
  assert.match(
    told({ ending: makeEnding({ startedAt: DUE - HOUR }) }),
    /at <01:00:00>: the clock was set back meanwhile/,
  );
});

test('an entry that stands for several due times says for how many', () => {
  const [first] = say({ entry: makeEntry({ count: 5, first: DUE - HOUR, absent: 'off', ending: lateEnding }) });
  assert.equal(
    first,
    'backup was due at <02:00:00> (run0): the last of 5 due times from <01:00:00> on, for which there is one run.',
  );
});

test('each way to end is told, with the reason there is', () => {
  const cases: [Parameters<typeof makeEnding>[0], RegExp][] = [
    [{ status: 'Error', code: 3 }, /It failed with exit status 3 after 2s, at <02:00:02>\./],
    [{ status: 'Killed', code: null, signal: 'SIGKILL' }, /ended by SIGKILL, which Fate did not send/],
    [{ status: 'Timeout', code: null, signal: 'SIGTERM', endedBy: 'timeout' }, /did not end within its timeout/],
    [
      { status: 'Terminated', code: null, signal: 'SIGTERM', endedBy: 'stop' },
      /The scheduler was stopped while it ran/,
    ],
    [{ status: 'Terminated', code: null, signal: 'SIGTERM', endedBy: 'kill' }, /by hand, with fate kill/],
    [{ status: 'Terminated', code: null, signal: 'SIGTERM', endedBy: 'replace' }, /make way .*overlap: replace/],
    [
      { status: 'Error', code: null, signal: 'SIGTERM', endedBy: 'limit', reason: 'stdout past 1 MiB' },
      /It went past a limit, and was ended after 2s.*: stdout past 1 MiB\./,
    ],
    [{ status: 'Failed', code: null, reason: 'no such user' }, /It could not be started: no such user\./],
    [{ status: 'Retry', code: 42 }, /exit status 42.* It is not tried again: the task has no retry\./],
    [
      { status: 'Lost', code: null, endedBy: 'lost' },
      /may be half done, since the scheduler or the machine died under it\. It is not tried again: the task has no retry\./,
    ],
  ];
  for (const [ending, says] of cases) assert.match(told({ ending: makeEnding(ending) }), says);
});

test('why a run is not tried again: not for this, or no more', () => {
  const retry = { limit: 2, delay: 30_000, backoff: 2, maxDelay: 600_000, on: ['retry', 'error'] } as const;
  const configured = { kind: 'task', task: task({ retry }) } as const;
  const lost = makeEnding({ status: 'Lost', code: null, endedBy: 'lost' });
  assert.match(told({ ending: lost }, { configured }), /not tried again: retry.on has no lost\./);
  const error = makeEnding({ status: 'Error', code: 1, attempt: 3 });
  assert.match(told({ ending: error, attempt: 3 }, { configured }), /not tried again: its 2 retries are used up\./);
  const killed = makeEnding({ status: 'Killed', code: null, signal: 'SIGKILL' });
  assert.match(told({ ending: killed }, { configured }), /retry.on has no signal\./);
  const stopped = makeEnding({ status: 'Terminated', code: null, signal: 'SIGTERM', endedBy: 'stop' });
  assert.doesNotMatch(told({ ending: stopped }, { configured }), /not tried again/);
});

test('what is left of a run is named: processes, a kept file, its output', () => {
  const ending = makeEnding({ status: 'Error', code: 1 });
  const said = told({ ending, left: 2, kept: '/spool/run0/stdout' }, { output: true });
  assert.match(said, /It left 2 processes running\./);
  assert.match(said, /all of it is kept in \/spool\/run0\/stdout for 7 days\./);
  assert.match(said, /fate show run0 --output$/);
});

test('each reason not to run is told', () => {
  const skipped = (reason: SkipReason, detail: string, changes: Partial<Entry> = {}): string =>
    told({ phase: 'skipped', skipped: { reason, detail, at: DUE + MINUTE }, ...changes });
  assert.equal(skipped('condition', 'if = false'), 'It was not run: its condition did not hold (if = false).');
  assert.match(skipped('overlap', 'a run has not ended'), /not run, because of overlap: a run has not ended\./);
  assert.equal(
    skipped('missed', 'missed: skip', { absent: 'off' }),
    'It was missed: no scheduler was running when it was due, and it was not made up for (missed: skip).',
  );
  assert.match(skipped('missed', 'older than missed_within (2h)', { absent: 'clock' }), /clock jumped.*missed_within/);
  assert.equal(skipped('paused', 'the task was paused'), 'It was not run: the task was paused.');
  assert.match(
    skipped('max_wait', 'it waited for longer than max_wait (1m), kept back by mutex db (a)'),
    /given up at <02:01:00>, since it waited for longer than max_wait \(1m\), kept back by mutex db \(a\)\./,
  );
  assert.equal(skipped('kill', 'fate kill'), 'It was not run: it was told not to, at <02:01:00>, with fate kill.');
  assert.match(skipped('removed', 'it was disabled while it waited'), /not run: it was disabled while it waited\./);
});

test('an occurrence that was given up between attempts tells of those it had', () => {
  const said = told({
    phase: 'skipped',
    attempt: 2,
    ending: makeEnding({ status: 'Error', code: 1 }),
    skipped: { reason: 'removed', detail: 'it was removed while it waited', at: DUE + MINUTE },
  });
  assert.match(
    said,
    /^It started on time.*Attempt 1 ended with Error \(exit status 1\)\. It was not tried again: it was/,
  );
});

test('an overlap names the run that was in the way, where that is known', () => {
  const skipped = { reason: 'overlap', detail: 'an earlier run has not ended', at: DUE } as const;
  const earlier = { id: 'run9', due: DUE - HOUR };
  const long = makeEntry({ ...earlier, ending: makeEnding({ startedAt: DUE - HOUR, duration: 2 * HOUR }) });
  assert.match(
    told({ phase: 'skipped', skipped }, { before: long, now: DUE + 3 * HOUR }),
    /That was the run run9, due at <01:00:00>, which started at <01:00:00> and ended at <03:00:00>, after 2h\./,
  );
  const short = makeEntry({ ...earlier, ending: makeEnding({ startedAt: DUE - HOUR }) });
  assert.doesNotMatch(told({ phase: 'skipped', skipped }, { before: short }), /run9/);
  const going = makeEntry({ ...earlier, phase: 'started', startedAt: DUE - HOUR });
  assert.match(told({ phase: 'skipped', skipped }, { before: going }), /run9.* and goes on \(2h\)\./);
});

test('what waits, runs or has a retry to come says so, and what becomes of it with no scheduler', () => {
  const alone = { scheduler: null };
  const waiting: Partial<Entry> = { phase: 'waiting', waited: { for: 'tenancy', who: ['a'] } };
  assert.equal(told(waiting), 'It waits since <02:00:00> (1h): at first tenancy was full: a was running.');
  assert.match(told(waiting, alone), /No scheduler is running: it waits on from the next start of one\./);
  const patient = { kind: 'task', task: task({ maxWait: 2 * HOUR }) } as const;
  assert.match(told(waiting, { configured: patient }), /It is given up at <04:00:00> \(max_wait\)\./);

  const running: Partial<Entry> = { phase: 'started', startedAt: DUE + 4, pid: 99 };
  assert.match(told(running), /started on time.* It is running, since <02:00:00> \(1h\), as process 99\./);
  assert.match(told(running, alone), /was running when the scheduler died: the next start of one settles/);

  const retry = { limit: 3, delay: 30_000, backoff: 2, maxDelay: 600_000, on: ['error'] } as const;
  const again: Partial<Entry> = {
    phase: 'retry',
    attempt: 2,
    ending: makeEnding({ status: 'Error', code: 1 }),
    queuedAt: null,
    retryAt: DUE + 2 * HOUR,
  };
  const configured = { kind: 'task', task: task({ retry }) } as const;
  assert.match(
    told(again, { configured }),
    /Attempt 1 ended with Error \(exit status 1\); attempt 2 of at most 4 comes at <04:00:00>, in 1h\./,
  );
  assert.match(told(again, alone), /in 1h, once a scheduler is running again\./);
  assert.match(told({ ...again, retryAt: DUE }, { configured }), /is due since <02:00:00>\./);
  const second = { ...again, phase: 'waiting', queuedAt: DUE + MINUTE, retryAt: null } as const;
  assert.match(told(second), /Attempt 1 ended with Error \(exit status 1\)\. Attempt 2 waits since <02:01:00> \(59m\)/);

  assert.match(told({ phase: 'planned' }), /It is about to start/);
  assert.match(told({ phase: 'planned' }, alone), /It was about to start when the scheduler ended, and the next start/);
  assert.match(told({ phase: 'planned' }, { now: DUE - 2000 }), /It is planned, and starts in 2s\./);
});

test('other runs of the task that go on are told of', () => {
  const open = [makeEntry({ id: 'run5', due: DUE - HOUR, phase: 'started', startedAt: DUE - HOUR })];
  assert.ok(say({ entry: makeEntry(), open }).includes('Its run run5, due at <01:00:00>, has not ended.'));
  assert.match(
    say({ entry: makeEntry(), open, scheduler: null }).join(' '),
    /run5.* was running when the scheduler died/,
  );
  const skipped = { reason: 'overlap', detail: 'an earlier run has not ended', at: DUE } as const;
  const overlap = say({ entry: makeEntry({ phase: 'skipped', skipped }), open, before: open[0] ?? null });
  assert.equal(overlap.join(' ').split('run5').length, 2, 'once, where it was in the way');
});

test('a due time that nobody was there for says that no scheduler runs, and what the next start does', () => {
  const cursor = { fingerprint: daily.fingerprint, seen: DUE - HOUR };
  const off = say({ cursor, scheduler: null });
  assert.equal(
    off[0],
    'backup was due at <02:00:00>, and nobody was there: no scheduler is running, and none has looked since <01:00:00>.',
  );
  assert.match(off[1] ?? '', /it runs once for all of them \(missed: once\)\./);
  assert.match(off[2] ?? '', /in 23h, but no scheduler is running: start fated/);
  const policy = (changes: Partial<Task>): string =>
    say({ cursor, scheduler: null, configured: { kind: 'task', task: task(changes) } })[1] ?? '';
  assert.match(policy({ missed: 'skip' }), /not made up for \(missed: skip\)/);
  assert.match(
    policy({ missed: 'all', missedWithin: HOUR }),
    /missed: all\), but .* longer ago than missed_within \(1h\)/,
  );
  assert.match(say({ cursor })[0] ?? '', /fated \(pid 7\) has not taken it up/);
  assert.match(say({ cursor, now: DUE + 900 })[0] ?? '', /it is about to start/);
  const days = { fingerprint: daily.fingerprint, seen: DUE - 50 * HOUR };
  assert.match(
    say({ cursor: days, scheduler: null })[0] ?? '',
    /was due at <02:00:00>, and 2 times before, and nobody/,
  );
  assert.deepEqual(say({ cursor, scheduler: null, asked }).slice(0, 1), off.slice(0, 1), 'also where it is asked for');
});

test('a task that is disabled, invalid, gone or unreadable says so first, unless a past time was asked for', () => {
  const entry = makeEntry();
  const disabled = { kind: 'task', task: task({ enabled: false }) } as const;
  const first = say({ entry, configured: disabled });
  assert.equal(first[0], 'backup is disabled (enabled: false): nothing of it runs.');
  assert.equal(first.filter((sentence) => sentence.includes('due next')).length, 0);
  assert.match(say({ entry, configured: disabled, asked })[0] ?? '', /^backup was due/);
  const invalid = say({ configured: { kind: 'invalid', problems: ['tasks.toml:3: backup.timeout: expected …'] } });
  assert.match(invalid.join('\n'), /invalid and set aside.*:\ntasks.toml:3: backup.timeout/);
  assert.match(say({ entry, configured: { kind: 'absent' } })[0] ?? '', /has no task backup any more/);
  const unreadable = say({ entry, configured: { kind: 'unreadable', message: 'it is not there' } });
  assert.match(unreadable[0] ?? '', /cannot be read.*: it is not there\./);
  assert.match(unreadable.join(' '), /It ended OK/);
});

test('a task of which nothing is recorded says whether a scheduler has seen it', () => {
  assert.match(
    say({ cursor: null, scheduler: null })[0] ?? '',
    /No scheduler has seen backup yet, and none is running\./,
  );
  assert.match(say({ cursor: null })[0] ?? '', /and fated \(pid 7\) has not read it yet/);
  const cursor = { fingerprint: daily.fingerprint, seen: DUE };
  assert.match(say({ cursor })[0] ?? '', /has not been due since it was first seen/);
  assert.match(say({ cursor: { ...cursor, fingerprint: 'other' } })[0] ?? '', /its schedule is new to the scheduler/);
});

test('a time that the schedule does not have names the ones around it, and their records', () => {
  const noon = { from: DUE + 10 * HOUR, until: DUE + 10 * HOUR + MINUTE };
  const sentences = say({ asked: noon, now: DUE + 48 * HOUR, before: makeEntry() });
  assert.match(
    sentences[0] ?? '',
    /^backup is not due at <12:00:00>: .* due at <02:00:00> before that, and <02:00:00> after\.$/,
  );
  assert.equal(sentences[1], 'The nearest record before: due at <02:00:00>, OK (run0).');
});

test('a time to come is told as such', () => {
  const tomorrow = DUE + 24 * HOUR;
  assert.equal(say({ asked: { from: tomorrow, until: tomorrow + MINUTE } })[0], 'backup is due at <02:00:00>, in 23h.');
});

test('a due time without a record says what may have become of it', () => {
  const later = makeEntry({ id: 'run3', due: DUE + 24 * HOUR });
  const earlier = makeEntry({ id: 'run1', due: DUE - 24 * HOUR });
  const now = DUE + 25 * HOUR;
  const cursor = { fingerprint: daily.fingerprint, seen: now };
  const first = (changes: Partial<Question>): string => say({ asked, now, cursor, ...changes })[0] ?? '';
  assert.match(first({ after: later }), /no record of it: the records begin later\. Either the task was not there/);
  assert.match(
    first({ before: earlier, after: later }),
    /: either .* another schedule, or the record is not kept .*1000/,
  );
  assert.match(first({}), /nor of any other time: when the task is first seen, it has missed nothing/);
  assert.match(
    first({ now: DUE + 100 * 24 * HOUR, after: later }),
    /longer ago than records are kept \(history.max_age/,
  );
  assert.match(first({ cursor: null }), /no scheduler has seen the task yet/);
});

test('a task that is due at boots has no set times', () => {
  const none = (): null => null;
  const schedule = { ...daily, kind: 'reboot', expression: '@reboot', next: none, latest: () => [] } as const;
  const configured = { kind: 'task', task: task({ schedule }) } as const;
  const cursor = { fingerprint: schedule.fingerprint, seen: DUE, boot: 'b' };
  assert.match(
    say({ asked, configured, cursor }).join(' '),
    /Nothing is recorded of backup at <02:00:00>\. It is due once after each boot/,
  );
  assert.equal(
    say({ entry: makeEntry(), configured, cursor }).at(-1),
    'It is due once after each boot of the machine.',
  );
});

test('what tasks and files say cannot steer a terminal', () => {
  const ending = makeEnding({ status: 'Failed', code: null, reason: 'no \u001b[2J\nprogram' });
  assert.match(told({ ending }), /no \\u001b\[2J program/);
});

test('a paused task is said to be so, and until when', () => {
  assert.equal(
    say({ paused: { from: DUE, until: Number.POSITIVE_INFINITY } })[0],
    "backup is paused: its due times are skipped until 'fate resume backup'.",
  );
  assert.equal(
    say({ paused: { from: DUE, until: DUE + 2 * HOUR } })[0],
    'backup is paused: its due times are skipped until <04:00:00>.',
  );
});

test('of a run that failed and was to be tried again it is told why it was not', () => {
  const ended = { phase: 'ended', attempt: 1, ending: makeEnding({ status: 'Error', code: 3 }) } as const;
  const retry = { limit: 3, on: ['error'] } as unknown as Task['retry'];
  const cases: [SkipReason, string, string][] = [
    ['kill', '', 'It was not tried again: it was told not to, at <03:00:00>, with fate kill.'],
    ['max_wait', 'x', 'It was not tried again: it was given up at <03:00:00>, since x.'],
    ['removed', '', 'It was not tried again: the task was removed, disabled or given another schedule.'],
    ['overlap', 'the next run is due', 'It was not tried again, because of overlap: the next run is due.'],
  ];
  for (const [reason, detail, says] of cases) {
    const entry = { ...ended, skipped: { reason, detail, at: DUE + HOUR } };
    const text = told(entry, { output: true, configured: { kind: 'task', task: task({ retry }) } });
    assert.equal(
      text,
      `It started on time, 4ms after that. It failed with exit status 3 after 2s, at <02:00:02>. ${says} See what it wrote: fate show run0 --output`,
    );
    // Not by what is configured as well.
    assert.doesNotMatch(
      told(entry, { configured: { kind: 'task', task: task({ retry: { ...retry, on: [] } as never }) } }),
      /is not tried/,
    );
  }
});

test('of several runs of one task in the way the name is told once', () => {
  const waited = { for: 'tenancy', who: ['slow', 'index', 'slow', 'slow'] } as const;
  assert.match(told({ ending: lateEnding, waited }), /tenancy was full: slow and index were running, for/);
  assert.match(
    told({ ending: lateEnding, waited: { ...waited, who: ['slow', 'slow'] } }),
    /tenancy was full: slow was running, for/,
  );
  assert.equal(describeWaited(waited), 'tenancy (slow, index)');
});
