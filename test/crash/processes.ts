/** The processes of the load, by their environment: who of them outlived whom. */
import { readdirSync, readFileSync } from 'node:fs';

export interface LoadProcess {
  readonly pid: number;
  /** Clock ticks since the boot (proc_pid_stat(5)): with the pid it names a process for ever. */
  readonly since: string;
  /** The run that it belongs to. */
  readonly run: string;
}

/** All live ones of the runs of one harness. @param mark a variable of its environment, `NAME=value`, that no other has */
export function loadProcesses(mark: string): LoadProcess[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const variables = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
      if (!variables.includes(mark)) return [];
      const run = variables.find((variable) => variable.startsWith('FATE_RUN_ID='))?.slice('FATE_RUN_ID='.length);
      const since = startOf(Number(name));
      return run === undefined || since === null ? [] : [{ pid: Number(name), since, run }];
    } catch {
      // It has gone meanwhile.
      return [];
    }
  });
}

export const lives = ({ pid, since }: LoadProcess): boolean => startOf(pid) === since;

/** Null for one that is gone, and for a zombie. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZX'.includes(fields[0] ?? 'X') ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
