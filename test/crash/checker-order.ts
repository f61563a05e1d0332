/**
 * Proves that runs kept apart by overlap, mutex or tenancy were apart: by the order of the lines that they wrote themselves,
 * and by the times in the ledger. Pure.
 */
import type { Attempt, Fault } from './checker.ts';
import { attemptKey } from './checker.ts';
import type { Line } from './evidence.ts';

export function checkOrder(attempts: readonly Attempt[], journal: readonly Line[]): Fault[] {
  const said = new Set(journal.filter(({ what }) => what === 'E').map(attemptKey));
  const timed = attempts.filter((attempt) => isTimed(attempt, said));
  return [...checkTimes(timed), ...checkLines(attempts, journal), ...checkTenancy(timed)];
}

/**
 * Whether it went until the ledger says. One that was lost may have ended before the daemon did, and made place for others:
 * one that said its end itself, or that the daemon may have been ending.
 */
function isTimed({ entry, ending, rule }: Attempt, said: ReadonlySet<string>): boolean {
  if (ending.status !== 'Lost') return ending.status !== 'Failed';
  const ended = rule.ends.includes('Timeout') || rule.ends.includes('Terminated');
  return !ended && !said.has(attemptKey({ id: entry.id, attempt: ending.attempt }));
}

const named = ({ entry, ending }: Attempt): string => `${entry.task} ${entry.id}, attempt ${ending.attempt}`;

/** By the ledger: of one group the next begins when the one before has ended. */
function checkTimes(attempts: readonly Attempt[]): Fault[] {
  const groups = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    for (const group of attempt.rule.groups) groups.set(group, [...(groups.get(group) ?? []), attempt]);
  }
  const faults: Fault[] = [];
  for (const [group, members] of groups) {
    const sorted = members.sort(
      (a, b) => a.ending.startedAt - b.ending.startedAt || a.ending.endedAt - b.ending.endedAt,
    );
    let before: Attempt | undefined;
    for (const attempt of sorted) {
      if (before !== undefined && before.ending.endedAt > attempt.ending.startedAt) {
        const text = `${named(attempt)} began before ${named(before)} had ended, by the ledger (${group})`;
        faults.push({ sort: 'overlapping', text });
      }
      if (before === undefined || attempt.ending.endedAt > before.ending.endedAt) before = attempt;
    }
  }
  return faults;
}

/** By the journal, whose lines stand in the order in which they were written: what ends by itself says so before the next starts. */
function checkLines(attempts: readonly Attempt[], journal: readonly Line[]): Fault[] {
  const known = new Map(attempts.map((one) => [attemptKey({ id: one.entry.id, attempt: one.ending.attempt }), one]));
  const going = new Map<string, Attempt>();
  const faults: Fault[] = [];
  for (const line of journal) {
    const attempt = known.get(attemptKey(line));
    if (attempt === undefined) continue;
    for (const group of attempt.rule.groups) {
      const other = going.get(group);
      if (line.what === 'E') {
        if (other === attempt) going.delete(group);
        continue;
      }
      if (other?.ending.endedBy === 'itself') {
        const text = `${named(attempt)} began before ${named(other)} had ended, by the journal (${group})`;
        faults.push({ sort: 'overlapping', text });
      }
      going.set(group, attempt);
    }
  }
  return faults;
}

/** At every moment the number of running tasks is at most the smallest tenancy among them (SPEC 6). */
function checkTenancy(attempts: readonly Attempt[]): Fault[] {
  const events = attempts
    .filter(({ ending }) => ending.endedAt > ending.startedAt)
    .flatMap((attempt) => [
      { at: attempt.ending.startedAt, attempt, starts: true },
      { at: attempt.ending.endedAt, attempt, starts: false },
    ])
    .sort((a, b) => a.at - b.at || Number(a.starts) - Number(b.starts));
  const running = new Set<Attempt>();
  const faults: Fault[] = [];
  for (const { attempt, starts } of events) {
    if (!starts) {
      running.delete(attempt);
      continue;
    }
    running.add(attempt);
    const most = Math.min(...[...running].map(({ rule }) => rule.tenancy));
    if (running.size > most) {
      faults.push({
        sort: 'overlapping',
        text: `${running.size} run, at most ${most} may, as ${named(attempt)} starts`,
      });
    }
  }
  return faults;
}
