// Makes dist/ anew for `npm pack` (script prepack of package.json), with the exec helper for both kinds of machine, since one npm
// package serves them all. In a fresh clone it first installs what the build takes. What cannot be made is told on standard
// error, as everything here is: standard output is that of `npm pack --json`.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath, exit, stderr } from 'node:process';
import { fileURLToPath } from 'node:url';
import { execHelperName } from './exec-helper.mjs';

const ARCHITECTURES = ['x64', 'arm64'];

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));

const isThere = (name) => existsSync(join('node_modules', name));

function run(command, args, environment = env) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2], env: environment });
  if (status === 0) return;
  if (error) stderr.write(`${command}: ${error.message}\n`);
  exit(1);
}

if (!Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).devDependencies).every(isThere)) {
  stderr.write('Installing what the build takes, by package-lock.json\n');
  // The npm that runs this script hands on its own options; --dry-run, --json and --global are not meant for this one.
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_/i.test(name)));
  // Nothing of it is to be run but esbuild, which takes no script for that.
  run('npm', ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], own);
}
run(execPath, ['packaging/scripts/bundle.mjs', ...ARCHITECTURES]);

const missing = ARCHITECTURES.map((arch) => execHelperName(arch)).filter((file) => !existsSync(join('dist', file)));
if (missing.length > 0) {
  stderr.write(`This package is without ${missing.join(' and ')}.\n`);
  // A trial can do without; what everybody gets must not.
  if (env.npm_command === 'publish') exit(1);
}
