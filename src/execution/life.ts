/**
 * The life of one run as a table: in which state which event leads where, and what is to be done on the way. Pure;
 * launch.ts is the hands. An event that a state does not list changes nothing: that is how a second stop, a timeout
 * at the moment of the exit, or a stop after it are harmless.
 */

export const LIFE_STATES = ['running', 'terminating', 'killed', 'lingering', 'reaped'] as const;

/**
 * - `running`: the process was started and goes about its business
 * - `terminating`: its group was told to end, and has the grace to do so
 * - `killed`: its group got SIGKILL; only the kernel's word is waited for
 * - `lingering`: the task's own process has ended, as it was told; others of its group have not yet
 * - `reaped`: over
 */
export type LifeState = (typeof LIFE_STATES)[number];

export const LIFE_EVENTS = ['timeout', 'end', 'kill', 'grace', 'exit', 'gone'] as const;

/**
 * - `timeout`: the run's time is over; `end`, `kill`: somebody, or a limit that it is over, wants it ended, or ended at once
 * - `grace`: the time between SIGTERM and SIGKILL is over
 * - `exit`: the task's own process has ended; `gone`: no process of its group lives
 */
export type LifeEvent = (typeof LIFE_EVENTS)[number];

/**
 * - `blame`: what ends the run is remembered, once
 * - `await-grace`, `await-group`: arm the source of `grace`, `gone`
 * - `terminate`: SIGTERM, then SIGCONT to the group; `slay`: SIGKILL to the group
 * - `collect`: read what waits in the pipes and close them
 * - `settle`: the run is over; every timer is cancelled
 */
export type LifeAction = 'blame' | 'await-grace' | 'await-group' | 'terminate' | 'slay' | 'collect' | 'settle';

export interface LifeStep {
  readonly next: LifeState;
  /** In this order. `await-group` and `settle` stand last: they may bring the next event at once. */
  readonly actions: readonly LifeAction[];
}

const TERMINATE: LifeStep = { next: 'terminating', actions: ['blame', 'await-grace', 'terminate'] };
const SLAY: LifeStep = { next: 'killed', actions: ['slay'] };
const SLAY_REST: LifeStep = { next: 'reaped', actions: ['slay', 'settle'] };
const OVER: LifeStep = { next: 'reaped', actions: ['collect', 'settle'] };
const LINGER: LifeStep = { next: 'lingering', actions: ['collect', 'await-group'] };

const TABLE: Readonly<Record<LifeState, Readonly<Partial<Record<LifeEvent, LifeStep>>>>> = {
  running: {
    timeout: TERMINATE,
    end: TERMINATE,
    kill: { next: 'killed', actions: ['blame', 'slay'] },
    exit: OVER,
  },
  terminating: {
    kill: SLAY,
    grace: SLAY,
    exit: LINGER,
  },
  killed: {
    exit: OVER,
  },
  lingering: {
    kill: SLAY_REST,
    grace: SLAY_REST,
    gone: { next: 'reaped', actions: ['settle'] },
  },
  reaped: {},
};

/** What `event` means in `state`; null when nothing. */
export function stepOf(state: LifeState, event: LifeEvent): LifeStep | null {
  return TABLE[state][event] ?? null;
}
