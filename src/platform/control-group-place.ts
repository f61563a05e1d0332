/**
 * The control group that this process was given to manage: finds it, judges whether it was given, and sets it up with a
 * leaf `main/` for the scheduler and `runs/` for the runs. Nothing is touched in a group that is not known to be ours.
 *
 * A group with controllers for those below it may hold no processes itself (cgroup-v2.rst, "No Internal Process
 * Constraint"): hence the leaf. `runs/` keeps the runs apart from what systemd makes beside it (`.control`), can be given
 * limits for all runs together, and shares the processors with the scheduler one to one when they are short.
 */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOf, messageOf } from '../errors.ts';
import { statOf } from '../proc.ts';
import type { Controller } from '../types.ts';
import { processesIn, readShort, writeValue } from './control-group-files.ts';
import { CONTROLLERS, enableControllers } from './control-group-limits.ts';
import { isMarkedDelegated } from './control-group-mark.ts';

export interface Surroundings {
  /** Where cgroup2 is mounted; default: as /proc/self/mountinfo says. */
  readonly root?: string | undefined;
  /** Default /proc/self/cgroup */
  readonly self?: string | undefined;
  /** There while systemd is the first process (sd_booted(3)); default /run/systemd/system */
  readonly booted?: string | undefined;
}

export type Found = { readonly ok: true; readonly own: string } | { readonly ok: false; readonly why: string };

const MAIN = 'main';
const RUNS = 'runs';
/** Processes may be started while others are moved. */
const ROUNDS = 20;

const no = (why: string): Found => ({ ok: false, why });

/** The group that is ours to manage. */
export function findOwnGroup(around: Surroundings): Found {
  const path = groupOfSelf(around);
  if (path === null) return no('there are no control groups of version 2 here');
  // It was moved there before: by systemd itself (DelegateSubgroup=), or by who started it.
  const above = dirname(path);
  if (basename(path) === MAIN && existsSync(join(above, 'cgroup.events'))) {
    const found = judge(above, around);
    if (found.ok) return found;
  }
  return judge(path, around);
}

function judge(own: string, around: Surroundings): Found {
  // The root of the hierarchy alone has no cgroup.events.
  if (!existsSync(join(own, 'cgroup.events'))) return no('the scheduler is in the root control group of the machine');
  const why = whyNotDelegated(own, around.booted ?? BOOTED);
  if (why !== null) return no(`the control group ${own} was not given to the scheduler: ${why}`);
  try {
    for (const name of ['', 'cgroup.procs', 'cgroup.subtree_control']) accessSync(join(own, name), constants.W_OK);
    const type = readShort(join(own, 'cgroup.type')).trim();
    if (type !== 'domain') return no(`the control group ${own} is of type "${type}"`);
  } catch (error) {
    return no(`the control group ${own} cannot be changed: ${messageOf(error)}`);
  }
  const stranger = [...processesIn(own), ...processesIn(join(own, MAIN))].find((pid) => !isOurs(pid));
  if (stranger !== undefined) return no(`others live in the control group ${own} as well (pid ${stranger})`);
  return { ok: true, own };
}

const BOOTED = '/run/systemd/system';

/** Null where it was. */
function whyNotDelegated(own: string, booted: string): string | null {
  if (isMarkedDelegated(own)) return null;
  const uid = process.getuid?.() ?? 0;
  if (existsSync(booted)) {
    // The system's instance marks what it delegates, or did at least make the service's user the owner of the folder.
    if (uid === 0 || ownerOf(own) !== uid) return 'its unit has no Delegate=yes';
    if (ownerOf(dirname(own)) !== uid) return null;
    // A user's instance marks nothing (tried with 252 and 257), and all of its groups belong to the user.
  }
  return basename(own).endsWith('.service') ? null : 'it is not that of a service';
}

function ownerOf(path: string): number | null {
  try {
    return statSync(path).uid;
  } catch {
    return null;
  }
}

/** This process, or one that it started. */
function isOurs(pid: number): boolean {
  for (let each = pid; each > 1; each = statOf(each)?.parent ?? 0) if (each === process.pid) return true;
  return false;
}

/** The folder of this process's group; null where there is no hierarchy of version 2, or none that is mounted here. */
function groupOfSelf({ root, self }: Surroundings): string | null {
  const line = textOf(self ?? '/proc/self/cgroup')
    .split('\n')
    .find((each) => each.startsWith('0::/'));
  const path = line?.slice('0::'.length);
  if (path === undefined) return null;
  const mounts = root === undefined ? mountsOf(textOf('/proc/self/mountinfo')) : [{ root: '/', point: root }];
  for (const mount of mounts) {
    const below = mount.root === '/' ? path : path === mount.root ? '/' : cut(path, `${mount.root}/`);
    const folder = below === null ? null : join(mount.point, below);
    if (folder !== null && existsSync(join(folder, 'cgroup.procs'))) return folder;
  }
  return null;
}

const cut = (path: string, prefix: string): string | null =>
  path.startsWith(prefix) ? path.slice(prefix.length - 1) : null;

/** Mounts of cgroup2 with the group that each shows as its root, by the lines of proc_pid_mountinfo(5). */
export function mountsOf(mountinfo: string): { readonly root: string; readonly point: string }[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ', 2);
    const [, , , root, point] = before.split(' ').map((field) => field.replace(/\\(\d{3})/g, unescaped));
    return after.startsWith('cgroup2 ') && root !== undefined && point !== undefined ? [{ root, point }] : [];
  });
}

const unescaped = (_: string, octal: string): string => String.fromCharCode(Number.parseInt(octal, 8));

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Moves all of its processes to the leaf; one that lives on in the group itself would keep the controllers off. @throws */
export function moveToLeaf(own: string): void {
  const leaf = join(own, MAIN);
  makeGroup(leaf);
  for (let round = 0; round < ROUNDS; round += 1) {
    const pids = processesIn(own);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        writeValue(join(leaf, 'cgroup.procs'), String(pid));
      } catch (error) {
        // It has ended meanwhile.
        if (errnoOf(error) !== 'ESRCH') throw error;
      }
    }
  }
}

/** What a service can be given on this machine, as far as can be told from outside; null without systemd. */
export function machineControllers(booted = BOOTED): ReadonlySet<Controller> | null {
  if (!existsSync(booted)) return null;
  const [mount] = mountsOf(textOf('/proc/self/mountinfo'));
  const there = mount === undefined ? [] : textOf(join(mount.point, 'cgroup.controllers')).trim().split(' ');
  return new Set(CONTROLLERS.filter((controller) => there.includes(controller)));
}

export interface RunsGroup {
  readonly path: string;
  /** Those that each run's group has. */
  readonly controllers: ReadonlySet<Controller>;
}

/** Makes the group of all runs where it is not there. @throws a system error */
export function makeRuns(own: string): RunsGroup {
  const path = join(own, RUNS);
  makeGroup(path);
  return { path, controllers: enableControllers(path, enableControllers(own, CONTROLLERS)) };
}

function makeGroup(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}
