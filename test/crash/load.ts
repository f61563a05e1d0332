/**
 * The load of the crash harness: tasks of every kind that a crash may catch, as a configuration for the daemon and as rules
 * for the checker. Promises both that they come from one table, so that neither can know of a task what the other does not.
 */
import { join } from 'node:path';
import type { EpochMs, MissedPolicy, Ms, RetryCause, Status } from '../../src/types.ts';
import { repo } from '../helpers/repo.ts';

/** A result that a good run makes. */
export interface ExpectedResult {
  readonly label: string;
  readonly ext: string;
  readonly content: string;
}

/** One attempt of one run, which is all that the content of a result depends on. */
export interface AttemptId {
  readonly id: string;
  readonly attempt: number;
}

/** What the checker knows of a task. */
export interface Rule {
  readonly name: string;
  /** Due at every multiple of it since the epoch. */
  readonly period: Ms;
  /** Runs of one group never overlap: the task's own, and of its mutex. */
  readonly groups: readonly string[];
  readonly tenancy: number;
  /** How an attempt of it may end, besides being lost or stopped. */
  readonly ends: readonly Status[];
  readonly retry: { readonly limit: number; readonly on: readonly RetryCause[] } | null;
  readonly missed: MissedPolicy;
  readonly mayGiveUp: boolean;
  /** Whether the condition holds for a due time; null without one. */
  readonly condition: ((due: EpochMs) => boolean) | null;
  /** Of a run that ended OK. */
  readonly results: ((run: AttemptId) => readonly ExpectedResult[]) | null;
  /** `each`: a file of its own for each run; `one`: the same for all; a number: the latest so many stay. */
  readonly places: 'each' | 'one' | number;
  /** Its state counts its good attempts; the length of what fills it up. */
  readonly counts: number | null;
  /** What a run that was not good wrote. */
  readonly wrote: ((run: AttemptId) => { readonly stdout: string; readonly stderr: string }) | null;
}

interface Kind extends Partial<Omit<Rule, 'name' | 'period'>> {
  /** What load.sh is called with. */
  readonly does: string;
  readonly schedule?: string;
  /** Further lines of TOML. */
  readonly settings?: string;
}

const zeros = (length: number): string => '0'.repeat(length);

export function resultText({ id, attempt }: AttemptId, pad: number): string {
  return `{"id":"${id}","attempt":${attempt},"pad":"${zeros(pad)}","end":"${id}"}\n`;
}

const json = (pad: number) => (run: AttemptId) => [{ label: '', ext: '.json', content: resultText(run, pad) }];

const archive = (run: AttemptId): readonly ExpectedResult[] => [
  { label: 'small', ext: '.json', content: resultText(run, 10) },
  { label: 'large', ext: '.json', content: resultText(run, 70_000) },
  { label: 'sub/text', ext: '.txt', content: `run ${run.id} attempt ${run.attempt}` },
];

const failing = (pad: number) => (run: AttemptId) => ({
  stdout: `out ${run.id} ${run.attempt} ${zeros(pad)} end\n`,
  stderr: `err ${run.id} ${run.attempt} end\n`,
});

/** Larger than a pipe (pipe(7): 64 KiB), and than what is kept of the output of a run that was not good. */
const LARGE = 100_000;
/** Larger than a page of LMDB. */
const PAGE = 6_000;

/** Name, period in seconds, and what it is. */
const KINDS: readonly (readonly [string, number, Kind])[] = [
  ['quick', 1, { does: 'quick' }],
  ['cron', 2, { does: 'quick', schedule: '*/2 * * * * *', settings: 'scheduling.overlap = "allow"', groups: [] }],
  ['result', 2, { does: `result ${LARGE}`, results: json(LARGE) }],
  ['archive', 3, { does: 'archive', results: archive }],
  [
    'replaced',
    2,
    {
      does: `result ${LARGE}`,
      settings: 'path = { result = "replaced.json", on_conflict = "replace" }',
      results: json(LARGE),
      places: 'one',
    },
  ],
  ['keep', 2, { does: 'result 10', settings: 'path.keep.count = 5', results: json(10), places: 5 }],
  ['state', 1, { does: `count ${PAGE}`, counts: PAGE }],
  ['queue', 1, { does: 'count-nap 10 1.2', settings: 'scheduling.overlap = "queue"', counts: 10, tenancy: 8 }],
  [
    'again',
    3,
    {
      does: 'count-again 10',
      settings: 'retry = { limit = 2, delay = 0, on = ["retry", "lost"] }',
      retry: { limit: 2, on: ['retry', 'lost'] },
      counts: 10,
      ends: ['OK', 'Retry'],
    },
  ],
  ['fail', 2, { does: `fail ${LARGE} 9`, ends: ['Error'], wrote: failing(LARGE) }],
  [
    'retry',
    4,
    {
      does: 'fail 10 2',
      settings: 'retry = { limit = 3, delay = 1, backoff = 1, on = ["error", "lost"] }\nformat.result = ""',
      retry: { limit: 3, on: ['error', 'lost'] },
      ends: ['OK', 'Error'],
      wrote: failing(10),
      results: (run) => [{ label: '', ext: '', content: failing(10)(run).stdout }],
    },
  ],
  [
    'lost',
    2,
    {
      does: 'nap 0.3',
      settings: 'retry = { limit = 2, delay = 0, on = ["lost"] }',
      retry: { limit: 2, on: ['lost'] },
    },
  ],
  ['half', 1, { does: 'quick', settings: 'if = "due.second % 4 < 2"', condition: (due) => (due / 1000) % 4 < 2 }],
  ['long-skip', 1, { does: 'nap 1.3', tenancy: 8 }],
  ['long-allow', 1, { does: 'nap 0.8', settings: 'scheduling.overlap = "allow"', groups: [], tenancy: 8 }],
  [
    'long-replace',
    1,
    { does: 'nap 1.4', settings: 'scheduling.overlap = "replace"', ends: ['OK', 'Terminated'], tenancy: 8 },
  ],
  ['mutex-a', 1, { does: 'nap 0.1', settings: 'scheduling.mutex = "m"', groups: ['mutex m'] }],
  [
    'mutex-b',
    2,
    {
      does: 'nap 0.2',
      settings: 'scheduling.mutex = "m"\nscheduling.max_wait = 1',
      groups: ['mutex m'],
      mayGiveUp: true,
    },
  ],
  ['alone', 4, { does: 'nap 0.05', tenancy: 1 }],
  ['leave', 3, { does: 'leave' }],
  ['hang', 6, { does: 'hang', settings: 'timeout = 2', ends: ['Timeout'], tenancy: 8 }],
  ['deaf', 15, { does: 'deaf', settings: 'timeout = 1\ngrace = 1', ends: ['Timeout'], tenancy: 8 }],
  ['all', 1, { does: 'quick', missed: 'all' }],
  ['skip', 2, { does: 'quick', missed: 'skip' }],
];

const TENANCY = 6;
const SECOND: Ms = 1_000;

export const RULES: readonly Rule[] = KINDS.map(([name, period, kind]) => ({
  name,
  period: period * SECOND,
  tenancy: kind.tenancy ?? TENANCY,
  ends: kind.ends ?? ['OK'],
  retry: kind.retry ?? null,
  missed: kind.missed ?? 'once',
  mayGiveUp: kind.mayGiveUp ?? false,
  condition: kind.condition ?? null,
  results: kind.results ?? null,
  places: kind.places ?? 'each',
  counts: kind.counts ?? null,
  wrote: kind.wrote ?? null,
  groups: [...(kind.groups?.length === 0 ? [] : [`task ${name}`]), ...(kind.groups ?? [])],
}));

const SCRIPT = join(repo, 'test', 'crash', 'load.sh');

function toml([name, period, kind]: (typeof KINDS)[number]): string {
  const { does, schedule = `@every ${period}s`, settings = '', missed = 'once', tenancy = TENANCY } = kind;
  return [
    `[${name}]`,
    `schedule = { expression = "${schedule}", missed = "${missed}" }`,
    `exec = ${JSON.stringify(['/bin/sh', SCRIPT, ...does.split(' ')])}`,
    `scheduling.tenancy = ${tenancy}`,
    settings,
    '',
  ].join('\n');
}

/** The configuration, by file name. @param log a file for Fate's own log, which is rotated often */
export function configurationFiles(log: string): Readonly<Record<string, string>> {
  return {
    'tasks.toml': KINDS.map(toml).join('\n'),
    'defaults.toml': [
      // Nothing is forgotten: the checker wants to see it all. The soak proves retention.
      'history = { max_runs = 10000000, max_failures = 10000000 }',
      'grace = 1',
      'scheduling.patience = 2',
      'path.log = ["/dev/stderr", ',
      `  { file = ${JSON.stringify(log)}, rotation = "64KiB", retention = 2, compression = "gz" }]`,
      '',
    ].join('\n'),
  };
}
