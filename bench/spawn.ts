/** What it costs to start a program: Node's own spawn, posix_spawn, the exec helper, and a control group of the run's own. */
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { execHelper, helperArgv } from '../src/execution/exec-helper.ts';
import { native } from '../src/platform/native.ts';
import type { ProcessContext } from '../src/types.ts';
import { median, ratio, tell } from './measure.ts';

const ROUNDS = 5;
const RUNS = 60;
const HEAP = 300 << 20;
const PROGRAM = '/bin/true';

const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => !!entry[1]));
const nothing = openSync('/dev/null', 'r+');
const fds = [nothing, nothing, nothing, nothing, nothing];
const context: ProcessContext = { identity: null, cwd: null, umask: null, nice: null };

/** Starts one; resolves at its end. */
type Way = () => Promise<unknown>;

const byNode: Way = () =>
  new Promise((resolve) => {
    spawn(PROGRAM, [], { env: { ...env }, stdio: [...fds], detached: true }).once('exit', resolve);
  });
const direct: Way = () => native.spawn({ file: PROGRAM, argv: ['true'], env, fds }).ended;

function byHelper(file: string, folder: () => string | null): Way {
  return () => {
    const argv = helperArgv(context, folder(), PROGRAM, ['true']);
    return native.spawn({ file, argv, env, fds: [...fds, nothing] }).ended;
  };
}

/** Where this process may make control groups of version 2; null where it may not. */
function groupFolder(): string | null {
  const root = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/self/mounts', 'utf8'))?.[1];
  if (root === undefined) return null;
  const folder = join(root, `fate-bench-${process.pid}`);
  try {
    mkdirSync(folder);
    return folder;
  } catch {
    return null;
  }
}

/** A group is made before each start and removed after each end, as for a run. */
function inGroup(file: string, parent: string): Way {
  let count = 0;
  return async () => {
    const folder = join(parent, `run-${count++}`);
    mkdirSync(folder);
    await byHelper(file, () => folder)();
    readFileSync(join(folder, 'cpu.stat'));
    rmdirSync(folder);
  };
}

interface Cost {
  /** Milliseconds in which the event loop stands still. */
  readonly main: number;
  readonly total: number;
}

async function cost(way: Way): Promise<Cost> {
  let main = 0;
  const start = performance.now();
  for (let i = 0; i < RUNS; i++) {
    const before = performance.now();
    const end = way();
    main += performance.now() - before;
    await end;
  }
  return { main: main / RUNS, total: (performance.now() - start) / RUNS };
}

const helper = execHelper();
const parent = groupFolder();
const ways: (readonly [string, Way])[] = [
  ["Node's spawn", byNode],
  ['posix_spawn', direct],
];
if (helper === null) tell('the exec helper', 'was not built');
else ways.push(['posix_spawn of the exec helper', byHelper(helper, () => null)]);
if (helper !== null && parent !== null)
  ways.push(['the same into a control group made for it', inGroup(helper, parent)]);
else tell('a control group', 'cannot be made here');

for (const heap of [0, HEAP]) {
  // Touched, so that it has pages whose tables a fork copies.
  const held = heap === 0 ? null : Buffer.alloc(heap, 1);
  const costs = new Map<string, Cost[]>(ways.map(([name]) => [name, []]));
  for (const [, way] of ways) await way();
  // In turn, so that what else the machine does falls on all of them.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, way] of ways) costs.get(name)?.push(await cost(way));
  }
  const size = `${(process.memoryUsage.rss() / (1 << 20)).toFixed(0)} MB${held === null ? '' : ', 300 of them held'}`;
  const middle = (name: string, of: keyof Cost): number => median((costs.get(name) ?? []).map((found) => found[of]));
  for (const [name] of ways) {
    const [main, total] = [middle(name, 'main'), middle(name, 'total')];
    const [nodeMain, nodeTotal] = [middle("Node's spawn", 'main'), middle("Node's spawn", 'total')];
    tell(
      `${name}, in a process of ${size}`,
      `${main.toFixed(2)} ms of the loop (${ratio(main / nodeMain)}), ${total.toFixed(2)} ms in all (${ratio(total / nodeTotal)})`,
    );
  }
}
if (parent !== null) {
  writeFileSync(join(parent, 'cgroup.kill'), '1');
  rmdirSync(parent);
}
