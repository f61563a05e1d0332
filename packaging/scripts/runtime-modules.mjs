// Copies what the programs need of node_modules at run time: runtime-modules.mjs TARGET makes TARGET/node_modules.
// Which packages comes from package-lock.json (all that is not for development, as far as it is installed here); of each,
// only what runs, and the licences: no sources of machine code, no documents, no types.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const target = process.argv[2] ?? '.';
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));

const RUNS = /\.(js|cjs|mjs|json|node)$/;
const LICENCE = /^(licen[cs]e|notice|copying|copyright)/i;
// Tests and tools of the packages, what lmdb is built from, and what node-gyp leaves behind.
const UNUSED = /^(tests?|benchmarks?|docs?|examples|bin|dependencies|build\/Release\/obj\.target)\//;
// lmdb reads it when a database shares its dictionary.
const DATA = /^dict\/dict\.txt$/;

for (const [folder, { dev }] of Object.entries(packages)) {
  if (folder === '' || dev || !existsSync(folder)) continue;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const inside = path.slice(folder.length + 1);
    if (!entry.isFile() || inside.startsWith('node_modules/')) continue;
    const wanted = (RUNS.test(inside) && !UNUSED.test(inside)) || LICENCE.test(entry.name) || DATA.test(inside);
    if (!wanted) continue;
    mkdirSync(join(target, dirname(path)), { recursive: true });
    copyFileSync(path, join(target, path));
  }
}
