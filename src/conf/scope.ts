/** The names that templates and conditions see (SPEC 4), made from a run's plain record. */
import { basename, dirname } from 'node:path';
import { DateTime } from 'luxon';
import type { EpochMs, ResultScope, Scope } from '../types.ts';

type Locals = Readonly<Record<string, unknown>>;

const RUN = {
  // A copy: no template may change the scheduler's own environment.
  env: (s: Scope) => Object.freeze(Object.assign(Object.create(null), s.env)),
  task_name: (s: Scope) => s.taskName,
  now: (s: Scope) => dateTime(s.now, s.zone),
  due: (s: Scope) => dateTime(s.due, s.zone),
  attempt: (s: Scope) => s.attempt,
  run_id: (s: Scope) => s.runId,
  host: (s: Scope) => Object.freeze({ name: s.host.name, id: s.host.id, cpus: s.host.cpus }),
} as const;

const RESULT = {
  task_ended_at: (s: ResultScope) => dateTime(s.endedAt, s.zone),
  label: (s: ResultScope) => s.label,
  label_ext: (s: ResultScope) => (s.label === '' ? '' : `-${s.label}`),
  ext: (s: ResultScope) => s.ext,
  default_path: (s: ResultScope) => pathOf(s.defaultPath),
} as const;

const RUN_NAMES: readonly string[] = Object.keys(RUN);
const RESULT_NAMES: readonly string[] = [...RUN_NAMES, ...Object.keys(RESULT)];

/** The names in scope: of a run, or of `path.result`, which has more. */
export function namesFor(kind: 'run' | 'result'): readonly string[] {
  return kind === 'run' ? RUN_NAMES : RESULT_NAMES;
}

/** The values of the names asked for. Throws an Error for a zone that Node does not know. */
export function localsOf(scope: Scope | ResultScope, names: readonly string[]): Locals {
  const locals: Record<string, unknown> = {};
  for (const name of names) {
    if (name in RUN) locals[name] = RUN[name as keyof typeof RUN](scope);
    else if ('endedAt' in scope) locals[name] = RESULT[name as keyof typeof RESULT](scope);
  }
  return locals;
}

function dateTime(instant: EpochMs, zone: string | null): DateTime {
  // A fixed locale: names of months must not depend on how the scheduler was started.
  const time = DateTime.fromMillis(instant, { zone: zone ?? 'system', locale: 'en-US' });
  if (!time.isValid)
    throw new Error(`the time zone ${zone} is not known to Node.js, which makes the times of templates`);
  return time;
}

/** Printable as it is, with the two parts that a template wants to change. */
function pathOf(path: string): { readonly dir: string; readonly base: string; toString(): string } {
  return Object.freeze({ dir: dirname(path), base: basename(path), toString: () => path });
}
