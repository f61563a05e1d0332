/** What `fate init` does about what it found. Pure. */
import type { Standing } from './wanted.ts';

export interface Mode {
  readonly prompts: boolean;
  readonly dryRun: boolean;
  /** After `q`, or after a failure in the same part. */
  readonly stopped: boolean;
}

export type Step = 'same' | 'make' | 'ask to make' | 'ask to replace' | 'would make' | 'would ask' | 'leave' | 'skip';

/**
 * @param leader whether what this goes along with (a link with its file) is there; null where it stands alone. What goes
 * along is made without a question of its own, or not at all; nothing that differs is ever replaced without a yes.
 */
export function decide(standing: Standing, { prompts, dryRun, stopped }: Mode, leader: boolean | null): Step {
  if (standing.is === 'same') return 'same';
  const idle = stopped || leader === false;
  if (standing.is === 'missing') {
    if (idle) return 'skip';
    if (dryRun) return 'would make';
    return prompts && leader === null ? 'ask to make' : 'make';
  }
  if (idle || !prompts) return 'leave';
  return dryRun ? 'would ask' : 'ask to replace';
}
