/** The absolute root of the repository, from wherever the compiled test runs. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  if (process.env.FATE_REPO) return process.env.FATE_REPO;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'tsconfig.json'))) {
    const up = dirname(folder);
    if (up === folder) throw new Error('no repository above the tests; set FATE_REPO to its folder');
    folder = up;
  }
  return folder;
}

export const repo = findRoot();
