/** Stores on real files, and on a small file system of their own. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bareEntry } from '../../../src/state/entry.ts';
import { openStore, type Store } from '../../../src/state/store.ts';
import type { Ending, Entry, Status } from '../../../src/types.ts';
import type { Cleanup } from '../../helpers/prefix.ts';

/** Of the compiled module, for programs of their own. */
export const STORE = new URL('../../../src/state/store.js', import.meta.url).href;
const READER = new URL('../../../src/state/reader.js', import.meta.url).href;

/** A planned entry that is due at its own minute. */
export function planned(id: string, changes: Partial<Entry> = {}): Entry {
  return { ...bareEntry(id, 'ping', changes.due ?? 1_763_000_000_000, 'planned'), ...changes };
}

export function ending(at: number, status: Status = 'OK'): Ending {
  return {
    attempt: 1,
    startedAt: at,
    endedAt: at,
    duration: 0,
    status,
    code: status === 'OK' ? 0 : 1,
    signal: null,
    endedBy: 'itself',
    reason: null,
    memory: null,
    cpu: null,
  };
}

/** An entry that ended at its due time, unless something else is said. */
export function ended(id: string, status: Status = 'OK', changes: Partial<Entry> = {}): Entry {
  const open = planned(id, changes);
  return { ...open, phase: 'ended', ending: ending(open.due, status), ...changes };
}

export function skipped(id: string, changes: Partial<Entry> = {}): Entry {
  const open = planned(id, changes);
  return {
    ...open,
    phase: 'skipped',
    skipped: { reason: 'overlap', detail: 'it was running', at: open.due },
    ...changes,
  };
}

export const byId = (...entries: readonly Entry[]): Map<string, Entry> =>
  new Map(entries.map((entry) => [entry.id, entry]));

/** Closings without output. */
export const closing = (...entries: readonly Entry[]): Map<string, { entry: Entry; output: null }> =>
  new Map(entries.map((entry) => [entry.id, { entry, output: null }]));

export function scratch(t: Cleanup): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function storeIn(t: Cleanup, folder: string): Store {
  const store = openStore(folder);
  t.after(() => store.close());
  return store;
}

/** A small file system of its own, or the reason why there is none. */
export function tinyDisk(t: Cleanup, bytes: number): { folder: string } | { reason: string } {
  if (process.getuid?.() !== 0) return { reason: 'only root can mount a small tmpfs' };
  const folder = mkdtempSync(join(tmpdir(), 'fate-store-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
  t.after(() => {
    if (mounted.status === 0) execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true });
  });
  if (mounted.status !== 0) return { reason: 'this machine lets nobody mount a tmpfs' };
  return { folder };
}

export function fill(file: string): void {
  assert.throws(() => writeFileSync(file, Buffer.alloc(8 << 20)), { code: 'ENOSPC' });
}

const program = (body: string): string =>
  `import { openStore } from '${STORE}';
import { openReader } from '${READER}';
const STORE = '${STORE}';
const folder = process.argv[1];
${body}`;

/** Runs a program that has `openStore`, `openReader` and the folder as `folder`. */
export function runProgram(folder: string, body: string, through: readonly string[] = []): SpawnSyncReturns<string> {
  const [first = '', ...args] = [...through, process.execPath, '--input-type=module', '-e', program(body), folder];
  return spawnSync(first, args, { encoding: 'utf8' });
}

export interface Running {
  readonly child: ChildProcess;
  /** The next line that it writes; rejects when it ends before. */
  line(): Promise<string>;
  readonly closed: Promise<number | null>;
}

/** As runProgram, beside this process. */
export function startProgram(t: Cleanup, folder: string, body: string): Running {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program(body), folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async line() {
      const { value, done } = await lines.next();
      if (done) throw new Error('the program has ended');
      return value;
    },
    closed: new Promise((resolve) => child.once('close', resolve)),
  };
}
