/**
 * The answer of `fate why`: what the ledger, the configuration and the scheduler's absence say of a due time, in
 * sentences. Pure.
 */
import { formatDuration } from '../schedule/duration.ts';
import type { Cursor, Entry, EpochMs, History, Pause, Task } from '../types.ts';
import { accountOf, type Circumstances, UNSETTLED } from './account.ts';
import type { Moment } from './moments.ts';
import { cameUp, plain, standingOf } from './words.ts';

export type Configured =
  | { readonly kind: 'task'; readonly task: Task }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }
  /** Only the ledger knows it. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly message: string };

export interface Question {
  readonly task: string;
  /** Null: the latest due time. */
  readonly asked: Moment | null;
  readonly now: EpochMs;
  /** What is asked about, where it is recorded. */
  readonly entry: Entry | null;
  /** Its neighbours, or those of the time asked for. */
  readonly before: Entry | null;
  readonly after: Entry | null;
  /** Others of the task that wait, run or have a retry to come. */
  readonly open: readonly Entry[];
  readonly output: boolean;
  readonly configured: Configured;
  readonly cursor: Cursor | null;
  readonly history: History | null;
  /** The pause in which the task is now; null when it is in none. */
  readonly paused: Pause | null;
  /** Who schedules this configuration now, such as `fated (pid 7)`; null when nobody does. */
  readonly scheduler: string | null;
  at(instant: EpochMs): string;
}

export interface Explanation {
  readonly sentences: readonly string[];
  /** When it is due next; null where it is not, or nobody knows. */
  readonly next: EpochMs | null;
}

export function explain(question: Question): Explanation {
  const { entry, asked, now, configured, at } = question;
  const task = configured.kind === 'task' ? configured.task : null;
  const circumstances: Circumstances = {
    now,
    task,
    before: question.before,
    attended: question.scheduler !== null,
    output: question.output,
    at,
  };
  const unseen = asked === null ? unseenSince(question) : null;
  const told = [
    ...(unseen === null ? [] : unseenSentences(question, unseen)),
    ...(entry === null ? [] : accountOf(entry, circumstances)),
    ...(entry === null && asked !== null ? unrecorded(question, asked) : []),
    ...(entry === null && asked === null && unseen === null ? [nothingYet(question)] : []),
  ];
  // An overlap has told of the run that was in the way; who asks for a time asks for no other.
  const open = asked === null ? question.open : [];
  const others = open.filter(({ id }) => !told.some((sentence) => sentence.includes(id)));
  told.push(
    ...others.map((other) => `Its run ${other.id}, ${cameUp(other)} at ${at(other.due)}, ${going(other, question)}.`),
  );
  const said = standingSentences(question);
  const next = task?.enabled ? task.schedule.next(now) : null;
  // What is recorded of a past time comes before what is so today.
  const sentences = entry !== null && asked !== null ? [...told, ...said] : [...said, ...told];
  return { sentences: [...sentences, ...nextSentences(question, next)].map(plain), next };
}

function going({ phase }: Entry, { scheduler }: Question): string {
  const then = scheduler === null ? ' once a scheduler is running' : '';
  if (phase === 'planned') return scheduler === null ? UNSETTLED : 'is about to start';
  if (phase === 'waiting') return `waits for its turn${then === '' ? '' : ', which comes'}${then}`;
  if (phase === 'retry') return `has another attempt to come${then}`;
  return scheduler === null ? 'was running when the scheduler died' : 'has not ended';
}

/** What keeps the task as a whole from running. */
function standingSentences({ configured, task, paused, at }: Question): string[] {
  switch (configured.kind) {
    case 'invalid':
      return [
        `${task} is invalid and set aside, so that nothing of it runs until this is put right:`,
        ...configured.problems,
      ];
    case 'absent':
      return [`The configuration has no task ${task} any more: nothing of it runs.`];
    case 'unreadable':
      return [`The configuration cannot be read, so that its schedule is not known: ${configured.message}.`];
    case 'task':
      if (!configured.task.enabled) return [`${task} is disabled (enabled: false): nothing of it runs.`];
      if (paused === null) return [];
      return [
        paused.until === Number.POSITIVE_INFINITY
          ? `${task} is paused: its due times are skipped until 'fate resume ${task}'.`
          : `${task} is paused: its due times are skipped until ${at(paused.until)}.`,
      ];
  }
}

function nextSentences({ configured, now, at, scheduler }: Question, next: EpochMs | null): string[] {
  if (configured.kind !== 'task' || !configured.task.enabled) return [];
  if (configured.task.schedule.kind === 'reboot') return ['It is due once after each boot of the machine.'];
  if (next === null) return ['It is not due again.'];
  const but = scheduler === null ? ', but no scheduler is running: start fated, or fates at times' : '';
  return [`It is due next at ${at(next)}, in ${left(next - now)}${but}.`];
}

/** Due times that no scheduler has accounted for: the latest, and how many there are (up to a bound). */
interface Unseen {
  readonly due: EpochMs;
  readonly count: number;
  readonly since: EpochMs;
}

const COUNTED = 1_000;

function unseenSince({ configured, cursor, now, entry }: Question): Unseen | null {
  if (configured.kind !== 'task' || !configured.task.enabled || cursor === null) return null;
  const { schedule } = configured.task;
  if (cursor.fingerprint !== schedule.fingerprint) return null;
  const since = Math.max(cursor.seen, entry?.due ?? cursor.seen);
  const dues = schedule.latest(since, now, COUNTED);
  const due = dues.at(-1);
  return due === undefined ? null : { due, count: dues.length, since };
}

/** So long a scheduler that runs may take to begin with what is due. */
const TAKEN_UP = 5_000;

function unseenSentences({ configured, task, scheduler, at, now }: Question, { due, count, since }: Unseen): string[] {
  const before = count === 2 ? 'once' : `${count >= COUNTED ? 'at least ' : ''}${count - 1} times`;
  const more = count > 1 ? `, and ${before} before` : '';
  const was = `${task} was due at ${at(due)}${more}`;
  if (scheduler !== null) {
    if (now - due < TAKEN_UP) return [`${was}: it is about to start.`];
    return [
      `${was}, and ${scheduler} has not taken it up: its log says more, and whether its last reload was refused.`,
    ];
  }
  const when = `${was}, and nobody was there: no scheduler is running, and none has looked since ${at(since)}.`;
  return configured.kind === 'task' ? [when, madeUp(configured.task)] : [when];
}

function madeUp({ missed, missedWithin }: Task): string {
  const within =
    missedWithin === null ? '' : `, but for times longer ago than missed_within (${formatDuration(missedWithin)})`;
  if (missed === 'skip') return 'Once one is started, it is not made up for (missed: skip).';
  if (missed === 'all')
    return `Once one is started, every due time is made up for, one after the other (missed: all)${within}.`;
  return `Once one is started, it runs once for all of them (missed: once)${within}.`;
}

function nothingYet({ task, cursor, configured, scheduler, at }: Question): string {
  if (cursor === null) {
    const hint = scheduler === null ? 'and none is running' : `and ${scheduler} has not read it yet: reload it`;
    return `No scheduler has seen ${task} yet, ${hint}.`;
  }
  if (configured.kind === 'task' && cursor.fingerprint !== configured.task.schedule.fingerprint) {
    return `Nothing is recorded of ${task}, and its schedule is new to the scheduler: it counts from when that reads it.`;
  }
  return `Nothing is recorded of ${task}: it has not been due since it was first seen (accounted for up to ${at(cursor.seen)}).`;
}

/** Of a time that no record covers. */
function unrecorded(question: Question, asked: Moment): string[] {
  const { configured, task, now, at, cursor } = question;
  const schedule = configured.kind === 'task' ? configured.task.schedule : null;
  if (schedule === null || schedule.kind === 'reboot') {
    const future = asked.from > now ? 'That is in the future. ' : '';
    const boots = schedule === null ? '' : ' It is due once after each boot, at no set time.';
    return [`${future}Nothing is recorded of ${task} at ${at(asked.from)}.${boots}`, ...neighbours(question)];
  }
  const due = schedule.next(asked.from - 1);
  if (due === null || due >= asked.until) {
    const last = schedule.latest(0, asked.from - 1, 1)[0];
    const was = last === undefined ? '' : `${at(last)} before that, and `;
    const then = due === null ? 'never after' : `${at(due)} after`;
    const says = `by its schedule (${schedule.expression}) it is due at ${was}${then}`;
    return [`${task} is not due at ${at(asked.from)}: ${says}.`, ...neighbours(question)];
  }
  if (due > now) return [`${task} is due at ${at(due)}, in ${left(due - now)}.`];
  const current = cursor !== null && cursor.fingerprint === schedule.fingerprint;
  if (current && due > cursor.seen) return unseenSentences(question, { due, count: 1, since: cursor.seen });
  return [...forgotten(question, due), ...neighbours(question)];
}

/** Accounted for, or before the task was there, and without a record. */
function forgotten({ task, at, now, before, after, cursor, history }: Question, due: EpochMs): string[] {
  const was = `By its present schedule ${task} was due at ${at(due)}, but there is no record of it`;
  const maxAge = history?.maxAge ?? null;
  if (maxAge !== null && due < now - maxAge) {
    return [`${was}: it is longer ago than records are kept (history.max_age: ${formatDuration(maxAge)}).`];
  }
  if (cursor === null) return [`${was}: no scheduler has seen the task yet.`];
  const then = 'the task was not there at that time, was disabled or had another schedule';
  const kept =
    history === null
      ? ''
      : ` (history: the latest ${history.maxRuns} that went well, ${history.maxFailures} that did not)`;
  if (before === null && after === null)
    return [`${was}, nor of any other time: when the task is first seen, it has missed nothing.`];
  if (before === null)
    return [`${was}: the records begin later. Either ${then}, or older records are not kept any more${kept}.`];
  return [`${was}: either ${then}, or the record is not kept any more${kept}.`];
}

/** What is recorded around a time. */
function neighbours({ before, after, at }: Question): string[] {
  const told = (side: string, entry: Entry | null): string[] =>
    entry === null
      ? []
      : [`The nearest record ${side}: ${cameUp(entry)} at ${at(entry.due)}, ${standingOf(entry)} (${entry.id}).`];
  return [...told('before', before), ...told('after', after)];
}

/** As `fate next` says it: in whole seconds. */
function left(ms: number): string {
  return formatDuration(Math.ceil(ms / 1000) * 1000);
}
