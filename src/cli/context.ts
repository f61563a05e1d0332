/** What every command needs to know of its surroundings: who is called, where things are, how to read the configuration. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadOptions } from '../conf/load.ts';
import { readHost } from '../platform/host.ts';
import { type Paths, resolvePaths } from '../platform/paths.ts';
import { createZoneSource } from '../platform/zone-files.ts';
import { currentFolder } from './current-folder.ts';

export type Program = 'fate' | 'fated' | 'fates';

/** Options that every command has. */
export interface CommonArguments {
  readonly system?: boolean | undefined;
  readonly user?: boolean | undefined;
}

/** The name of the library: the leaf of its folders, and the group of its socket. */
export const LIB = 'fate';
const NAMES = { task: 'tasks', defaults: 'defaults' } as const;

export function pathsFor({ system, user }: CommonArguments): Paths {
  return resolvePaths({
    lib: LIB,
    env: process.env,
    home: homedir(),
    cwd: currentFolder(),
    installedAt: fileURLToPath(import.meta.url),
    profile: system ? 'system' : user ? 'user' : undefined,
  });
}

export function loadOptionsFor(paths: Paths, strict = false): LoadOptions {
  return {
    conf: paths.conf,
    names: NAMES,
    packaged: paths.profile === 'system' ? join('/usr/lib', LIB, 'tasks.d') : null,
    data: paths.data,
    host: readHost(),
    // A copy: what Fate itself was told through the environment is not the tasks' to see.
    env: { ...process.env },
    zones: createZoneSource(),
    strict,
  };
}
