/** The limits of a run that Fate itself watches over (SPEC 7), and how they are told. Pure. */
import { formatSize } from '../schedule/size.ts';
import type { Bytes, Exit, Usage } from '../types.ts';

const OUT_OF_MEMORY = 'out of memory: ';

export function overOutput(limit: Bytes): string {
  return `stdout is over limits.output (${formatSize(limit)})`;
}

/**
 * What there is to say of a run of which the kernel ended processes, whatever became of the run.
 * @param limit null: the task has none, so that it was the machine's, or that of the scheduler's own service; undefined: not known
 */
export function outOfMemory(usage: Usage, limit: Bytes | null | undefined): string {
  const { outOfMemory: count } = usage;
  const ended = `the kernel ended ${count === 1 ? 'a process' : `${count} processes`} of the run`;
  if (limit === null) return `${OUT_OF_MEMORY}${ended}, which has no limits.memory of its own`;
  return `${OUT_OF_MEMORY}${ended}, by limits.memory${limit === undefined ? '' : ` (${formatSize(limit)})`}`;
}

/** Whether the limit that a run met is that of memory, of which the kernel told by how the process ended. */
export function isOutOfMemory({ limit }: Pick<Exit, 'limit'>): boolean {
  return limit?.startsWith(OUT_OF_MEMORY) === true;
}

/** Hands on the first `limit` bytes, and counts the rest. */
export interface Gate {
  take(chunk: Buffer): void;
  readonly dropped: Bytes;
}

/** @param limit null: none. @param over called once, when the first byte is dropped */
export function openGate(limit: Bytes | null, take: (chunk: Buffer) => void, over: () => void = () => {}): Gate {
  let left = limit ?? Number.POSITIVE_INFINITY;
  let dropped = 0;
  return {
    take(chunk) {
      const passed = Math.min(left, chunk.length);
      left -= passed;
      if (passed > 0) take(passed === chunk.length ? chunk : chunk.subarray(0, passed));
      if (passed === chunk.length) return;
      const first = dropped === 0;
      dropped += chunk.length - passed;
      if (first) over();
    },
    get dropped() {
      return dropped;
    },
  };
}
