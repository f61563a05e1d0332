// Fetches what a lock file of npm names, for another processor too, with any npm: `node fetch-locked.mjs LOCK CPU FOLDER` makes
// FOLDER/node_modules of all that is not for development and fits Linux, glibc and CPU (x64, arm64). Nothing is built, no
// script of a package is run. Every archive is compared with the integrity in the lock file before it is unpacked. (`npm ci
// --cpu --libc` would do, but Debian 12's npm 9 does not know these options.)
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, exit, stderr } from 'node:process';

const [, , lock, cpu, folder] = argv;
if (folder === undefined) {
  stderr.write('usage: fetch-locked.mjs LOCK CPU FOLDER\n');
  exit(2);
}

const fits = (list, value) => list === undefined || [list].flat().includes(value);
const wanted = Object.entries(JSON.parse(readFileSync(lock, 'utf8')).packages)
  .filter(([path, entry]) => path !== '' && !entry.dev)
  .filter(([, { os, cpu: cpus, libc }]) => fits(os, 'linux') && fits(cpus, cpu) && fits(libc, 'glibc'))
  .map(([path, { version, integrity }]) => {
    // The name is what follows the last node_modules: packages may lie in others.
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    return { path, spec: `${name}@${version}`, integrity };
  });

/** @throws where the program cannot be run or fails */
function run(command, args, options) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ended with status ${status}`);
}

const archives = mkdtempSync(join(tmpdir(), 'fate-fetch-'));
try {
  // One run for all of them; --ignore-scripts, since npm would run a package's own `prepack` otherwise.
  const quiet = ['--ignore-scripts', '--prefer-offline', '--loglevel=error', '--no-update-notifier'];
  run('npm', ['pack', ...quiet, '--pack-destination', archives, ...wanted.map(({ spec }) => spec)], {
    env: { ...process.env, NODE_NO_WARNINGS: '1' },
  });
  // Known by what they hold, not by what npm called them.
  const byIntegrity = new Map();
  for (const file of readdirSync(archives)) {
    const path = join(archives, file);
    byIntegrity.set(`sha512-${createHash('sha512').update(readFileSync(path)).digest('base64')}`, path);
  }
  for (const { path, spec, integrity } of wanted) {
    const archive = byIntegrity.get(integrity);
    if (archive === undefined) throw new Error(`${spec}: what npm fetched is not what ${lock} names (${integrity})`);
    const target = join(folder, path);
    mkdirSync(target, { recursive: true });
    run('tar', ['-xzf', archive, '-C', target, '--strip-components=1', '--no-same-owner', '--no-same-permissions']);
  }
} catch (error) {
  stderr.write(`fetch-locked: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(archives, { recursive: true, force: true });
}
