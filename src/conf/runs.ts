/** `retry` and `history` as records, every default and unit applied (SPEC 3.1, 7, 12). For settings and resolve. Pure. */
import type { History, Ms, Retry } from '../types.ts';
import { effective, pick } from './layers.ts';
import type { DefaultsInput, TaskInput } from './schema.ts';
import { parseLength } from './sizes.ts';

const LIMIT = 3;
const DELAY: Ms = 30_000;
const BACKOFF = 2;
const MAX_DELAY: Ms = 600_000;
const ON = ['retry', 'error', 'timeout'] as const;

/** What the task and the defaults file say of it, in this order; null for no retry. */
export function retryOf(layers: readonly TaskInput['retry'][]): Retry | null {
  // A bare number is the limit alone: the rest comes from below, as for other mappings.
  const said = effective(layers).map((layer) => (typeof layer === 'number' ? { limit: layer } : layer));
  const limit = said.length === 0 ? 0 : (pick('limit', ...said) ?? LIMIT);
  if (limit === 0) return null;
  const delay = msOf(pick('delay', ...said)) ?? DELAY;
  return Object.freeze({
    limit,
    delay,
    backoff: pick('backoff', ...said) ?? BACKOFF,
    // Who asks for a longer delay than that, and says no more, means it.
    maxDelay: msOf(pick('max_delay', ...said)) ?? Math.max(MAX_DELAY, delay),
    on: Object.freeze([...new Set(pick('on', ...said) ?? ON)]),
  });
}

const MAX_RUNS = 1000;
const MAX_AGE: Ms = 90 * 86_400_000;

/** What the ledger keeps. `max_age: null` or false is any age; not given it is 90 days. */
export function historyOf(said: DefaultsInput['history']): History {
  const age = said?.max_age;
  return Object.freeze({
    maxRuns: said?.max_runs ?? MAX_RUNS,
    maxFailures: said?.max_failures ?? MAX_RUNS,
    maxAge: age === undefined ? MAX_AGE : age === false ? null : msOf(age),
  });
}

const PATIENCE: Ms = 600_000;

/** How long a run that tenancy alone keeps back may be overtaken (SPEC 6). */
export function patienceOf(scheduling: DefaultsInput['scheduling']): Ms {
  return msOf(scheduling?.patience) ?? PATIENCE;
}

function msOf(length: string | number | null | undefined): Ms | null {
  return length === null || length === undefined ? null : parseLength(length);
}
