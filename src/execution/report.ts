/**
 * Descriptor 5 of a process that was started for a run: what the exec helper (src/native/exec.c), or the sh that stands in
 * for it, could not do before it became the run's program. Promises launch.ts that its descriptors are closed on every path.
 */
import { closeSync, readSync } from 'node:fs';
import type { Native } from '../types.ts';

/** The steps of the helper; `usage`: it was told what it does not know. */
const STEPS = ['usage', 'cgroup', 'nice', 'files', 'groups', 'gid', 'uid', 'cwd', 'exec'] as const;
export type Step = (typeof STEPS)[number];

export interface Complaint {
  readonly step: Step;
  /** As errno(3) has it; 0 where sh, which does not tell it, was the one to try. */
  readonly errno: number;
}

export interface Report {
  /** What the process gets as its descriptor 5. */
  readonly fd: number;
  /** Closes our copy of it; to be called after the start, whatever came of it. */
  release(): void;
  /** What was told, and closes the pipe. To be asked once the process has ended: who holds the other end is not waited for. */
  read(): Complaint[];
  close(): void;
}

/** @throws a system error, and leaves nothing open */
export function openReport(native: Native): Report {
  const { read, write } = native.pipe();
  const open = new Set([read, write]);
  const shut = (fd: number): void => {
    if (open.delete(fd)) closeSync(fd);
  };
  return {
    fd: write,
    release: () => shut(write),
    read() {
      const text = open.has(read) ? waiting(read, native) : '';
      shut(read);
      return complaintsIn(text);
    },
    close() {
      shut(write);
      shut(read);
    },
  };
}

function waiting(fd: number, native: Native): string {
  try {
    const buffer = Buffer.alloc(Math.min(native.bytesWaiting(fd), 4096));
    return buffer.length === 0 ? '' : buffer.toString('latin1', 0, readSync(fd, buffer));
  } catch {
    return '';
  }
}

function complaintsIn(text: string): Complaint[] {
  return text.split('\n').flatMap((line) => {
    const [name, errno] = line.split(' ');
    const step = STEPS.find((known) => known === name);
    return step === undefined ? [] : [{ step, errno: Number(errno) }];
  });
}
