/** How runs ended, in sentences, for `fate why`. Pure. */
import { formatDuration } from '../schedule/duration.ts';
import type { Ending, Entry, EpochMs, Task } from '../types.ts';
import { endText, listed } from './words.ts';

interface Seen {
  readonly task: Task | null;
  readonly output: boolean;
  at(instant: EpochMs): string;
}

/**
 * How a run ended, what it left, and why it is not tried again.
 * @param dropped why the attempt that was still to come was not made; null where none was, or where it was made
 */
export function endSentences(entry: Entry, around: Seen, dropped: string | null): string[] {
  const { ending, earlier, left, kept, resultCount, id } = entry;
  if (ending === null) return ['How it ended is not recorded.'];
  const sentences: string[] = [];
  if (earlier.length > 0) {
    sentences.push(`It took ${ending.attempt} attempts; before the last: ${listed(earlier.map(endedWith))}.`);
  }
  const results =
    ending.status === 'OK' && resultCount > 0
      ? `, with ${resultCount === 1 ? 'a result' : `${resultCount} results`}`
      : '';
  const because =
    ending.status === 'Lost' ? (ending.reason ?? 'the scheduler or the machine died under it') : ending.reason;
  const reason =
    because === null || ending.status === 'Failed' ? '' : `${ending.status === 'Lost' ? ', since ' : ': '}${because}`;
  const again = dropped === null ? notAgain(entry, ending, around.task) : [dropped];
  sentences.push(`${howItEnded(ending, around)}${results}${reason}.`, ...again);
  if (left > 0) sentences.push(`It left ${left} ${left === 1 ? 'process' : 'processes'} running.`);
  if (kept !== null)
    sentences.push(`Its output could not be recorded as a result; all of it is kept in ${kept} for 7 days.`);
  if (around.output) sentences.push(`See what it wrote: fate show ${id} --output`);
  return sentences;
}

function howItEnded({ status, endedBy, duration, code, signal, reason, endedAt }: Ending, { at }: Seen): string {
  const after = `after ${formatDuration(Math.round(duration))}, at ${at(endedAt)}`;
  if (status === 'OK') return `It ended OK ${after}`;
  if (status === 'Lost') {
    return 'It is lost: nobody saw how it ended, and what it did may be half done';
  }
  if (status === 'Failed') return `It could not be started: ${reason ?? 'the reason is not recorded'}`;
  const how = signal ?? `exit status ${code}`;
  switch (endedBy) {
    case 'timeout':
      return `It did not end within its timeout, and was ended ${after}`;
    case 'stop':
      return `The scheduler was stopped while it ran, which ended it ${after} (${how})`;
    case 'kill':
      return `It was ended by hand, with fate kill, ${after} (${how})`;
    case 'replace':
      return `It was ended ${after} to make way for the next run (overlap: replace)`;
    case 'limit':
      return `It went past a limit, and was ended ${after}`;
    default:
      if (status === 'Retry') return `It asked to be tried again (exit status 42) ${after}`;
      return signal === null
        ? `It failed with ${how} ${after}`
        : `It was ended by ${how}, which Fate did not send, ${after}`;
  }
}

/** Why a run that was not good is not tried again, by what is configured now. */
function notAgain({ attempt }: Entry, { status, endedBy }: Ending, task: Task | null): string[] {
  if (task === null || status === 'OK' || ['stop', 'kill', 'replace'].includes(endedBy)) return [];
  const { retry } = task;
  // Whoever has no retry knows; of these two it is asked.
  if (retry === null)
    return status === 'Lost' || status === 'Retry' ? ['It is not tried again: the task has no retry.'] : [];
  const word = status.toLowerCase();
  const cause =
    retry.on.find((name) => name === word) ?? (['killed', 'terminated', 'signaled'].includes(word) ? 'signal' : word);
  if (!retry.on.some((name) => name === cause)) return [`It is not tried again: retry.on has no ${cause}.`];
  return attempt > retry.limit
    ? [`It is not tried again: its ${retry.limit === 1 ? 'one retry is' : `${retry.limit} retries are`} used up.`]
    : [];
}

/** `Error (exit status 3)` */
export function endedWith(ending: Ending): string {
  const how = endText(ending);
  return how === '' ? ending.status : `${ending.status} (${how})`;
}
