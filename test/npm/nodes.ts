/**
 * A Node of each line that is supported, the official binaries, kept in the user's cache; and the npm of this machine, run by
 * one of them where there is no compiler.
 */
import { execFile, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Finished } from '../helpers/prefix.ts';

const run = promisify(execFile);

/**
 * The newest of each line that the registry has for both kinds of machine. There is no lock file for them: a registry never
 * gives another archive for a version that was published, npm compares what it gets with the registry's own sum, and
 * nothing of it is shipped.
 */
export const NODES = ['20.20.2', '22.23.3', '24.21.0'] as const;

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fate-test');
const NO_NETWORK = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b/;

/** Null where these tests can be done; else why not. */
export function whyNot(): string | null {
  if (process.arch !== 'x64' && process.arch !== 'arm64') return `the registry has no Node for ${process.arch}`;
  return onPath('npm') === null ? 'there is no npm here' : null;
}

function onPath(program: string): string | null {
  const folder = (process.env.PATH ?? '').split(delimiter).find((place) => existsSync(join(place, program)));
  return folder === undefined ? null : join(folder, program);
}

/** npm as it is run here, without what a surrounding `npm run` has set for itself. */
export function npmEnv(changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(config_(global|prefix|dry_run|json)$|lifecycle|package)/i.test(name),
    ),
  );
  return {
    ...env,
    npm_config_cache: join(cache, 'npm'),
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    NODE_OPTIONS: '',
    // An old npm uses what a new Node calls deprecated.
    NODE_NO_WARNINGS: '1',
    ...changes,
  };
}

/** The binary of that Node, fetched where nobody has yet. @throws what npm said; null where no registry answers */
export async function nodeOf(version: string): Promise<string | null> {
  const kept = join(cache, `node-${version}-${process.arch}`);
  if (!existsSync(kept)) {
    const name = `node-linux-${process.arch}`;
    mkdirSync(cache, { recursive: true });
    const folder = mkdtempSync(join(cache, '.node-'));
    try {
      writeFileSync(join(folder, 'package.json'), '{}');
      await run('npm', ['install', '--loglevel=error', `${name}@${version}`], { cwd: folder, env: npmEnv() });
      renameSync(join(folder, 'node_modules', name, 'bin/node'), join(folder, 'node'));
      rmSync(join(folder, 'node_modules'), { recursive: true });
      renameSync(folder, kept);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      if (NO_NETWORK.test(String((error as { stderr?: string }).stderr))) return null;
      // Somebody else was faster.
      if (!existsSync(kept)) throw error;
    }
  }
  return join(kept, 'node');
}

/**
 * A folder that is a whole PATH: that Node and a shell, and nothing that compiles.
 * @param folder is made
 */
export function makeBarePath(folder: string, node: string): string {
  mkdirSync(folder, { recursive: true });
  symlinkSync(node, join(folder, 'node'));
  symlinkSync('/bin/sh', join(folder, 'sh'));
  return folder;
}

/** The machine's npm, run by the Node of that PATH. */
export function npm(path: string, cwd: string, ...args: readonly string[]): Finished {
  const program = realpathSync(onPath('npm') ?? '');
  return finished(join(path, 'node'), [program, ...args], { cwd, env: npmEnv({ PATH: path }) });
}

export function finished(
  program: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Finished {
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, { ...options, encoding: 'utf8' });
  if (error) throw error;
  return { status, signal, stdout, stderr };
}
