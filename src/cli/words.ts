/** What an entry of the ledger is called, and what is worked out from it, for the commands that show entries. Pure. */
import { formatDuration } from '../schedule/duration.ts';
import { describeWaited } from '../scheduler/waited.ts';
import type { Ending, Entry, EpochMs, Ms, Status } from '../types.ts';

export const STATUSES = [
  ...['OK', 'Retry', 'Error', 'Killed', 'Terminated', 'Signaled', 'Timeout', 'Failed', 'Lost'],
] as const satisfies readonly Status[];
/** What an entry that is no run that ended is called: in lower case, so that `retry` (to come) is not `Retry` (exit 42). */
export const STANDINGS = ['running', 'waiting', 'planned', 'retry', 'skipped'] as const;
export type Standing = (typeof STANDINGS)[number];

export function standingOf({ phase, ending }: Entry): Status | Standing {
  switch (phase) {
    case 'started':
      return 'running';
    case 'ended':
      // A run that ended has an ending; one without was written by another version, and nobody knows.
      return ending?.status ?? 'Lost';
    default:
      return phase;
  }
}

/** What an entry did at the instant in its `due`. */
export function cameUp({ byHand }: Entry): string {
  return byHand ? 'asked for' : 'due';
}

/** The attempts that have ended, oldest first; of many only the latest are known. */
export function attemptsOf({ earlier, ending }: Entry): readonly Ending[] {
  return ending === null ? earlier : [...earlier, ending];
}

/** How the run ended; null while it has not, also between two attempts. */
export function lastOf({ phase, ending }: Entry): Ending | null {
  return phase === 'ended' ? ending : null;
}

/** The attempts before the one that goes, is to come, or was the last. */
export function beforeLast(entry: Entry): readonly Ending[] {
  return entry.phase === 'ended' ? entry.earlier : attemptsOf(entry);
}

/** When its first attempt started; null when none did, or when that is no longer known. */
export function firstStart(entry: Entry): EpochMs | null {
  const [first] = attemptsOf(entry);
  if (first !== undefined) return first.attempt === 1 ? first.startedAt : null;
  return entry.attempt === 1 ? entry.startedAt : null;
}

/** How long after its due time it started: below zero where the clock was set back. */
export function latenessOf(entry: Entry): Ms | null {
  const start = firstStart(entry);
  return start === null ? null : start - entry.due;
}

/** How long the attempt went, or goes. */
export function durationOf({ phase, ending, startedAt }: Entry, now: EpochMs): Ms | null {
  if (phase === 'ended') return ending?.duration ?? null;
  return phase === 'started' && startedAt !== null ? Math.max(0, now - startedAt) : null;
}

/** How long it waited for what `waited` names, until it started, was given up, or until now. */
export function waitOf(entry: Entry, now: EpochMs): Ms | null {
  const { queuedAt, startedAt, skipped, phase } = entry;
  if (queuedAt === null) return null;
  const starts = [...attemptsOf(entry).map((ending) => ending.startedAt), ...(startedAt === null ? [] : [startedAt])];
  const until = starts.find((start) => start >= queuedAt) ?? skipped?.at ?? (phase === 'ended' ? null : now);
  return until === null ? null : Math.max(0, until - queuedAt);
}

/** `exit status 3`, `SIGKILL`, `exit status 1, ended by timeout`; '' where it never started or was lost. */
export function endText({ code, signal, endedBy }: Pick<Ending, 'code' | 'signal' | 'endedBy'>): string {
  const how = signal ?? (code === null ? '' : `exit status ${code}`);
  if (endedBy === 'itself' || endedBy === 'lost') return how;
  return how === '' ? `ended by ${endedBy}` : `${how}, ended by ${endedBy}`;
}

/** What there is to say of an entry besides its columns, in a few words. */
export function remarksOn(entry: Entry, now: EpochMs): string {
  const { phase, ending, skipped, count, left, resultCount, attempt } = entry;
  const words: string[] = [];
  if (skipped !== null && phase === 'skipped') words.push(`${skipped.reason}: ${skipped.detail}`);
  if (phase === 'ended' && ending !== null && ending.status !== 'OK') {
    // A reason says it all where there is neither a status nor a signal.
    words.push(...[endText(ending), ending.reason ?? ''].filter((text) => text !== ''));
  }
  if (phase === 'retry' && ending !== null) {
    const wait = entry.retryAt === null ? 0 : entry.retryAt - now;
    const left = wait > 0 ? `, again in ${formatDuration(wait)}` : ', again when it is its turn';
    words.push(`attempt ${ending.attempt}: ${ending.status}${left}`);
  } else if (attempt > 1) words.push(`attempt ${attempt}`);
  if (phase === 'waiting' && entry.waited !== null) words.push(`for ${describeWaited(entry.waited)}`);
  if (entry.byHand) words.push('by hand');
  if (count > 1) words.push(`for ${count} due times`);
  if (entry.absent !== null && phase !== 'skipped') words.push('missed');
  if (phase === 'ended' && resultCount > 0) words.push(resultCount === 1 ? '1 result' : `${resultCount} results`);
  if (left > 0) words.push(`left ${left} running`);
  return plain(words.join('; '));
}

const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** In one line, and without what would steer a terminal: what tasks and files say is not ours. */
export function plain(text: string): string {
  return text
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll(CONTROLS, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** 'a, b and c' */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
