/**
 * Proves from what a campaign left behind that nothing was lost, doubled, torn or left unexplained. Promises to know nothing
 * of how the scheduler works: it counts due times itself, and holds against each other what the tasks wrote, what the
 * ledger says, and what stands in the result folder. Pure, but for reading results.
 */
import type { Ending, Entry, EpochMs } from '../../src/types.ts';
import { checkOrder } from './checker-order.ts';
import { checkOutputs, checkResults, checkSpool, checkStates } from './checker-traces.ts';
import type { Evidence, Line } from './evidence.ts';
import type { Rule } from './load.ts';

export const SORTS = ['lost', 'doubled', 'torn', 'unexplained', 'overlapping', 'left over'] as const;
export interface Fault {
  readonly sort: (typeof SORTS)[number];
  readonly text: string;
}

/** One attempt of an entry, as the ledger tells of it. */
export interface Attempt {
  readonly entry: Entry;
  readonly ending: Ending;
  readonly rule: Rule;
}

/** All that one task left. */
export interface Case {
  readonly rule: Rule;
  readonly entries: readonly Entry[];
  readonly attempts: readonly Attempt[];
}

export interface Verdict {
  readonly faults: readonly Fault[];
  readonly figures: {
    readonly dues: number;
    readonly entries: number;
    readonly attempts: number;
    readonly starts: number;
  };
}

export const attemptKey = ({ id, attempt }: { id: string; attempt: number }): string => `${id}-${attempt}`;

export function check(evidence: Evidence, rules: readonly Rule[]): Verdict {
  const faults: Fault[] = [];
  const all = [...evidence.open, ...evidence.closed];
  const byTask = new Map<string, Entry[]>(rules.map(({ name }) => [name, []]));
  for (const entry of all) {
    const entries = byTask.get(entry.task);
    if (entries === undefined)
      faults.push({ sort: 'unexplained', text: `${entry.task} is in the ledger, and no task` });
    else entries.push(entry);
  }
  const cases = rules.map((rule): Case => {
    const entries = (byTask.get(rule.name) ?? []).sort((a, b) => a.first - b.first);
    return { rule, entries, attempts: entries.flatMap((entry) => attemptsOf(entry, rule)) };
  });
  faults.push(...evidence.torn.map((text): Fault => ({ sort: 'torn', text: `a line of the journal: ${text}` })));
  faults.push(...checkIds(all));
  let dues = 0;
  for (const one of cases) {
    const coverage = checkCoverage(one, evidence);
    dues += coverage.dues;
    faults.push(...coverage.faults, ...checkReasons(one), ...checkEnds(one));
    faults.push(...checkResults(one, evidence), ...checkOutputs(one, evidence), ...checkStates(one, evidence));
  }
  const attempts = cases.flatMap((one) => one.attempts);
  faults.push(...checkJournal(attempts, all, evidence.journal));
  faults.push(...checkOrder(attempts, evidence.journal), ...checkSpool(cases, evidence));
  const starts = evidence.journal.filter(({ what }) => what === 'S').length;
  return { faults, figures: { dues, entries: all.length, attempts: attempts.length, starts } };
}

function attemptsOf(entry: Entry, rule: Rule): Attempt[] {
  return [...entry.earlier, ...(entry.ending === null ? [] : [entry.ending])].map((ending) => ({
    entry,
    ending,
    rule,
  }));
}

function checkIds(entries: readonly Entry[]): Fault[] {
  const seen = new Set<string>();
  const faults: Fault[] = [];
  for (const { id, task } of entries) {
    if (seen.has(id)) faults.push({ sort: 'doubled', text: `${task}: the run id ${id} is there twice` });
    seen.add(id);
  }
  return faults;
}

const iso = (at: EpochMs): string => new Date(at).toISOString();
const name = ({ task, id, first, due }: Entry): string =>
  `${task} ${id} (${first === due ? '' : `${iso(first)} to `}${iso(due)})`;

/** Every due time has exactly one entry. */
function checkCoverage({ rule, entries }: Case, { span }: Evidence): { dues: number; faults: Fault[] } {
  const faults: Fault[] = [];
  const { period } = rule;
  const covered = new Map<EpochMs, number>();
  for (const entry of entries) {
    const { first, due, count } = entry;
    if (first % period !== 0 || due % period !== 0 || first > due || first <= span.from || due > span.to) {
      faults.push({ sort: 'unexplained', text: `${name(entry)} is not of times at which it was due` });
      continue;
    }
    const times = (due - first) / period + 1;
    if (count !== times) {
      faults.push({ sort: 'unexplained', text: `${name(entry)} says ${count} due times, and stands for ${times}` });
    }
    for (let at = first; at <= due; at += period) covered.set(at, (covered.get(at) ?? 0) + 1);
  }
  const begin = Math.min(span.sure, (entries[0]?.first ?? span.sure) - 1);
  let dues = 0;
  for (let at = Math.floor(begin / period + 1) * period; at <= span.to; at += period) {
    const times = covered.get(at) ?? 0;
    if (times > 0 || at <= span.until) dues += 1;
    if (times === 0 && at <= span.until) faults.push({ sort: 'lost', text: `${rule.name} was due at ${iso(at)}` });
    if (times > 1) faults.push({ sort: 'doubled', text: `${rule.name} has ${times} entries for ${iso(at)}` });
  }
  return { dues, faults };
}

/** What was not run says why, and it is true; what waits does so for a reason. */
function checkReasons({ rule, entries }: Case): Fault[] {
  const faults: Fault[] = [];
  const add = (entry: Entry, text: string): void => {
    faults.push({ sort: 'unexplained', text: `${name(entry)} ${text}` });
  };
  for (const entry of entries) {
    const { phase, skipped, ending, due } = entry;
    if (phase === 'started') add(entry, 'is open as started after a clean stop');
    if (phase === 'retry' && rule.retry === null) add(entry, 'waits for a retry, and its task has none');
    if (phase === 'ended' && ending === null) add(entry, 'has ended, and nobody knows how');
    // What had an attempt before is `ended`, and may be given up all the same while it waits for the next.
    if (phase !== 'skipped' && skipped === null) continue;
    if (skipped === null) add(entry, 'was skipped without a reason');
    else if (!isTrue(entry, skipped, rule, entries)) add(entry, `was skipped: ${skipped.reason} (${skipped.detail})`);
    if (phase === 'skipped' && ending !== null) add(entry, 'was skipped, and has run');
    if (rule.condition?.(due) === false && skipped?.reason === 'max_wait')
      add(entry, 'waited though its condition is false');
  }
  return faults;
}

const MISSED_AFTER = 60_000;
/** Between the moment at which something is decided and that at which it is written down. */
const SLACK = 100;

function isTrue(
  entry: Entry,
  { reason, at }: NonNullable<Entry['skipped']>,
  rule: Rule,
  entries: readonly Entry[],
): boolean {
  switch (reason) {
    case 'condition':
      return rule.condition?.(entry.due) === false;
    case 'overlap':
      return entries.some((other) => other.id !== entry.id && isGoingAt(other, at));
    case 'missed':
      return entry.absent !== null && rule.missed !== 'once' && at - entry.due > MISSED_AFTER;
    case 'max_wait':
      return rule.mayGiveUp;
    default:
      return false;
  }
}

/** Whether a run waits, or goes, or its end is being recorded, or it took the place of one that waited. */
function isGoingAt({ phase, due, ending, skipped, queuedAt }: Entry, at: EpochMs): boolean {
  if (due > at + SLACK) return false;
  if (phase === 'skipped') return skipped?.reason !== 'condition' && queuedAt !== null && (skipped?.at ?? 0) >= at;
  // Its end is on the disk a little later than it was.
  return phase !== 'ended' || ending === null || ending.endedAt >= at - RECORDING;
}
/** On a busy machine the results of a run are prepared, synced and linked for so long. */
const RECORDING = 5_000;

/** Each attempt ended as its task does, and was tried again if its task says so. */
function checkEnds({ rule, entries, attempts }: Case): Fault[] {
  const faults: Fault[] = [];
  for (const { entry, ending } of attempts) {
    const { status, endedBy } = ending;
    const stopped = endedBy === 'stop' && (status === 'Terminated' || status === 'Killed');
    if (status === 'Lost' ? endedBy !== 'lost' : !stopped && !rule.ends.includes(status)) {
      faults.push({ sort: 'unexplained', text: `${name(entry)}: ${status} by ${endedBy}: ${ending.reason}` });
    }
    if (rule.condition?.(entry.due) === false) {
      faults.push({ sort: 'unexplained', text: `${name(entry)} ran, and its condition is false` });
    }
  }
  for (const entry of entries) {
    const numbers = [...entry.earlier, entry.ending].flatMap((ending) => ending?.attempt ?? []);
    if (numbers.some((number, i) => number !== i + 1)) {
      faults.push({ sort: 'unexplained', text: `${name(entry)} has the attempts ${numbers.join(', ')}` });
    }
    const last = entry.ending;
    if (entry.phase !== 'ended' || entry.skipped !== null || last === null || rule.retry === null) continue;
    const cause = last.status === 'Terminated' || last.status === 'Killed' ? null : last.status.toLowerCase();
    if (rule.retry.on.some((on) => on === cause) && last.attempt <= rule.retry.limit) {
      faults.push({ sort: 'lost', text: `${name(entry)}: no retry after attempt ${last.attempt}, ${last.status}` });
    }
  }
  return faults;
}

/** Each attempt that the ledger tells of was started once, and no other. */
function checkJournal(attempts: readonly Attempt[], entries: readonly Entry[], journal: readonly Line[]): Fault[] {
  const faults: Fault[] = [];
  const entryOf = new Map(entries.map((entry) => [entry.id, entry]));
  const ends = new Map(
    attempts.map(({ entry, ending }) => [attemptKey({ id: entry.id, attempt: ending.attempt }), ending]),
  );
  const lines = { S: new Map<string, number>(), E: new Map<string, number>() };
  for (const line of journal) {
    const key = attemptKey(line);
    const times = (lines[line.what].get(key) ?? 0) + 1;
    lines[line.what].set(key, times);
    const what = `${line.task} ${line.id}, attempt ${line.attempt},`;
    if (times > 1)
      faults.push({ sort: 'doubled', text: `${what} ${line.what === 'S' ? 'started' : 'ended'} ${times} times` });
    if (line.what === 'E' && !lines.S.has(key)) faults.push({ sort: 'torn', text: `${what} ended without a start` });
    const entry = entryOf.get(line.id);
    const ending = ends.get(key);
    if (ending === undefined)
      faults.push({ sort: 'unexplained', text: `${what} ran, and the ledger has no end of it` });
    else if (ending.status === 'Failed') faults.push({ sort: 'unexplained', text: `${what} ran, and it says Failed` });
    if (entry === undefined || line.due === null) continue;
    if (entry.task !== line.task || entry.due !== line.due) {
      faults.push({
        sort: 'unexplained',
        text: `${what} was told that it was due at ${iso(line.due)}: ${name(entry)}`,
      });
    }
  }
  for (const { entry, ending } of attempts) {
    const key = attemptKey({ id: entry.id, attempt: ending.attempt });
    if (ending.endedBy !== 'itself' || ending.status === 'Failed') continue;
    const what = `${name(entry)}, attempt ${ending.attempt}, ${ending.status},`;
    if (!lines.S.has(key)) faults.push({ sort: 'lost', text: `${what} never began` });
    else if (!lines.E.has(key)) faults.push({ sort: 'lost', text: `${what} never came to its end` });
  }
  return faults;
}
