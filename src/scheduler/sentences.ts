/** What the scheduler tells, in a sentence: what `journalctl` shows a person, behind the name of the task. Pure. */
import { localTime } from '../log/time.ts';
import { formatDuration } from '../schedule/duration.ts';
import type { EpochMs, Summary, TaskEvent } from '../types.ts';

type Event<T extends TaskEvent['type']> = Extract<TaskEvent, { type: T }>;

/** To the second, with its offset. */
const timeOf = (at: EpochMs): string => localTime(at).replace(/\.\d+/, '');

/** Lateness that a person would ask about. */
const LATE = 1000;

/** `started, pid 4711, 5s late, attempt 2` */
export function startedSentence({ run, at, pid }: Event<'started'>): string {
  const words = [`started, pid ${pid}`];
  if (at - run.due >= LATE) words.push(`${formatDuration(at - run.due)} late`);
  if (run.attempt > 1) words.push(`attempt ${run.attempt}`);
  if (run.collapsed > 0) words.push(`for ${run.collapsed + 1} due times`);
  return words.join(', ');
}

/** `OK in 23ms`; `Error after 1.5s, exit status 3, attempt 2: why; tried again at …` */
export function endedSentence({ run, status, exit, reason, retryAt }: Event<'ended'>): string {
  const duration = formatDuration(Math.round(exit.duration));
  const words = [exit.pid === null ? status : `${status} ${status === 'OK' ? 'in' : 'after'} ${duration}`];
  if (exit.signal !== null) words.push(exit.signal);
  else if (exit.code !== null && exit.code !== 0) words.push(`exit status ${exit.code}`);
  if (run.attempt > 1) words.push(`attempt ${run.attempt}`);
  const again = retryAt === null ? '' : `; tried again at ${timeOf(retryAt)}`;
  return `${words.join(', ')}${reason === null ? '' : `: ${reason}`}${again}`;
}

/** `skipped: an earlier run of the task has not ended` */
export function skippedSentence({ reason, detail, count, due }: Event<'skipped'>): string {
  const times = count > 1 ? `${count} due times until ${timeOf(due)}` : `due at ${timeOf(due)}`;
  return `${reason === 'missed' ? 'missed' : 'skipped'}, ${times}: ${detail}`;
}

/** `3 runs, 1 of them not OK; next is ping at …` */
export function summarySentence({ executions, failures, next }: Summary): string {
  const runs = executions === 1 ? '1 run' : `${executions} runs`;
  const failed = failures === 0 ? '' : executions === 1 ? ', not OK' : `, ${failures} of them not OK`;
  return `${runs}${failed}${next === null ? '' : `; next is ${next.task} at ${timeOf(next.at)}`}`;
}
