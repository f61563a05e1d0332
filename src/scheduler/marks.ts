/**
 * What a run leaves in its spool folder on its way, for the next start to find after a crash: `starting`, written just before
 * the spawn, and `outcome`, written before anything of its end can be seen. Promises that each is read back whole or not at
 * all: the final newline is written last, and a text without it is none.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { faultPoint } from '../faults.ts';
import type { PreparedResult } from '../output/result.ts';
import { writeAll } from '../output/result-file.ts';
import { synced, syncFolder } from '../output/sync.ts';
import { decodeEntry, encodeEntry } from '../state/entry.ts';
import { asFields, asName, asOneOf, asText, asWhole, parseJson } from '../state/guards.ts';
import type { StoredState } from '../state/store.ts';
import type { Entry, Excerpt } from '../types.ts';

export const MARK = 'starting';
export const OUTCOME = 'outcome';

/** The form of an outcome, in its field `v`. It grows when a field changes its meaning. */
const FORM = 1;

/** How an attempt ended and what is still to be done about it. */
export interface AttemptEnd {
  /** As concluded: `ended`, or `retry`; without its results, which have no place yet. */
  readonly entry: Entry;
  readonly results: readonly PreparedResult[];
  /** Some of the result could not be prepared: the whole output is to be kept. */
  readonly keep: boolean;
  readonly state: StoredState | null;
  /** Of a run that was not good; what it wrote to stdout is in the spool. */
  readonly stderr: Excerpt | null;
}

/** Not synced: it survives the end of the scheduler, and after that of the machine the plan counts. @throws a system error */
export function writeMark(folder: string, entry: Entry): void {
  writeFileSync(join(folder, MARK), `${encodeEntry(entry)}\n`, { mode: 0o600 });
}

/** Null for none, or one that is not whole: then nothing was spawned. */
export function readMark(folder: string): Entry | null {
  const text = readWhole(join(folder, MARK));
  return text === null ? null : decodeEntry(text);
}

/**
 * Synced, with its folder and that folder's own name, where results are to be published: they must not be seen while nobody
 * remembers, after a power cut, whose they are. Without results there is nothing to be seen before the transaction that
 * holds it all. @throws a system error, and then leaves nothing
 */
export async function writeOutcome(folder: string, end: AttemptEnd): Promise<void> {
  const path = join(folder, OUTCOME);
  const text = encodeOutcome(end);
  try {
    faultPoint('run.outcome');
    if (end.results.length === 0) writeFileSync(path, text, { mode: 0o600 });
    else {
      const file = await open(path, 'w', 0o600);
      try {
        await writeAll(file, Buffer.from(text));
        faultPoint('run.outcome-written');
        await synced(file);
      } finally {
        await file.close();
      }
      await Promise.all([syncFolder(folder), syncFolder(dirname(folder))]);
    }
    faultPoint('run.outcome-synced');
  } catch (error) {
    await rm(path, { force: true }).catch(() => {});
    throw error;
  }
}

/** Null for none, or one that is not whole. */
export function readOutcome(folder: string): AttemptEnd | null {
  const text = readWhole(join(folder, OUTCOME));
  return text === null ? null : decodeOutcome(text);
}

function readWhole(path: string): string | null {
  try {
    const text = readFileSync(path, 'utf8');
    return text.endsWith('\n') ? text : null;
  } catch {
    return null;
  }
}

export function encodeOutcome({ entry, stderr, ...rest }: AttemptEnd): string {
  const excerpt = stderr && { ...stderr, head: stderr.head.toString('base64'), tail: stderr.tail.toString('base64') };
  return `${JSON.stringify({ v: FORM, entry: JSON.parse(encodeEntry(entry)), ...rest, stderr: excerpt })}\n`;
}

/** Null for what cannot be read in every part: half an outcome is none. */
export function decodeOutcome(text: string): AttemptEnd | null {
  const fields = asFields(parseJson(text));
  if (fields === null || fields.v !== FORM || !Array.isArray(fields.results)) return null;
  const entry = decodeEntry(JSON.stringify(fields.entry ?? null));
  const results = fields.results.map(readPrepared);
  if (entry === null || entry.ending === null || !results.every((result) => result !== null)) return null;
  return {
    entry,
    results,
    keep: fields.keep === true,
    state: readState(fields.state),
    stderr: readStderr(fields.stderr),
  };
}

function readPrepared(value: unknown): PreparedResult | null {
  const fields = asFields(value);
  const [temporary, target] = [asName(fields?.temporary), asName(fields?.target)];
  const [dev, ino] = [asName(fields?.dev), asName(fields?.ino)];
  const onConflict = asOneOf(['rename', 'replace'], fields?.onConflict);
  if (fields === null || temporary === null || target === null) return null;
  if (dev === null || ino === null || onConflict === null) return null;
  const [suffix = '', label = '', ext = ''] = [fields.suffix, fields.label, fields.ext].map(
    (text) => asText(text) ?? '',
  );
  const size = asWhole(fields.size, 0) ?? 0;
  // An older version knew of none; one that cannot be read must not become the scheduler.
  const owner = asWhole(fields.owner ?? null, 0);
  if (owner === null && (fields.owner ?? null) !== null) return null;
  return { temporary, target, suffix, label, ext, size, onConflict, owner, dev, ino };
}

function readState(value: unknown): StoredState | null {
  const fields = asFields(value);
  const kind = asOneOf(['structure', 'text'], fields?.kind);
  return fields === null || kind === null || !('value' in fields) ? null : { kind, value: fields.value };
}

function readStderr(value: unknown): Excerpt | null {
  const fields = asFields(value);
  if (fields === null) return null;
  const [head, tail] = [fields.head, fields.tail].map((text) => Buffer.from(asText(text) ?? '', 'base64'));
  if (head === undefined || tail === undefined) return null;
  return { head, tail, size: Math.max(head.length + tail.length, asWhole(fields.size, 0) ?? 0) };
}
