/** An entry of the ledger as JSON (SPEC 12), the same from `fate runs`, `fate show` and `fate why`. Pure. */
import type { Ending, Entry, EpochMs } from '../types.ts';
import { beforeLast, durationOf, firstStart, lastOf, latenessOf, standingOf, waitOf } from './words.ts';

const iso = (at: EpochMs | null): string | null => (at === null ? null : new Date(at).toISOString());

/**
 * Times are ISO 8601 in UTC, lengths milliseconds, sizes bytes; null is what there is not (yet).
 * @param timezone the task's, null for the system's or where the configuration does not know the task
 */
export function entryJson(entry: Entry, timezone: string | null, now: EpochMs): Record<string, unknown> {
  const { phase, skipped } = entry;
  const last = lastOf(entry);
  return {
    run: entry.id,
    task: entry.task,
    phase,
    status: standingOf(entry),
    due: iso(entry.due),
    first: iso(entry.first),
    count: entry.count,
    timezone,
    by_hand: entry.byHand,
    planned: iso(entry.plannedAt),
    queued: iso(entry.queuedAt),
    started: iso(last?.startedAt ?? entry.startedAt),
    ended: iso(last?.endedAt ?? null),
    attempt: entry.attempt,
    exitcode: last?.code ?? null,
    signal: last?.signal ?? null,
    ended_by: last?.endedBy ?? null,
    reason: last?.reason ?? null,
    duration_ms: durationOf(entry, now),
    memory: last?.memory ?? null,
    cpu_ms: last?.cpu ?? null,
    first_started: iso(firstStart(entry)),
    lateness_ms: latenessOf(entry),
    absent: entry.absent,
    waited: waitedJson(entry, now),
    skipped: skipped === null ? null : { reason: skipped.reason, detail: skipped.detail, at: iso(skipped.at) },
    retry: iso(entry.retryAt),
    earlier: beforeLast(entry).map(endingJson),
    pid: entry.pid,
    results: entry.results.map(({ path, label, ext, size }) => ({ path, label, ext, size })),
    result_count: entry.resultCount,
    sizes: { stdout: entry.stdoutBytes },
    left: entry.left,
    kept: entry.kept,
  };
}

function waitedJson(entry: Entry, now: EpochMs): Record<string, unknown> | null {
  if (entry.waited === null) return null;
  const { for: what, mutex = null, who } = entry.waited;
  return { for: what, mutex, who, ms: waitOf(entry, now) };
}

function endingJson(ending: Ending): Record<string, unknown> {
  return {
    attempt: ending.attempt,
    started: iso(ending.startedAt),
    ended: iso(ending.endedAt),
    status: ending.status,
    exitcode: ending.code,
    signal: ending.signal,
    ended_by: ending.endedBy,
    reason: ending.reason,
    duration_ms: ending.duration,
    memory: ending.memory,
    cpu_ms: ending.cpu,
  };
}
