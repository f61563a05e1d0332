// Bundles src/bin into dist/: one small file per program, shared and lazily imported parts in chunks beside them
// (PLATFORM: a CLI from node_modules starts in 290 ms, bundled and lazy in 100). lmdb and koffi stay outside.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: {
    fate: 'src/bin/fate.ts',
    fated: 'src/bin/fated.ts',
    fates: 'src/bin/fates.ts',
    'decode-worker': 'src/output/decode-worker.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  external: ['lmdb', 'koffi'],
  chunkNames: 'part-[hash]',
  legalComments: 'linked',
  // Bundled CommonJS packages call require() for Node's own modules; ESM has none of its own.
  banner: {
    js: "import { createRequire as fateCreateRequire } from 'node:module'; const require = fateCreateRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
