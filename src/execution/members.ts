/**
 * Everybody of a run: who is in its control group, where it has one, else in its process group. Promises launch.ts that each
 * is told to end once, and that nobody escapes SIGKILL. No call throws.
 */
import { statOf } from '../proc.ts';
import type { Clock, RunGroup, Usage, WaitStatus } from '../types.ts';
import { countLeft, signalGroup, whenGroupGone } from './group.ts';

export interface Members {
  /** `reaped`: whether the end of the leader was told. */
  signal(name: NodeJS.Signals, reaped: boolean): void;
  slay(reaped: boolean): void;
  /** Calls once nobody is left, after the leader was reaped; the result ends the waiting. */
  whenGone(gone: () => void): () => void;
  /** How many live, after the leader was reaped. */
  left(): number;
  /** @param end of the leader */
  usage(end: WaitStatus): Usage;
  /** Gives the control group back. */
  close(): void;
}

/** What wait4(2) knows. The kernel counts the memory that a child had before execve(2) as its own: that of this process. */
function usageOf({ memory, cpu }: WaitStatus): Usage {
  const ours = process.resourceUsage().maxRSS * 1024;
  return { memory: memory > ours ? memory : null, cpu, outOfMemory: 0 };
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // ESRCH: gone meanwhile. EPERM: it belongs to another user, and this one may not end it.
  }
}

/** @param group null where it has none, or could not be put into it */
export function membersOf(leader: number, group: RunGroup | null, clock: Clock): Members {
  return group === null ? ofProcessGroup(leader, clock) : ofControlGroup(leader, group, clock);
}

function ofProcessGroup(leader: number, clock: Clock): Members {
  return {
    signal: (name, reaped) => signalGroup(leader, name, reaped),
    slay: (reaped) => signalGroup(leader, 'SIGKILL', reaped),
    whenGone: (gone) => whenGroupGone(leader, clock, gone),
    left: () => countLeft(leader),
    usage: usageOf,
    close() {},
  };
}

/** The process group counts too: its leader may be still on its way into the control group, or could not get there. */
function ofControlGroup(leader: number, group: RunGroup, clock: Clock): Members {
  const rest = ofProcessGroup(leader, clock);
  return {
    signal(name, reaped) {
      // Each hears it once: some programs take a second SIGTERM as "at once". The process group is told by one call of the
      // kernel, which no fork escapes.
      const others = group.pids().filter((pid) => statOf(pid)?.group !== leader);
      rest.signal(name, reaped);
      for (const pid of others) send(pid, name);
    },
    slay(reaped) {
      rest.slay(reaped);
      group.kill();
    },
    whenGone(gone) {
      let cancelRest = (): void => {};
      const cancel = group.whenEmpty(() => {
        cancelRest = rest.whenGone(gone);
      });
      return () => {
        cancel();
        cancelRest();
      };
    },
    left: () => group.pids().length || rest.left(),
    usage(end) {
      const [whole, own] = [group.usage(), usageOf(end)];
      return { memory: whole.memory ?? own.memory, cpu: whole.cpu ?? own.cpu, outOfMemory: whole.outOfMemory };
    },
    close: () => group.close(),
  };
}
