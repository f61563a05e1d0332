/**
 * The four folders of SPEC section 2, from the profile and the environment. Promises every command the same answer;
 * makes and touches nothing.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export type Profile = 'system' | 'isolated' | 'user';

export interface Paths {
  readonly profile: Profile;
  readonly conf: string;
  readonly data: string;
  readonly state: string;
  readonly run: string;
}

export interface PathsQuestion {
  /** Library name, `fate` unless a distribution brands itself: the leaf, and the prefix of the variables. */
  readonly lib: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly cwd: string;
  /** Absolute path of the installed program. */
  readonly installedAt: string;
  /** `--system` or `--user`; stronger than the environment's profile, weaker than its four folders. */
  readonly profile?: 'system' | 'user' | undefined;
}

const PROFILE_NAMES: Readonly<Record<string, Profile>> = {
  system: 'system',
  isolated: 'isolated',
  user: 'user',
  // What the Python Fate called it.
  empty: 'user',
};
const STRONGEST_FIRST: readonly Profile[] = ['system', 'isolated', 'user'];

/** The folder of the project in whose node_modules the program is installed, or null (a global install has no project). */
function projectOf(installedAt: string): string | null {
  const at = installedAt.lastIndexOf('/node_modules/');
  if (at < 0) return null;
  const project = installedAt.slice(0, at) || '/';
  return existsSync(join(project, 'package.json')) ? project : null;
}

function inferProfile(installedAt: string): Profile {
  if (projectOf(installedAt) !== null) return 'isolated';
  return /^\/(home|root)(\/|$)/.test(installedAt) ? 'user' : 'system';
}

/** `FATE_PREFIX_PROFILE`: names separated by space, `,` or `|`; unknown ones are ignored (SPEC 2). */
function namedProfile(value: string | undefined): Profile | null {
  const named = (value ?? '').split(/[ ,|]+/).map((name) => PROFILE_NAMES[name]);
  return STRONGEST_FIRST.find((profile) => named.includes(profile)) ?? null;
}

export function resolvePaths(q: PathsQuestion): Paths {
  const prefix = `${q.lib.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_PREFIX_`;
  const profile = q.profile ?? namedProfile(q.env[`${prefix}PROFILE`]) ?? inferProfile(q.installedAt);
  const project = projectOf(q.installedAt) ?? dirname(q.installedAt);
  const bases = {
    system: { conf: '/etc', data: '/var/log', state: '/var/lib', run: '/run' },
    isolated: { conf: project, data: project, state: project, run: project },
    user: {
      conf: q.env.XDG_CONFIG_HOME || join(q.home, '.config'),
      data: q.env.XDG_DATA_HOME || join(q.home, '.local/share'),
      state: q.env.XDG_STATE_HOME || join(q.home, '.local/state'),
      run: q.env.XDG_RUNTIME_DIR || join(q.home, '.local/run'),
    },
  }[profile];
  const folder = (name: 'conf' | 'data' | 'state' | 'run'): string => {
    const given = q.env[`${prefix}${name.toUpperCase()}`];
    return resolve(q.cwd, given || join(bases[name], q.lib));
  };
  return { profile, conf: folder('conf'), data: folder('data'), state: folder('state'), run: folder('run') };
}
