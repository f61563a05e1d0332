// Prints the state that each task has kept, for people: node show-state.mjs FOLDER, where FOLDER is that of one
// configuration, <state>/<animal>-<md5>. For the demo; no scheduler may run. Bundles Fate's own store, so that nothing
// here has to know how it lays things out.
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const folder = resolve(process.argv[2] ?? '.');
const scratch = mkdtempSync('dist/show-state-');
const bundled = join(scratch, 'store.mjs');
try {
  await build({
    entryPoints: ['src/state/store.ts'],
    outfile: bundled,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['lmdb', 'koffi'],
    logLevel: 'warning',
  });
  const { openStore } = await import(pathToFileURL(bundled));
  const store = openStore(folder);
  for (const [task, cursor] of store.cursors()) {
    const state = store.state(task);
    const text = state === null ? '-' : state.kind === 'text' ? state.value : JSON.stringify(state.value);
    console.log(`${task.padEnd(14)} seen until ${new Date(cursor.seen).toISOString()}   state: ${text}`);
  }
  await store.close();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
