/**
 * A machine for tests: a Debian that was really booted, in a container of systemd-nspawn(1). Gone with the process that
 * made it, however that ends; what is left of its folder goes when the next one is made.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PATH, type Suite, unpackRoot } from './root-folder.ts';

export interface Finished {
  /** 128 and the signal's number is not told apart from an exit; -1: it was not done in time. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Box {
  readonly suite: Suite;
  /** Its root folder, as seen from here. */
  readonly root: string;
  /** Runs a shell script in it, as root, within `seconds` (30). */
  run(script: string, seconds?: number): Promise<Finished>;
  /** The same; gives what it printed. @throws where its status is not 0 */
  sh(script: string, seconds?: number): Promise<string>;
  /** Runs a script again and again until it is good; gives what it printed. @throws what it said last, after `seconds` (20) */
  waitFor(script: string, seconds?: number): Promise<string>;
  /** Writes a file on its disk (not on /run or /tmp, which are in its memory). */
  write(path: string, text: string, mode?: number): void;
  boot(): Promise<void>;
  /** An orderly shutdown; the disk stays. */
  shutDown(): Promise<void>;
  /** Shuts down and removes it. */
  remove(): Promise<void>;
}

/**
 * What follows, run by setpriv(1), is the first process of a pid namespace, which ends with this process (PR_SET_PDEATHSIG),
 * and all that is in it. nspawn of its own would leave its system running.
 */
export const BOUND = ['--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

const BOXES = '/var/tmp/fate-boxes';
const ENVIRONMENT = { PATH, HOME: '/root', LC_ALL: 'C.UTF-8', SYSTEMD_PAGER: '', SYSTEMD_COLORS: '0' };

/** Boxes of this process, which may have several of one release. */
let made = 0;

export interface BoxOptions {
  /** Instead of those that the tests of the daemon need: root-folder.ts. */
  readonly packages?: readonly string[];
  /** The machine's network and name servers, for what a user would fetch. */
  readonly network?: boolean;
}

export async function makeBox(suite: Suite, { packages, network = false }: BoxOptions = {}): Promise<Box> {
  const { name, folder, root } = boxFolder(`${suite}-${++made}`);
  const group = groupFolder(`fate-${name}`);
  await unpackRoot(suite, root, packages);
  const screen = join(folder, 'console.log');
  let container: ChildProcess | null = null;
  let leader = 0;

  const box: Box = {
    suite,
    root,
    run: (script, seconds = 30) => enter(leader, script, seconds),
    async sh(script, seconds) {
      const done = await box.run(script, seconds);
      if (done.status !== 0) throw new Error(told(script, done));
      return done.stdout.trimEnd();
    },
    async waitFor(script, seconds = 20) {
      for (const end = Date.now() + seconds * 1000; ; await pause(100)) {
        const done = await box.run(script, seconds);
        if (done.status === 0) return done.stdout.trimEnd();
        if (Date.now() > end) throw new Error(`not within ${seconds} s: ${told(script, done)}`);
      }
    },
    write(path, text, mode = 0o644) {
      mkdirSync(join(root, dirname(path)), { recursive: true, mode: 0o755 });
      writeFileSync(join(root, path), text, { mode });
    },
    async boot() {
      container = startContainer(root, group, screen, network);
      leader = await untilUp(container, screen);
    },
    async shutDown() {
      const ended = container;
      container = null;
      leader = 0;
      if (ended?.exitCode !== null || ended.signalCode !== null) return;
      const exit = once(ended, 'exit');
      for (const nspawn of children(ended.pid)) process.kill(nspawn, 'SIGTERM');
      const limit = setTimeout(() => ended.kill('SIGKILL'), 30_000);
      await exit;
      clearTimeout(limit);
      if (existsSync(group)) removeGroup(group);
      if (ended.signalCode !== null) throw new Error(`no orderly shutdown:\n${readFileSync(screen, 'utf8')}`);
    },
    async remove() {
      try {
        await box.shutDown();
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
  return box;
}

/**
 * Starts it in a control group of its own, or two boxes would share theirs: one that the machine's systemd delegates, where
 * it has one, else a new one here.
 */
function startContainer(root: string, group: string, screen: string, network: boolean): ChildProcess {
  const scope = ['systemd-run', '--scope', '--quiet', '-p', 'Delegate=yes', '--'];
  const folder = ['sh', '-c', 'mkdir "$0" && echo $$ >"$0/cgroup.procs" && exec "$@"', group];
  const nspawn = ['systemd-nspawn', '-q', '-b', '-D', root, '-M', basename(group), '--register=no', '--keep-unit'];
  const [command = '', ...args] = [
    ...(existsSync('/run/systemd/system') ? scope : folder),
    ...['setpriv', ...BOUND],
    // No network unless asked for: two boxes, and the machine, may each use the same ports. cgroup v2, whatever the machine has.
    ...[...nspawn, '--link-journal=no', network ? '--resolv-conf=copy-host' : '--private-network'],
  ];
  const output = openSync(screen, 'a');
  const env = { ...ENVIRONMENT, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' };
  const container = spawn(command, args, { env, stdio: ['ignore', output, output], detached: true });
  closeSync(output);
  return container;
}

/** Where a control group below this process's own is, or would be: cgroups(7), version 2. */
function groupFolder(name: string): string {
  const mount = /^\S+ (\S+) cgroup2 /m.exec(read('/proc/mounts'))?.[1] ?? '/sys/fs/cgroup';
  return join(mount, /^0::(.*)$/m.exec(read('/proc/self/cgroup'))?.[1] ?? '', name);
}

/** Of a container that has ended; the machine's systemd removes its own. */
function removeGroup(group: string): void {
  execFileSync('find', [group, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+'], { stdio: 'ignore' });
}

/** Waits until everything of the boot has been started; gives the pid of its init. */
async function untilUp(container: ChildProcess, screen: string): Promise<number> {
  let last = 'there is no init';
  for (const end = Date.now() + 60_000; Date.now() < end; await pause(50)) {
    if (container.exitCode !== null || container.signalCode !== null) last = 'nspawn has ended';
    const init = children(container.pid)
      .flatMap(children)
      .find((pid) => /^NSpid:.*\t1$/m.test(read(`/proc/${pid}/status`)));
    if (init === undefined) continue;
    const state = await enter(init, '[ -S /run/systemd/private ] && systemctl is-system-running --wait', 50);
    last = (state.stdout + state.stderr).trim();
    if (last === 'running') return init;
    if (last === 'degraded') last += (await enter(init, 'systemctl --failed --no-legend', 10)).stdout;
    if (last.startsWith('degraded')) break;
  }
  container.kill('SIGKILL');
  throw new Error(`it did not boot: ${last}\n${read(screen)}`);
}

async function enter(leader: number, script: string, seconds: number): Promise<Finished> {
  if (leader === 0) throw new Error('the box is not up');
  // In a control group of the box, or its systemd (257) would not talk to it: EUNATCH.
  const inside =
    '{ mkdir -p /sys/fs/cgroup/shells && echo $$ >/sys/fs/cgroup/shells/cgroup.procs; } 2>&-; exec sh -c "$0"';
  const child = spawn('nsenter', ['-t', String(leader), '-a', 'sh', '-c', inside, script], {
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // one process group, so that all of it can be ended
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  let late = false;
  const limit = setTimeout(() => {
    late = true;
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  }, seconds * 1000);
  const [status] = (await once(child, 'close')) as [number | null];
  clearTimeout(limit);
  return { status: late ? -1 : (status ?? 128), ...output };
}

function told(script: string, { status, stdout, stderr }: Finished): string {
  return `${script}\nexit status ${status}${status === -1 ? ' (killed: too slow)' : ''}\n${stdout}${stderr}`;
}

/** Names the folder of a box of this process, and one for its root in it; removes those of processes that are no more. */
export function boxFolder(name: string): { readonly name: string; readonly folder: string; readonly root: string } {
  removeStale();
  const own = `${process.pid}-${startOf(process.pid)}-${name}`;
  return { name: own, folder: join(BOXES, own), root: join(BOXES, own, 'root') };
}

/** Test processes that were killed leave their folders; the containers are gone with them. */
function removeStale(): void {
  mkdirSync(BOXES, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(BOXES)) {
    const [pid, start] = name.split('-');
    if (startOf(Number(pid)) === start) continue;
    if (existsSync(groupFolder(`fate-${name}`))) removeGroup(groupFolder(`fate-${name}`));
    execFileSync('rm', ['-rf', '--one-file-system', join(BOXES, name)]);
  }
}

/** When a process was started, in ticks since the boot (proc(5), /proc/PID/stat, field 22); empty where there is none. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function children(pid: number | undefined): number[] {
  const threads = pid !== undefined && existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [];
  return threads.flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
