/**
 * What systemd is told of this process (sd_notify(3)), for the scheduler's loop. Promises never to throw, to say once what
 * does not work, and to do nothing at all where nobody listens: without NOTIFY_SOCKET, and so in every task and command.
 */
import { createRequire } from 'node:module';
import { messageOf } from '../errors.ts';
import type { Level, Ms } from '../types.ts';

export interface Notifier {
  /** How often to feed the watchdog at least, a third of its time; null where there is none. */
  readonly watchdogEvery: Ms | null;
  /** Tasks can run; also the end of a reload. */
  ready(): void;
  /** A reload begins. */
  reloading(): void;
  stopping(): void;
  /** What `systemctl status` shows in its line `Status:`; sent only when it is another one. */
  status(text: string): void;
  watchdog(): void;
  /** The start or the stop that goes on takes so long more from now, at most. */
  extend(by: Ms): void;
}

/** Sends assignments of sd_notify(3), one a line. May throw. */
export type SendState = (state: string) => void;

type Env = Readonly<Record<string, string | undefined>>;
type Tell = (level: Level, message: string) => void;

const NOBODY: Notifier = {
  watchdogEvery: null,
  ready() {},
  reloading() {},
  stopping() {},
  status() {},
  watchdog() {},
  extend() {},
};

/** systemd drops a message of more than 4,096 bytes as a whole; a character has 4 at most. */
const STATUS_LENGTH = 1000;

/** What a unit of ours does, and what to change in it (systemd.service(5)). */
const CONSEQUENCE =
  'a unit with Type=notify ends this daemon when its TimeoutStartSec= is over; Type=exec and WatchdogSec=0 do without';

/**
 * @param env that of this process: sd_notify(3) itself reads NOTIFY_SOCKET there
 * @param spare sends where the package cannot: npm leaves it out where there is no compiler, and it is bound to the version of
 *   Node that it was built for
 */
export function openNotifier(env: Env, tell: Tell, spare: SendState | null = null): Notifier {
  if (!env.NOTIFY_SOCKET) return NOBODY;
  const sendState = senderOf(tell, spare);
  if (sendState === null) return NOBODY;
  let failed = { ready: false, any: false };
  let last: string | null = null;

  function send(...assignments: readonly string[]): void {
    try {
      sendState?.(assignments.join('\n'));
    } catch (error) {
      const why = messageOf(error);
      const urgent = assignments.includes('READY=1');
      if (urgent && !failed.ready) tell('error', `systemd cannot be told that this is ready (${why}): ${CONSEQUENCE}`);
      else if (!failed.any) tell('warning', `systemd cannot be told: ${why}`);
      failed = { ready: failed.ready || urgent, any: true };
    }
  }

  return {
    watchdogEvery: watchdogEvery(env),
    ready: () => send('READY=1'),
    reloading: () => send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => send('STOPPING=1'),
    status(text) {
      const line = oneLine(text);
      if (line === last) return;
      last = line;
      send(`STATUS=${line}`);
    },
    watchdog: () => send('WATCHDOG=1'),
    extend: (by) => send(`EXTEND_TIMEOUT_USEC=${Math.ceil(by * 1000)}`),
  };
}

/** The package where it loads, else the spare way, by which nothing is lost; null where there is neither. */
function senderOf(tell: Tell, spare: SendState | null): SendState | null {
  try {
    return (createRequire(import.meta.url)('sd-notify') as typeof import('sd-notify')).sendState;
  } catch (error) {
    const why = `sd-notify cannot be loaded (${firstLine(error)})`;
    if (spare === null) tell('error', `${why}, so systemd cannot be told that this is ready: ${CONSEQUENCE}`);
    else tell('info', `${why}, and is not needed: systemd is told without it`);
    return spare;
  }
}

/** sd_watchdog_enabled(3): only for the process that WATCHDOG_PID names, where it names one. */
function watchdogEvery({ WATCHDOG_USEC, WATCHDOG_PID }: Env): Ms | null {
  if (WATCHDOG_PID && WATCHDOG_PID !== String(process.pid)) return null;
  const time = /^\d+$/.test(WATCHDOG_USEC ?? '') ? Number(WATCHDOG_USEC) / 1000 : 0;
  return time > 0 ? time / 3 : null;
}

/** Without what would begin another assignment, or end the text. */
function oneLine(text: string): string {
  const line = text.replaceAll(/[\0-\x1f\x7f]+/g, ' ').trim();
  return line.length > STATUS_LENGTH ? `${line.slice(0, STATUS_LENGTH - 1)}…` : line;
}

/** The list of all places where a package, or its addon, was looked for is no news. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]?.replace(/[.] Tried:$/, '') ?? '';
}
