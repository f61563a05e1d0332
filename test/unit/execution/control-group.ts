/** A control group of the kernel's for the tests, by plain files; platform/control-groups.ts is tested by itself. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunGroup, Usage } from '../../../src/types.ts';

/** Where cgroups(7) version 2 is mounted. */
const root = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/self/mounts', 'utf8'))?.[1];

function tried(): string | false {
  if (root === undefined) return 'no control groups of version 2 here';
  const folder = join(root, `fate-try-${process.pid}`);
  try {
    mkdirSync(folder);
    const kills = existsSync(join(folder, 'cgroup.kill'));
    rmdirSync(folder);
    return kills ? false : 'the kernel has no cgroup.kill';
  } catch {
    return 'no control group can be made here';
  }
}
export const withoutControlGroups: string | false = tried();

export interface TestGroup extends RunGroup {
  /** How often SIGKILL was sent to all. */
  kills: number;
  /** Changes what `usage` tells. */
  told: Partial<Usage>;
  closed: number;
}

let count = 0;

export function makeGroup(): TestGroup {
  const path = join(root ?? '', `fate-test-${process.pid}-${count++}`);
  mkdirSync(path);
  const pids = (): number[] => readFileSync(join(path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
  const group: TestGroup = {
    path,
    kills: 0,
    told: {},
    closed: 0,
    pids,
    kill() {
      group.kills += 1;
      writeFileSync(join(path, 'cgroup.kill'), '1');
    },
    whenEmpty(empty) {
      let timer: NodeJS.Timeout | undefined;
      const look = (): void => {
        if (pids().length === 0) empty();
        else timer = setTimeout(look, 1);
      };
      look();
      return () => clearTimeout(timer);
    },
    usage() {
      const cpu = Number(/^usage_usec (\d+)$/m.exec(readFileSync(join(path, 'cpu.stat'), 'utf8'))?.[1] ?? 0) / 1000;
      return { memory: null, cpu: Math.round(cpu), outOfMemory: 0, ...group.told };
    },
    close() {
      group.closed += 1;
    },
  };
  return group;
}

/** Removes it, once those who were killed are gone. */
export async function removeGroup(group: TestGroup): Promise<void> {
  writeFileSync(join(group.path, 'cgroup.kill'), '1');
  while (group.pids().length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  rmdirSync(group.path);
}
