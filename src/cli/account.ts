/** What became of one occurrence, in sentences: why it ran when it did, why it did not, how it ended. Pure. */
import { formatDuration } from '../schedule/duration.ts';
import type { Entry, EpochMs, Task, Waited } from '../types.ts';
import { endedWith, endSentences } from './endings.ts';
import { attemptsOf, cameUp, firstStart, listed, plain, waitOf } from './words.ts';

type Skip = NonNullable<Entry['skipped']>;

export interface Circumstances {
  readonly now: EpochMs;
  /** As it is configured now; null where it is not, or not validly. */
  readonly task: Task | null;
  /** The entry of the task before this one. */
  readonly before: Entry | null;
  /** Whether a scheduler runs now. */
  readonly attended: boolean;
  /** Whether something is kept of what the run wrote. */
  readonly output: boolean;
  at(instant: EpochMs): string;
}

/** Later than this is told as late: no person means less, and no daemon that has nothing to wait for takes as long. */
const ON_TIME = 1_000;

/** Of what is planned where no scheduler is left: whether it has started is in the spool, not in the ledger. */
export const UNSETTLED =
  'was about to start when the scheduler ended, and the next start of one settles what became of it';

/** Whole sentences; the first names the due time. */
export function accountOf(entry: Entry, around: Circumstances): string[] {
  return [dueSentence(entry, around), ...standing(entry, around)].map(plain);
}

function dueSentence({ id, task, due, first, count, phase, byHand }: Entry, { at, now }: Circumstances): string {
  if (byHand) return `${task} was asked for at ${at(due)}, with fate run (${id}).`;
  const was = due > now ? 'is' : 'was';
  const name = `${task} ${was} due at ${at(due)} (${id})`;
  if (count <= 1) return `${name}.`;
  const together = phase === 'skipped' ? 'told together' : 'for which there is one run';
  return `${name}: the last of ${count} due times from ${at(first)} on, ${together}.`;
}

function standing(entry: Entry, around: Circumstances): string[] {
  switch (entry.phase) {
    case 'planned':
      return [...tried(entry, around), planned(entry, around)];
    case 'waiting':
      return [...tried(entry, around), ...waiting(entry, around)];
    case 'started':
      return [...(entry.ending === null ? [started(entry, around)] : tried(entry, around)), running(entry, around)];
    case 'retry':
      return [started(entry, around), retry(entry, around)];
    case 'ended':
      return [started(entry, around), ...endSentences(entry, around, dropped(entry, around))];
    case 'skipped':
      return skipped(entry, around);
  }
}

/** Of an occurrence of which an attempt has ended already. */
function tried(entry: Entry, around: Circumstances): string[] {
  const { ending } = entry;
  return ending === null ? [] : [started(entry, around), `Attempt ${ending.attempt} ended with ${endedWith(ending)}.`];
}

function planned({ due }: Entry, { now, attended }: Circumstances): string {
  if (due > now) return `It is planned, and starts in ${formatDuration(due - now)}.`;
  return attended ? 'It is about to start, or has just started.' : `It ${UNSETTLED}.`;
}

function waiting(entry: Entry, { at, now, attended, task }: Circumstances): string[] {
  const { queuedAt, waited, attempt } = entry;
  const which = attempt > 1 ? `Attempt ${attempt}` : 'It';
  const since = queuedAt === null ? '' : ` since ${at(queuedAt)} (${formatDuration(now - queuedAt)})`;
  const sentences = [
    `${which} waits${since}: ${waited === null ? 'its turn has not come' : `at first ${heldUp(waited)}`}.`,
  ];
  if (entry.absent !== null) sentences.push(`It arrived late: ${ABSENT[entry.absent]}.`);
  if (task?.maxWait != null && queuedAt !== null)
    sentences.push(`It is given up at ${at(queuedAt + task.maxWait)} (max_wait).`);
  if (!attended) sentences.push('No scheduler is running: it waits on from the next start of one.');
  return sentences;
}

const ABSENT = {
  off: 'no scheduler was running when it was due',
  clock: 'the clock jumped over its due time, or the machine slept',
  invalid: 'the task was invalid, and set aside, when it was due',
} as const;

/** What was in the way of a run when that was last looked at. */
function heldUp({ for: reason, mutex: name, who }: Waited): string {
  // Several runs of one task have one name.
  const tasks = [...new Set(who)];
  const be = tasks.length > 1 ? 'were' : 'was';
  const names = listed(tasks);
  switch (reason) {
    case 'tenancy':
      return `tenancy was full${names === '' ? '' : `: ${names} ${be} running`}`;
    case 'patience':
      return `${names === '' ? 'another run' : names} had waited for longer than scheduling.patience and came first`;
    case 'mutex': {
      const mutex = name === undefined ? 'the same mutex' : `the mutex ${name}`;
      return names === '' ? `${mutex} was taken` : `${names}, of ${mutex}, ${be} running`;
    }
    case 'overlap':
      return 'an earlier run of the task itself had not ended';
    case 'room':
      return 'less than 5 % of the file system of the spool was free';
  }
}

/** When the first attempt started, and what it had to wait for. */
function started(entry: Entry, { at, now }: Circumstances): string {
  const { due, absent, ending, queuedAt } = entry;
  const start = firstStart(entry);
  if (start === null) return 'When its first attempt started is no longer recorded.';
  const late = start - due;
  const failed = ending?.status === 'Failed' && attemptsOf(entry).length === 1 && entry.startedAt === null;
  const verb = failed ? 'Its start came' : 'It started';
  if (late <= -ON_TIME) return `${verb} at ${at(start)}: the clock was set back meanwhile.`;
  // What a later attempt waited for did not hold up the first.
  const waited = queuedAt !== null && queuedAt > start ? null : entry.waited;
  const wait = waitOf(entry, now);
  const because = [
    ...(absent === null ? [] : [ABSENT[absent]]),
    ...(waited === null ? [] : [`${heldUp(waited)}${wait === null ? '' : `, for ${formatDuration(wait)}`}`]),
  ];
  if (late < ON_TIME && because.length === 0)
    return `${verb} on time, ${formatDuration(Math.max(0, late))} after that.`;
  const reason =
    because.length > 0
      ? because.join('; then ')
      : 'nothing is recorded that held it up, so the machine was busy, or a pass of fates came only then';
  return `${verb} ${formatDuration(Math.max(0, late))} late, at ${at(start)}: ${reason}.`;
}

function running({ startedAt, attempt, pid }: Entry, { now, attended, at }: Circumstances): string {
  const which = attempt > 1 ? `Attempt ${attempt}` : 'It';
  const since = startedAt === null ? '' : `, since ${at(startedAt)} (${formatDuration(Math.max(0, now - startedAt))})`;
  if (attended) return `${which} is running${since}${pid === null ? '' : `, as process ${pid}`}.`;
  return `${which} was running when the scheduler died: the next start of one settles what became of it.`;
}

function retry({ ending, attempt, retryAt }: Entry, { at, now, attended, task }: Circumstances): string {
  const last = ending === null ? '' : `Attempt ${ending.attempt} ended with ${endedWith(ending)}; `;
  const of = task?.retry == null ? '' : ` of at most ${task.retry.limit + 1}`;
  if (retryAt === null) return `${last}attempt ${attempt}${of} is to come.`;
  const when =
    retryAt > now ? `comes at ${at(retryAt)}, in ${formatDuration(retryAt - now)}` : `is due since ${at(retryAt)}`;
  return `${last}attempt ${attempt}${of} ${when}${attended ? '' : ', once a scheduler is running again'}.`;
}

function skipped(entry: Entry, around: Circumstances): string[] {
  const { skipped: why, absent } = entry;
  if (why === null) return ['It was not run; why is not recorded.'];
  const sentences = tried(entry, around);
  switch (why.reason) {
    case 'overlap':
      return [...sentences, notRun(entry, why, around), ...culprit(entry, around)];
    case 'missed': {
      const said = why.detail === '' ? '' : ` (${why.detail})`;
      return [...sentences, `It was missed: ${ABSENT[absent ?? 'off']}, and it was not made up for${said}.`];
    }
    default:
      return [...sentences, notRun(entry, why, around)];
  }
}

/** Why what was still to be tried again was not; null where nothing was. */
function dropped(entry: Entry, around: Circumstances): string | null {
  return entry.skipped === null ? null : notRun(entry, entry.skipped, around);
}

function notRun({ ending }: Entry, { reason, detail, at }: Skip, around: Circumstances): string {
  const not = ending === null ? 'It was not run' : 'It was not tried again';
  switch (reason) {
    case 'condition':
      return `${not}: its condition did not hold${detail === '' ? '' : ` (${detail})`}.`;
    case 'overlap':
      return `${not}, because of overlap: ${detail}.`;
    case 'paused':
      return `${not}: the task was paused.`;
    case 'max_wait':
      return `${not}: it was given up at ${around.at(at)}, since ${detail}.`;
    case 'kill':
      return `${not}: it was told not to, at ${around.at(at)}, with fate kill.`;
    case 'missed':
    case 'removed':
      return `${not}: ${detail === '' ? 'the task was removed, disabled or given another schedule' : detail}.`;
  }
}

/** The run that was in the way, where the entry before this one is it. */
function culprit({ due }: Entry, { before, at, now }: Circumstances): string[] {
  if (before === null) return [];
  const start = firstStart(before);
  const end = before.phase === 'ended' ? (before.ending?.endedAt ?? null) : null;
  if (start === null || start > due || (end !== null && end < due)) return [];
  const until =
    end === null
      ? `goes on (${formatDuration(now - start)})`
      : `ended at ${at(end)}, after ${formatDuration(end - start)}`;
  return [
    `That was the run ${before.id}, ${cameUp(before)} at ${at(before.due)}, which started at ${at(start)} and ${until}.`,
  ];
}
