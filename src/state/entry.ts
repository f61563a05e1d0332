/**
 * An entry of the ledger as text: one line of JSON, in the store and in the spool. Promises every reader an Entry whose fields
 * have the types that types.ts says, from whatever version wrote it, or null.
 */
import {
  type EndedBy,
  type Ending,
  type Entry,
  type EpochMs,
  type Phase,
  type RecordedResult,
  SKIP_REASONS,
  type Status,
  type Waited,
} from '../types.ts';
import { asFields, asInstant, asList, asName, asOneOf, asText, asWhole, type Fields, parseJson } from './guards.ts';

/** The form of a record, in its field `v`. It grows when a field changes its meaning, not when one is added. */
const FORM = 1;

/** What makes a record of form n one of n + 1 stands at n - 1. A newer form is read as far as it is understood. */
const UPGRADES: readonly ((record: Fields) => Fields)[] = [];

const PHASES: readonly Phase[] = ['planned', 'waiting', 'started', 'retry', 'ended', 'skipped'];
const STATUSES: readonly Status[] = [
  ...(['OK', 'Retry', 'Error', 'Killed', 'Terminated', 'Signaled', 'Timeout', 'Failed', 'Lost'] as const),
];
const ENDED_BY: readonly EndedBy[] = ['itself', 'timeout', 'stop', 'kill', 'replace', 'limit', 'lost'];
const WAITED_FOR: readonly Waited['for'][] = ['tenancy', 'patience', 'mutex', 'overlap', 'room'];

/** What of a list an entry holds (types.ts). */
export const MOST = { earlier: 20, results: 100, who: 5 } as const;

/** An entry of which nothing is known but these: what encodeEntry leaves out, and what decodeEntry puts there. */
export function bareEntry(id: string, task: string, due: EpochMs, phase: Phase): Entry {
  return {
    id,
    task,
    due,
    first: due,
    count: 1,
    phase,
    attempt: 1,
    plannedAt: due,
    absent: null,
    inTurn: false,
    byHand: false,
    queuedAt: null,
    waited: null,
    startedAt: null,
    pid: null,
    retryAt: null,
    ending: null,
    earlier: [],
    skipped: null,
    results: [],
    resultCount: 0,
    stdoutBytes: 0,
    left: 0,
    kept: null,
  };
}

/** Compact JSON in one line: what is null, empty or the default is left out. */
export function encodeEntry(entry: Entry): string {
  const { id, task, due, phase, ending, earlier, results } = entry;
  const usual: Fields = { ...bareEntry(id, task, due, phase), resultCount: results.length };
  const written: Record<string, unknown> = { v: FORM, id, task, due, phase };
  for (const [name, value] of Object.entries(entry)) {
    const empty = Array.isArray(value) && value.length === 0;
    if (value !== usual[name] && !empty) written[name] = value;
  }
  if (ending !== null) written.ending = endingFields(ending);
  if (earlier.length > 0) written.earlier = earlier.slice(-MOST.earlier).map(endingFields);
  if (results.length > MOST.results) written.results = results.slice(0, MOST.results);
  return JSON.stringify(written);
}

/** Fields that are undefined do not appear in JSON. */
function endingFields(ending: Ending): Fields {
  const { attempt, duration, code, signal, endedBy, reason, memory, cpu, ...rest } = ending;
  return {
    attempt: attempt === 1 ? undefined : attempt,
    ...rest,
    duration: duration === durationOf(rest) ? undefined : duration,
    code: code ?? undefined,
    signal: signal ?? undefined,
    endedBy: endedBy === 'itself' ? undefined : endedBy,
    reason: reason ?? undefined,
    memory: memory ?? undefined,
    cpu: cpu ?? undefined,
  };
}

const durationOf = ({ startedAt, endedAt }: { startedAt: EpochMs; endedAt: EpochMs }): number =>
  Math.max(0, endedAt - startedAt);

/** Null for what cannot be read as an entry. Reads every older version, never throws, never answers a field of a wrong type. */
export function decodeEntry(text: string): Entry | null {
  const record = upgrade(asFields(parseJson(text)));
  if (record === null) return null;
  const [id, task, due] = [asName(record.id), asName(record.task), asInstant(record.due)];
  const phase = asOneOf(PHASES, record.phase);
  if (id === null || task === null || due === null || phase === null) return null;
  const results = asList(record.results, readResult).slice(0, MOST.results);
  return {
    ...bareEntry(id, task, due, phase),
    first: Math.min(due, asInstant(record.first) ?? due),
    count: asWhole(record.count, 1) ?? 1,
    attempt: asWhole(record.attempt, 1) ?? 1,
    plannedAt: asInstant(record.plannedAt) ?? due,
    absent: asOneOf(['off', 'clock', 'invalid'], record.absent),
    inTurn: record.inTurn === true,
    byHand: record.byHand === true,
    queuedAt: asInstant(record.queuedAt),
    waited: readWaited(record.waited),
    startedAt: asInstant(record.startedAt),
    pid: asWhole(record.pid, 1),
    retryAt: asInstant(record.retryAt),
    ending: readEnding(record.ending),
    earlier: asList(record.earlier, readEnding).slice(-MOST.earlier),
    skipped: readSkipped(record.skipped, due),
    results,
    resultCount: Math.max(results.length, asWhole(record.resultCount, 0) ?? 0),
    stdoutBytes: asWhole(record.stdoutBytes, 0) ?? 0,
    left: asWhole(record.left, 0) ?? 0,
    kept: asName(record.kept),
  };
}

function upgrade(record: Fields | null): Fields | null {
  if (record === null) return null;
  // A record without it is as old as can be.
  return UPGRADES.slice((asWhole(record.v, 1) ?? 1) - 1).reduce((older, step) => step(older), record);
}

function readEnding(value: unknown): Ending | null {
  const fields = asFields(value);
  const status = asOneOf(STATUSES, fields?.status);
  const endedAt = asInstant(fields?.endedAt);
  if (fields === null || status === null || endedAt === null) return null;
  const startedAt = asInstant(fields.startedAt) ?? endedAt;
  return {
    attempt: asWhole(fields.attempt, 1) ?? 1,
    startedAt,
    endedAt,
    duration: asWhole(fields.duration, 0) ?? durationOf({ startedAt, endedAt }),
    status,
    code: asWhole(fields.code, 0),
    signal: asName(fields.signal),
    endedBy: asOneOf(ENDED_BY, fields.endedBy) ?? 'itself',
    reason: asText(fields.reason),
    memory: asWhole(fields.memory, 0),
    cpu: asWhole(fields.cpu, 0),
  };
}

function readWaited(value: unknown): Waited | null {
  const fields = asFields(value);
  const what = asOneOf(WAITED_FOR, fields?.for);
  const who = asList(fields?.who, asText).slice(0, MOST.who);
  const mutex = asName(fields?.mutex);
  return what === null ? null : { for: what, ...(mutex !== null && { mutex }), who };
}

function readSkipped(value: unknown, due: EpochMs): Entry['skipped'] {
  const fields = asFields(value);
  const reason = asOneOf(SKIP_REASONS, fields?.reason);
  if (fields === null || reason === null) return null;
  return { reason, detail: asText(fields.detail) ?? '', at: asInstant(fields.at) ?? due };
}

function readResult(value: unknown): RecordedResult | null {
  const fields = asFields(value);
  const path = asName(fields?.path);
  if (fields === null || path === null) return null;
  const [label, ext] = [asText(fields.label) ?? '', asText(fields.ext) ?? ''];
  return { path, label, ext, size: asWhole(fields.size, 0) ?? 0 };
}
