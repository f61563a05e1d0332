/** What the daemon loads late is known, and loaded by src/preload.ts: the daemon outlives the files it was started from. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { repo } from '../helpers/repo.ts';

const src = join(repo, 'src');

/** All that is loaded with the daemon, of Fate's own: what it imports, what that imports, and so on. */
function loadedWith(first: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    const text = readFileSync(join(src, name), 'utf8');
    found.set(name, text);
    const imports = /(?:^(?:import|export)\s+(?!type\b)[^'"]*?from\s+|(?<!typeof )\bimport\()'(\.[^']+)'/gm;
    for (const [, target = ''] of text.matchAll(imports)) visit(join(dirname(name), target));
  };
  visit(first);
  return found;
}

test('whatever the daemon loads later than itself is loaded before it says that it is ready', () => {
  const daemon = readFileSync(join(src, 'daemon.ts'), 'utf8');
  assert.ok(daemon.indexOf('await preload()') > 0);
  assert.ok(daemon.lastIndexOf(' import(') < daemon.lastIndexOf('ready('), 'of its own it loads nothing after that');
  const late = [...loadedWith('daemon.ts')]
    .filter(([name]) => name !== 'daemon.ts')
    .flatMap(([name, text]) =>
      [...text.matchAll(/(?<!typeof )\bimport\('([^']+)'\)|new URL\(([^,)]+), import\.meta\.url\)/g)].map(
        ([, module, file]) => `${name}: ${module ?? file}`,
      ),
    );
  // By preload(), each through the function that imports or reads it: what is new here belongs there.
  assert.deepEqual(late.sort(), [
    'conf/toml-file.ts: toml-eslint-parser',
    'execution/exec-helper.ts: folder + NAME',
    "output/decoder.ts: './decode-worker.cjs'",
    "output/decoder.ts: './decode-worker.js'",
  ]);
  const preload = readFileSync(join(src, 'preload.ts'), 'utf8');
  for (const call of ['loadPlacing()', 'execHelper()', 'preloadDecoder()']) assert.ok(preload.includes(call), call);
});
