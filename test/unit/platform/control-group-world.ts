/** Real control groups for tests, below the machine's own hierarchy of version 2: made for one test, and gone after it. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { runGroup } from '../../../src/platform/control-group.ts';
import { mountsOf } from '../../../src/platform/control-group-place.ts';
import { type ControlGroupOptions, openControlGroups } from '../../../src/platform/control-groups.ts';
import type { Limits } from '../../../src/types.ts';

const mount = mountsOf(readFileSync('/proc/self/mountinfo', 'utf8')).find(({ root }) => root === '/')?.point ?? null;

function whyNot(): string | false {
  if (process.getuid?.() !== 0) return 'only root can make control groups beside those of the machine';
  if (mount === null) return 'no cgroup2 is mounted here';
  try {
    const probe = join(mount, `fate-probe-${process.pid}`);
    mkdirSync(probe);
    rmdirSync(probe);
    return false;
  } catch {
    return `no control group can be made in ${mount}`;
  }
}

export const skip = whyNot();
/** Meaningless where `skip` is not false. */
export const root = mount ?? '/';
export const NO_LIMITS: Limits = { output: null, log: null, memory: null, cpu: null, processes: null };

let made = 0;

/** A new group, and after the test the end of all who live in it. */
export function newGroup(t: TestContext, name = 'fated.service'): string {
  const top = join(root, `fate-test-${process.pid}-${made++}`);
  const path = join(top, name);
  mkdirSync(path, { recursive: true });
  t.after(async () => {
    const group = runGroup(top, removeTree);
    group.kill();
    await new Promise<void>((resolve) => void group.whenEmpty(resolve));
    group.close();
  });
  return path;
}

function removeTree(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(path, entry.name));
  }
  rmdirSync(path);
}

export interface Told {
  readonly level: string;
  readonly message: string;
}

/** As a process in `path` would open it, on a machine without systemd; with what was told. */
export function openAt(t: TestContext, path: string, changes: Partial<ControlGroupOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'fate-groups-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const self = join(folder, 'cgroup');
  writeFileSync(self, `1:name=systemd:/elsewhere\n0::/${path.slice(root.length).replace(/^\//, '')}\n`);
  const told: Told[] = [];
  const tell = (level: string, message: string): void => void told.push({ level, message });
  const groups = openControlGroups({ root, self, booted: join(folder, 'none'), tell, ...changes });
  return { groups, told };
}

export interface Started {
  readonly child: ChildProcess;
  /** Numbers that the script said, line by line. */
  readonly pids: readonly number[];
  readonly ended: Promise<NodeJS.Signals | null>;
}

/** A shell that joins a group, or none, then runs a script which says the numbers of `lines` processes. */
export async function startIn(path: string | null, script: string, lines: number): Promise<Started> {
  const child = spawn(
    '/bin/sh',
    ['-c', path === null ? script : `echo 0 >"$0/cgroup.procs"\n${script}`, path ?? 'sh'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    },
  );
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  const pids: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    pids.push(Number(line));
    if (pids.length === lines) break;
  }
  return { child, pids, ended };
}

export const empty = (group: { whenEmpty(empty: () => void): () => void }): Promise<void> =>
  new Promise((resolve) => void group.whenEmpty(resolve));

/** Resolves when a group was removed, as the kernel tells of its parent's folder. */
export async function removal(t: TestContext, path: string): Promise<void> {
  const { watch } = await import('node:fs');
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (!existsSync(path)) resolve();
    };
    const watcher = watch(join(path, '..'), look);
    t.after(() => watcher.close());
    look();
  });
}
