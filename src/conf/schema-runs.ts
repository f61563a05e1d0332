/** The shape of what says when a due run starts, and whether once more (SPEC 3.1, 6, 7, 12). For the schema. Pure. */
import * as z from 'zod/mini';
import { RETRY_CAUSES } from '../types.ts';
import { alternatives } from './problems.ts';
import { EXPECTED, length, mapping, off, text, whole, word } from './schema-parts.ts';

const OVERLAP = ['skip', 'queue', 'allow', 'replace'] as const;
const common = {
  tenancy: off(whole(1, 'a number of tasks from 1')),
  overlap: off(word(OVERLAP, alternatives(OVERLAP))),
  mutex: off(text('a name that tasks share')),
  max_wait: off(length(1, EXPECTED.positive)),
};

export const scheduling = mapping(common, 'a mapping with tenancy, overlap, mutex or max_wait');
export const defaultScheduling = mapping(
  { ...common, patience: off(length(0, EXPECTED.length)), cgroup: off(z.boolean('true or false')) },
  'a mapping with tenancy, overlap, mutex, max_wait, patience or cgroup',
);

const RETRY = 'a number of retries, or a mapping with limit, delay, backoff, max_delay or on';
const LIMIT = 'a number of retries from 0';
const BACKOFF = 'a number from 1';
const CAUSE = alternatives(RETRY_CAUSES);
const CAUSES = `a list out of ${RETRY_CAUSES.join(', ')}`;

export const retry = z.union(
  [
    whole(0, RETRY),
    mapping(
      {
        limit: off(whole(0, LIMIT)),
        delay: off(length(0, EXPECTED.length)),
        backoff: off(z.number(BACKOFF).check(z.minimum(1, BACKOFF))),
        max_delay: off(length(1, EXPECTED.positive)),
        on: off(z.array(word(RETRY_CAUSES, CAUSE), CAUSES).check(z.minLength(1, CAUSES))),
      },
      RETRY,
    ),
  ],
  RETRY,
);

export const history = mapping(
  {
    max_runs: off(whole(0, 'a number of runs from 0')),
    max_failures: off(whole(0, 'a number of runs from 0')),
    max_age: off(z.union([length(1, EXPECTED.age), z.literal(false, EXPECTED.age)], EXPECTED.age)),
  },
  'a mapping with max_runs, max_failures or max_age',
);
