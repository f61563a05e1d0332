/** Colour for the status of a run: on a terminal only, and not against NO_COLOR (https://no-color.org) or TERM=dumb. */
import type { Status } from '../types.ts';
import type { Standing } from './words.ts';

export type Paint = (standing: Status | Standing) => string;

const [RED, GREEN, YELLOW, CYAN, GREY] = [31, 32, 33, 36, 90];
const CALM: Partial<Record<Status | Standing, number>> = {
  OK: GREEN,
  Retry: YELLOW,
  retry: YELLOW,
  skipped: YELLOW,
  running: CYAN,
  waiting: CYAN,
  planned: GREY,
};

export function painter({ isTTY }: { readonly isTTY?: boolean }, env = process.env): Paint {
  if (!isTTY || env.NO_COLOR || env.TERM === 'dumb') return (standing) => standing;
  return (standing) => `\u001b[${CALM[standing] ?? RED}m${standing}\u001b[39m`;
}
