/**
 * Named places between two steps that write, at which tests end the process or make a step fail. The built programs have
 * none of it: the bundler puts `undefined` for FATE_FAULT (packaging/scripts/bundle.mjs), and only what `tsc` makes listens.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

export const FAULT_POINTS = [
  'ledger.write',
  'ledger.written',
  'run.folder',
  'run.starting',
  'run.spawn',
  'run.stdout-open',
  'run.spawned',
  'run.stdout-write',
  'run.ended',
  'run.output',
  'result.prepare',
  'result.prepared',
  'run.outcome',
  'run.outcome-written',
  'run.outcome-synced',
  'result.link',
  'result.linked',
  'result.unlinked',
  'result.synced',
  'run.closing',
  'run.closed',
  'run.removed',
  'recovery.outcome',
  'recovery.lost',
  'recovery.written',
  'log.write',
] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];

const spec: string | undefined = process.env.FATE_FAULT;
const passed = new Map<string, number>();

/**
 * `FATE_FAULT=kill@run.spawned:3` ends the process by SIGKILL when it comes to that point for the third time (`:n` left out:
 * the first); `ENOSPC@ledger.write` throws that system error each time; several are separated by commas; `@FILE` reads
 * them from a file, anew at each point.
 * @throws an Error with `code`, where a test wants one
 */
export function faultPoint(point: FaultPoint): void {
  if (spec === undefined) return;
  const faults = spec.startsWith('@') ? read(spec.slice(1)) : spec;
  if (!faults.includes(point)) return;
  const times = (passed.get(point) ?? 0) + 1;
  passed.set(point, times);
  for (const fault of faults.trim().split(',')) {
    const [what = '', where = ''] = fault.split('@');
    const [name, nth = '1'] = where.split(':');
    if (name !== point) continue;
    if (what !== 'kill') throw madeError(what, point);
    if (times === Number(nth)) process.kill(process.pid, 'SIGKILL');
  }
}

/** As Node's own errors of system calls look. */
function madeError(code: string, point: FaultPoint): Error {
  const errno = -((constants.errno as Readonly<Record<string, number>>)[code] ?? 0);
  const text = getSystemErrorMap().get(errno)?.[1] ?? 'made by a test';
  return Object.assign(new Error(`${code}: ${text}, ${point}`), { code, errno, syscall: point });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
