/**
 * Starts one run and sees it to its end: the hands to the table in life.ts. Promises the scheduler that it never
 * throws, that `exit` always comes and never rejects, and that nothing of the run stays behind in the daemon: no
 * descriptor, no timer, no listener.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock, EndedBy, EpochMs, Exit, Ms, Native } from '../types.ts';
import { explainFailure, systemText } from './failure.ts';
import { countLeft, signalGroup, whenGroupGone } from './group.ts';
import { type LifeAction, type LifeEvent, type LifeState, stepOf } from './life.ts';
import { type Collected, openPipes, type TaskPipes } from './pipes.ts';

export interface Launch {
  /** The file to run, where argv[0] is not it: absolute, or it holds a `/` (command.ts). */
  readonly program?: string;
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Record<string, string>;
  /** What fd 0 is given. */
  readonly param: string | Buffer;
  /** What fd 3 is given. */
  readonly state: string | Buffer;
  /** The file to create for fd 1 (0600); it must not be there. */
  readonly stdout: string;
  readonly timeout: Ms | null;
  /** Between SIGTERM and SIGKILL, whoever ends the run. */
  readonly grace: Ms;
  readonly clock: Clock;
  readonly native: Native;
  /** What comes on fd 2, as it comes; the buffer is the caller's to keep. Must not throw. */
  onStderr(chunk: Buffer): void;
}

export interface Launched {
  /** Null: could not be started; `exit` tells why. */
  readonly pid: number | null;
  /** Never rejects. When Fate ended the run, it comes once the whole group is gone or was killed. */
  readonly exit: Promise<Exit>;
  /** SIGTERM and SIGCONT to the group, SIGKILL after the grace. Nothing when the run is ending or over. */
  end(by: 'stop' | 'kill' | 'replace'): void;
  /** SIGKILL to the group at once, also in the middle of the grace. */
  kill(): void;
}

interface Start {
  readonly at: EpochMs;
  readonly monotonic: Ms;
}

export function launch(l: Launch): Launched {
  const start: Start = { at: l.clock.now(), monotonic: l.clock.monotonic() };
  let pipes: TaskPipes;
  try {
    pipes = openPipes(l);
  } catch (error) {
    return unstarted(l, start, Promise.resolve(`the pipes of the run cannot be made: ${systemText(error)}`));
  }
  const child = spawnTask(l, pipes);
  pipes.release();
  if (typeof child === 'string') {
    pipes.collect();
    return unstarted(
      l,
      start,
      pipes.finish().then(() => child),
    );
  }
  if (child.pid === undefined) {
    pipes.collect();
    // Node tells some errors (ENOENT, EACCES, EMFILE, EAGAIN) a moment later, by this event alone.
    const error = new Promise((resolve) => child.once('error', resolve));
    const failure = error.then(async (thrown) => {
      await pipes.finish();
      return explainFailure(thrown, [programOf(l), ...l.argv.slice(1)], l.env);
    });
    return unstarted(l, start, failure);
  }
  return follow(l, start, pipes, child, child.pid);
}

const programOf = ({ program, argv: [name = ''] }: Launch): string => program ?? name;

/** The child, or why there is none. */
function spawnTask(l: Launch, pipes: TaskPipes): ChildProcess | string {
  const program = programOf(l);
  const [argv0 = program, ...args] = l.argv;
  if (program === '') return 'no program is named';
  try {
    // detached is setsid(2): a session and a process group of its own. A copy of the environment, since Node may add
    // to the one it gets.
    return spawn(program, args, { argv0, env: { ...l.env }, stdio: pipes.stdio, detached: true });
  } catch (error) {
    return explainFailure(error, [program, ...args], l.env);
  }
}

function unstarted(l: Launch, start: Start, failure: Promise<string>): Launched {
  const exit = failure.then(
    (sentence): Exit => ({
      code: null,
      signal: null,
      endedBy: 'itself',
      failure: sentence,
      pid: null,
      startedAt: start.at,
      ...endOf(l.clock, start),
      stdoutBytes: 0,
      stdoutError: null,
      state: Buffer.alloc(0),
      left: 0,
    }),
  );
  return { pid: null, exit, end() {}, kill() {} };
}

function endOf(clock: Clock, start: Start): { endedAt: EpochMs; duration: Ms } {
  return { endedAt: clock.now(), duration: Math.max(0, Math.round(clock.monotonic() - start.monotonic)) };
}

/** Runs the table of life.ts for a process that was started. */
function follow(l: Launch, start: Start, pipes: TaskPipes, child: ChildProcess, pid: number): Launched {
  let state: LifeState = 'running';
  let endedBy: EndedBy = 'itself';
  let ended: Pick<Exit, 'code' | 'signal' | 'endedAt' | 'duration'> | null = null;
  let settle: (exit: Promise<Exit>) => void;
  const exit = new Promise<Exit>((resolve) => {
    settle = resolve;
  });
  const cancels: (() => void)[] = [];

  const step = (event: LifeEvent, by: EndedBy): void => {
    const found = stepOf(state, event);
    if (found === null) return;
    state = found.next;
    for (const action of found.actions) hands[action](by);
  };
  const signal = (name: NodeJS.Signals): void => signalGroup(pid, name, ended !== null);
  const hands: Record<LifeAction, (by: EndedBy) => void> = {
    blame(by) {
      endedBy = by;
    },
    'await-grace': () => {
      cancels.push(l.clock.after(l.grace, () => step('grace', endedBy)));
    },
    'await-group': () => {
      cancels.push(whenGroupGone(pid, l.clock, () => step('gone', endedBy)));
    },
    terminate() {
      signal('SIGTERM');
      // A stopped process gets nothing but SIGKILL until it is woken.
      signal('SIGCONT');
    },
    slay: () => signal('SIGKILL'),
    collect: () => pipes.collect(),
    settle() {
      for (const cancel of cancels) cancel();
      const left = endedBy === 'itself' ? countLeft(pid) : 0;
      settle(pipes.finish().then((collected) => exitOf(collected, left)));
    },
  };
  const exitOf = (collected: Collected, left: number): Exit => ({
    ...(ended ?? { code: null, signal: null, ...endOf(l.clock, start) }),
    endedBy,
    failure: null,
    pid,
    startedAt: start.at,
    ...collected,
    left,
  });

  // Nothing that was started tells an error; if Node ever does, it is none of the daemon's end.
  child.on('error', () => {});
  child.once('exit', (code, signalName) => {
    ended = { code, signal: signalName, ...endOf(l.clock, start) };
    step('exit', endedBy);
  });
  if (l.timeout !== null) cancels.push(l.clock.after(l.timeout, () => step('timeout', 'timeout')));
  return { pid, exit, end: (by) => step('end', by), kill: () => step('kill', 'kill') };
}
