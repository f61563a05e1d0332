/**
 * Proves that what runs leave behind is whole, and there exactly where the ledger says so: results, what was kept of their
 * output, states, the spool. Pure, but for reading results.
 */
import type { Entry, Excerpt } from '../../src/types.ts';
import type { Case, Fault } from './checker.ts';
import { attemptKey } from './checker.ts';
import type { Evidence } from './evidence.ts';

const GOOD: readonly string[] = ['OK', 'Retry'];
const isOk = ({ phase, ending }: Entry): boolean => phase === 'ended' && ending?.status === 'OK';
const byEnd = (a: Entry, b: Entry): number => (a.ending?.endedAt ?? 0) - (b.ending?.endedAt ?? 0);

/** Every good run of a task with results has them all, whole; nothing else claims any. */
export function checkResults({ rule, entries }: Case, { files, read }: Evidence): Fault[] {
  const faults: Fault[] = [];
  const there = new Set(files);
  const good = entries.filter(isOk).sort(byEnd);
  // Of one place, and of a number that is kept, the latest stand there.
  const kept = rule.places === 'each' ? good.length : rule.places === 'one' ? 1 : rule.places;
  const standing = new Set(good.slice(Math.max(0, good.length - kept)));
  for (const entry of entries) {
    const { id, task, ending, results } = entry;
    const expected = isOk(entry) ? (rule.results?.({ id, attempt: ending?.attempt ?? 0 }) ?? []) : [];
    if (results.length !== expected.length || entry.resultCount !== expected.length) {
      faults.push({ sort: 'torn', text: `${task} ${id} has ${results.length} results, not ${expected.length}` });
      continue;
    }
    for (const wanted of expected) {
      const result = results.find(({ label, ext }) => label === wanted.label && ext === wanted.ext);
      const what = `${task} ${id}: the result ${wanted.label}${wanted.ext}`;
      if (result === undefined) faults.push({ sort: 'lost', text: `${what} is not among those recorded` });
      else if (result.size !== Buffer.byteLength(wanted.content))
        faults.push({ sort: 'torn', text: `${what} has ${result.size} bytes` });
      else if (!standing.has(entry)) {
        if (rule.places !== 'one' && there.has(result.path))
          faults.push({ sort: 'left over', text: `${what} was to be deleted` });
      } else if (!there.has(result.path)) faults.push({ sort: 'lost', text: `${what} is not at ${result.path}` });
      else if (read(result.path) !== wanted.content)
        faults.push({ sort: 'torn', text: `${what} is not whole in ${result.path}` });
    }
  }
  return faults;
}

/** What a run that was not good wrote stands with its record. */
export function checkOutputs({ rule, entries }: Case, { output }: Evidence): Fault[] {
  const { wrote } = rule;
  if (wrote === null) return [];
  const faults: Fault[] = [];
  for (const { id, task, phase, ending } of entries) {
    if (phase !== 'ended' || ending?.endedBy !== 'itself' || ending.status === 'OK') continue;
    const expected = wrote({ id, attempt: ending.attempt });
    const found = output(id);
    for (const stream of ['stdout', 'stderr'] as const) {
      const wanted = Buffer.from(expected[stream]);
      if (found === null) faults.push({ sort: 'lost', text: `${task} ${id}: nothing of its ${stream} was kept` });
      else if (!isExcerptOf(found[stream], wanted))
        faults.push({ sort: 'torn', text: `${task} ${id}: its ${stream} is not whole` });
    }
  }
  return faults;
}

function isExcerptOf({ head, tail, size }: Excerpt, whole: Buffer): boolean {
  const begins = whole.subarray(0, head.length).equals(head);
  return size === whole.length && begins && whole.subarray(whole.length - tail.length).equals(tail);
}

/** A task that counts its good attempts has counted each of them, once. */
export function checkStates({ rule, attempts }: Case, { states, journal }: Evidence): Fault[] {
  if (rule.counts === null) return [];
  const faults: Fault[] = [];
  const good = attempts
    .filter(({ ending }) => GOOD.includes(ending.status))
    .sort((a, b) => a.ending.endedAt - b.ending.endedAt);
  const starts = new Map(
    attempts.map(({ entry, ending }) => [attemptKey({ id: entry.id, attempt: ending.attempt }), ending]),
  );
  for (const line of journal) {
    const ending = starts.get(attemptKey(line));
    if (line.what !== 'S' || line.task !== rule.name || ending === undefined) continue;
    const before = good.filter((other) => other.ending.endedAt <= ending.startedAt).length;
    if (line.count !== before) {
      const text = `${rule.name} ${line.id}, attempt ${line.attempt}, was given the state ${line.count}, not ${before}`;
      faults.push({ sort: (line.count ?? 0) < before ? 'lost' : 'doubled', text });
    }
  }
  const state = states.get(rule.name) ?? null;
  const last = good.at(-1);
  if (last === undefined) {
    if (state !== null) faults.push({ sort: 'unexplained', text: `${rule.name} has a state, and no good run` });
    return faults;
  }
  const wanted = { n: good.length, id: last.entry.id, pad: '0'.repeat(rule.counts), end: good.length };
  if (JSON.stringify(state?.value) !== JSON.stringify(wanted)) {
    const found = (JSON.stringify(state?.value) ?? 'nothing').replace(/0{9,}/, '0…');
    faults.push({ sort: 'torn', text: `the state of ${rule.name} is ${found}, not that of its ${wanted.n} good ends` });
  }
  return faults;
}

/** No file and no folder stands where no entry says so. */
export function checkSpool(cases: readonly Case[], { files, spool, run, spoolFolder }: Evidence): Fault[] {
  const faults: Fault[] = [];
  const claims = new Map<string, string>();
  const lost = new Set<string>();
  const kept = new Set<string>();
  for (const { rule, entries, attempts } of cases) {
    for (const { id, results, kept: path } of entries) {
      for (const result of results) {
        const other = claims.get(result.path);
        if (other !== undefined && rule.places !== 'one') {
          faults.push({ sort: 'doubled', text: `${result.path} is a result of ${other} and of ${rule.name} ${id}` });
        }
        claims.set(result.path, `${rule.name} ${id}`);
      }
      if (path !== null) kept.add(path);
    }
    for (const { entry, ending } of attempts) {
      if (ending.status !== 'Lost') continue;
      lost.add(ending.attempt === 1 ? entry.id : `${entry.id}-${ending.attempt}`);
    }
  }
  for (const path of files) {
    if (!claims.has(path)) faults.push({ sort: 'left over', text: `${path} is a result of no run` });
  }
  for (const [name, inside] of spool) {
    if (lost.has(name) && inside.length === 1 && inside[0] === 'output') kept.delete(`${spoolFolder}/${name}/output`);
    else faults.push({ sort: 'left over', text: `${name} in the spool, with ${inside.join(', ') || 'nothing in it'}` });
  }
  for (const path of kept) faults.push({ sort: 'lost', text: `${path} was to be kept` });
  for (const name of run) faults.push({ sort: 'left over', text: `${name} in the run folder` });
  return faults;
}
