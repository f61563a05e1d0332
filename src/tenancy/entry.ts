/** What the parts of the admission know of one run, from its arrival to its end, and the order in which runs go. */
import type { EpochMs, Ms } from '../types.ts';
import type { Heap, Spot } from './heap.ts';
import type { Link } from './line.ts';

export interface Waiting {
  readonly id: string;
  /** How many tasks may run at the same time while this one runs, itself included; a whole number from 1 on. */
  readonly tenancy: number;
  /** The task's position in the files; smaller goes first. */
  readonly order: number;
  /** Names that one run at a time may hold: `mutex db`, `task disk`. It needs all of them. */
  readonly locks: readonly string[];
}

/** What keeps a run from starting, with the ids of runs in the way. */
export interface Held {
  readonly for: 'tenancy' | 'patience' | 'lock';
  /** For a lock, its name. */
  readonly lock: string | null;
  /** At most 5. `tenancy` and `lock`: of those that run; `patience`: of those that wait and must start first. */
  readonly who: readonly string[];
}

/** A lock that is held, or that some wait for. */
export interface Lock {
  readonly name: string;
  /** The id of the run that holds it. */
  holder: string | null;
  readonly groups: Map<number, Group>;
}

/** Those of one tenancy, all impatient or none, that were set aside for one lock. */
export interface Group {
  readonly lock: Lock;
  readonly key: number;
  readonly heap: Heap<Entry>;
  /** The one that was brought back for all of them; it goes before each of them. */
  scout: Entry | null;
}

export interface Entry extends Waiting {
  /** Names its cohort. */
  readonly due: EpochMs;
  /** Breaks the last ties. */
  readonly arrival: number;

  /** Kept by patience: how many runs had started when it arrived, and its own number among the starts once it runs. */
  readonly startsBefore: number;
  start: number | null;
  /** Since when none of those runs that it found going goes any more, on patience's own clock; null while one does. */
  since: Ms | null;
  impatient: boolean;
  link: Link<Entry> | null;

  /** Kept by the ready ones. */
  ready: Spot<Entry> | null;
  urgent: Spot<Entry> | null;

  /** Kept by the locks: where it is set aside, or the group that it was brought back for. */
  parked: { readonly group: Group; readonly spot: Spot<Entry> } | null;
  scoutOf: Group | null;
}

export function arrived(run: Waiting, due: EpochMs, arrival: number, startsBefore: number): Entry {
  return {
    id: run.id,
    tenancy: run.tenancy,
    order: run.order,
    locks: run.locks,
    due,
    arrival,
    startsBefore,
    start: null,
    since: null,
    impatient: false,
    link: null,
    ready: null,
    urgent: null,
    parked: null,
    scoutOf: null,
  };
}

/** "Oldest cohort first", then tenancy, then file order (SPEC 6). */
export function compare(a: Entry, b: Entry): number {
  return a.due - b.due || a.tenancy - b.tenancy || a.order - b.order || a.arrival - b.arrival;
}

export function goesBefore(a: Entry, b: Entry): boolean {
  return compare(a, b) < 0;
}
