/** Stores on real files, and on a small file system of their own. */
import assert from 'node:assert/strict';
import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openStore, type Store } from '../../../src/state/store.ts';

/** Of the compiled module, for programs of their own. */
export const STORE = new URL('../../../src/state/store.js', import.meta.url).href;

export function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function storeIn(t: TestContext, folder: string): Store {
  const store = openStore(folder);
  t.after(() => store.close());
  return store;
}

/** A small file system of its own, or the reason why there is none. */
export function tinyDisk(t: TestContext, bytes: number): { folder: string } | { reason: string } {
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

/** Runs a program that has `store` and the folder as `folder`. */
export function runProgram(folder: string, body: string, through: readonly string[] = []): SpawnSyncReturns<string> {
  const text = `import { openStore } from '${STORE}';\nconst folder = process.argv[1];\n${body}`;
  const [program = '', ...args] = [...through, process.execPath, '--input-type=module', '-e', text, folder];
  return spawnSync(program, args, { encoding: 'utf8' });
}
