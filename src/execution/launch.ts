/**
 * Starts one run and sees it to its end: the hands to the table in life.ts. Promises the scheduler that it never
 * throws, that `exit` always comes and never rejects, and that nothing of the run stays behind in the daemon: no
 * descriptor, no timer, no listener, no control group.
 */
import type {
  Bytes,
  Clock,
  EndedBy,
  EpochMs,
  Exit,
  Ms,
  Native,
  ProcessContext,
  RunGroup,
  WaitStatus,
} from '../types.ts';
import { execHelper } from './exec-helper.ts';
import { explainStep, systemText } from './failure.ts';
import { type LifeAction, type LifeEvent, type LifeState, stepOf } from './life.ts';
import { outOfMemory, overOutput } from './limits.ts';
import { membersOf } from './members.ts';
import { type Collected, openPipes, type TaskPipes } from './pipes.ts';
import { type Started, startProcess } from './process.ts';
import type { Complaint } from './report.ts';

export interface Launch {
  /** The file to run, where argv[0] is not it: absolute, or it holds a `/` (command.ts). */
  readonly program?: string;
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Record<string, string>;
  readonly context: ProcessContext;
  /** The run's own, made for it; it is closed here, whatever comes. Null: it has none, and its process group must do. */
  readonly group: RunGroup | null;
  /** Past so many bytes of stdout the run is ended; past so many of stderr, they are dropped. */
  readonly outputLimit: Bytes | null;
  readonly logLimit: Bytes | null;
  /** What `group` was made with, for the sentence about it; left out: not known. */
  readonly memoryLimit?: Bytes | null;
  /** The exec helper; null: without. Left out: the one that was built with this. */
  readonly helper?: string | null;
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
  /** What could not be done for the run, which ran all the same: a sentence. Comes before its exit. Must not throw. */
  onNote?(sentence: string): void;
}

export interface Launched {
  /** Null: no process could be made; `exit` tells why. */
  readonly pid: number | null;
  /** Never rejects. When Fate ended the run, it comes once everybody of it is gone or was killed. */
  readonly exit: Promise<Exit>;
  /** SIGTERM and SIGCONT to everybody of the run, SIGKILL after the grace. Nothing when the run is ending or over. */
  end(by: 'stop' | 'kill' | 'replace'): void;
  /** SIGKILL to everybody at once, also in the middle of the grace. */
  kill(): void;
}

interface Start {
  readonly at: EpochMs;
  readonly monotonic: Ms;
}

export function launch(l: Launch): Launched {
  const start: Start = { at: l.clock.now(), monotonic: l.clock.monotonic() };
  let over = (): void => {};
  let pipes: TaskPipes;
  try {
    pipes = openPipes({ ...l, identity: l.context.identity, onOver: () => over() });
  } catch (error) {
    return unstarted(l, start, Promise.resolve(`the pipes of the run cannot be made: ${systemText(error)}`));
  }
  const program = programOf(l);
  const { helper = execHelper() } = l;
  const child = startProcess({
    ...l,
    program,
    argv: [l.argv[0] ?? program, ...l.argv.slice(1)],
    helper,
    fds: pipes.stdio,
  });
  pipes.release();
  if (typeof child === 'string') {
    pipes.collect();
    const failure = pipes.finish().then(() => child);
    return unstarted(l, start, failure);
  }
  return follow(l, start, pipes, child, (tell) => {
    over = tell;
  });
}

const programOf = ({ program, argv: [name = ''] }: Launch): string => program ?? name;

function unstarted(l: Launch, start: Start, failure: Promise<string>): Launched {
  l.group?.close();
  const exit = failure.then(
    (sentence): Exit => ({
      code: null,
      signal: null,
      endedBy: 'itself',
      limit: null,
      failure: sentence,
      pid: null,
      startedAt: start.at,
      ...timesOf(l.clock, start),
      stdoutBytes: 0,
      stdoutError: null,
      state: Buffer.alloc(0),
      stderrDropped: 0,
      left: 0,
      usage: { memory: null, cpu: null, outOfMemory: 0 },
    }),
  );
  return { pid: null, exit, end() {}, kill() {} };
}

function timesOf(clock: Clock, start: Start): Pick<Exit, 'endedAt' | 'duration'> {
  return { endedAt: clock.now(), duration: Math.max(0, Math.round(clock.monotonic() - start.monotonic)) };
}

/** How the run's own process ended, as it was told. */
interface Ended extends Pick<Exit, 'endedAt' | 'duration' | 'failure'> {
  readonly status: WaitStatus;
}

/** Runs the table of life.ts for a process that was started. */
function follow(
  l: Launch,
  start: Start,
  pipes: TaskPipes,
  child: Started,
  onOver: (tell: () => void) => void,
): Launched {
  const { pid } = child;
  const members = membersOf(pid, l.group, l.clock);
  let state: LifeState = 'running';
  let endedBy: EndedBy = 'itself';
  let ended: Ended | null = null;
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
  const hands: Record<LifeAction, (by: EndedBy) => void> = {
    blame(by) {
      endedBy = by;
    },
    'await-grace': () => {
      cancels.push(l.clock.after(l.grace, () => step('grace', endedBy)));
    },
    'await-group': () => {
      cancels.push(members.whenGone(() => step('gone', endedBy)));
    },
    terminate() {
      members.signal('SIGTERM', ended !== null);
      // A stopped process gets nothing but SIGKILL until it is woken.
      members.signal('SIGCONT', ended !== null);
    },
    slay: () => members.slay(ended !== null),
    collect: () => pipes.collect(),
    settle() {
      for (const cancel of cancels) cancel();
      // Nothing is settled before `exit`.
      const end = ended as Ended;
      const left = endedBy === 'itself' ? members.left() : 0;
      const usage = members.usage(end.status);
      members.close();
      settle(pipes.finish().then((collected) => exitOf(end, collected, { left, usage })));
    },
  };
  const exitOf = (end: Ended, collected: Collected, used: Pick<Exit, 'left' | 'usage'>): Exit => {
    const { stdoutOver, ...output } = collected;
    const { endedAt, duration, failure, status } = end;
    const limit = limitOf(l, endedBy, stdoutOver, end, used.usage);
    return {
      code: failure === null ? status.code : null,
      signal: failure === null ? status.signal : null,
      endedBy: limit === null ? endedBy : 'limit',
      limit,
      failure,
      pid,
      startedAt: start.at,
      endedAt,
      duration,
      ...output,
      ...used,
    };
  };

  void child.ended.then((status) => {
    ended = { status, ...timesOf(l.clock, start), failure: judge(l, child.complaints()) };
    step('exit', endedBy);
  });
  onOver(() => step('end', 'limit'));
  if (l.timeout !== null) cancels.push(l.clock.after(l.timeout, () => step('timeout', 'timeout')));
  return { pid, exit, end: (by) => step('end', by), kill: () => step('kill', 'kill') };
}

/** Why the program did not run, null where it did; what was merely not done for it goes to `onNote`. */
function judge(l: Launch, complaints: readonly Complaint[]): string | null {
  let failure: string | null = null;
  for (const complaint of complaints) {
    const sentence = explainStep(complaint, l.context, [programOf(l), ...l.argv.slice(1)], l.env);
    if (complaint.step === 'cgroup') l.onNote?.(sentence);
    else failure ??= sentence;
  }
  return failure;
}

/** Which limit ended the run: the one it was ended for, or one that nobody could tell before its end. Null: none. */
function limitOf(l: Launch, endedBy: EndedBy, stdoutOver: boolean, end: Ended, usage: Exit['usage']): string | null {
  if (endedBy !== 'itself' && endedBy !== 'limit') return null;
  if (stdoutOver && l.outputLimit !== null) return overOutput(l.outputLimit);
  const good = end.status.code === 0;
  return usage.outOfMemory > 0 && !good && end.failure === null ? outOfMemory(usage, l.memoryLimit) : null;
}
