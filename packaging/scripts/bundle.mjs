// Bundles src/bin into dist/: one small file per program, shared and lazily imported parts in chunks beside them
// (a CLI from node_modules starts in 290 ms, bundled and lazy in 100). lmdb and koffi stay outside, since they hold
// machine code. The licences of all that was bundled go to dist/LICENSES.txt, as they ask for. The exec helper is compiled
// into dist/fate-exec-ARCH: `node bundle.mjs [ARCH...]`, by default for this machine alone (exec-helper.mjs).
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildExecHelperOrSay } from './exec-helper.mjs';

const require = createRequire(import.meta.url);
const plainWidth = {
  name: 'plain-width',
  setup({ onResolve }) {
    onResolve({ filter: /^string-width$/ }, () => ({
      path: fileURLToPath(new URL('string-width.mjs', import.meta.url)),
    }));
    onResolve({ filter: /^string-width-whole$/ }, () => ({ path: require.resolve('string-width') }));
  },
};

rmSync('dist', { recursive: true, force: true });
const common = {
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  minifySyntax: true,
  minifyWhitespace: true,
  metafile: true,
  logLevel: 'warning',
};
const programs = await build({
  ...common,
  entryPoints: { fate: 'src/bin/fate.ts', fated: 'src/bin/fated.ts', fates: 'src/bin/fates.ts' },
  splitting: true,
  format: 'esm',
  external: ['lmdb', 'koffi', 'sd-notify'],
  // The places where tests break things (src/faults.ts) are no part of the programs.
  define: { 'process.env.FATE_FAULT': 'undefined' },
  // One copy: cron-parser requires its CommonJS form, the rest would import the other.
  alias: { luxon: './node_modules/luxon/build/node/luxon.js' },
  chunkNames: 'part-[hash]',
  plugins: [plainWidth],
  // Bundled CommonJS packages call require() for Node's own modules; ESM has none of its own.
  banner: {
    js: "import { createRequire as fateCreateRequire } from 'node:module'; const require = fateCreateRequire(import.meta.url);",
  },
});
// One file by itself, CommonJS: the daemon keeps its text and starts the thread from that (src/output/decoder.ts).
const worker = await build({
  ...common,
  entryPoints: { 'decode-worker': 'src/output/decode-worker.ts' },
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
});

// The folder of each package of which something was bundled, nested ones too.
const packages = new Set(
  [programs, worker]
    .flatMap(({ metafile }) => Object.keys(metafile.inputs))
    .flatMap((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/)?.[0] ?? []),
);
const notices = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|notice)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`${name} ${version} (${license})`, ...texts].join('\n\n');
});
notices.push(`GNU C Library (LGPL-2.1-or-later)

The programs fate-exec-*, where they were built, are linked with it statically, as the machine that built them had it. Their own
source is src/native/exec.c of Fate, under Fate's licence.`);
writeFileSync(join('dist', 'LICENSES.txt'), `${notices.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
const machines = process.argv.slice(2);
for (const arch of machines.length > 0 ? machines : [process.arch]) buildExecHelperOrSay('dist', arch);
