/** Which files each part of `fate init` wants, for who runs it and where: from the command line and the surroundings. */
import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { FateError } from '../../errors.ts';
import { accounts } from '../../platform/accounts.ts';
import type { Paths } from '../../platform/paths.ts';
import type { InitArguments } from '../commands/init.ts';
import type { Shell } from '../completion/shells.ts';
import { LIB } from '../context.ts';
import { currentFolder } from '../current-folder.ts';
import { thisInstallation } from '../installation.ts';
import { inShell, planComp, shellOf } from './comp.ts';
import { planConf } from './conf.ts';
import { planServ } from './serv.ts';
import type { Part, Plan, Scope } from './wanted.ts';

const uid = (): number => process.getuid?.() ?? 0;
const scopeOf = (paths: Paths): Scope => (paths.profile === 'system' ? 'system' : 'user');
const dataHome = (): string => folderOf('XDG_DATA_HOME', '.local/share');

/** A path that is not absolute is none (XDG Base Directory Specification); systemd takes none either. */
function folderOf(variable: string, inHome: string): string {
  const given = process.env[variable] ?? '';
  return isAbsolute(given) ? given : join(homedir(), inHome);
}

/** Null where there is nothing to plan: completions for a shell that has none. @throws FateError */
export function planPart(part: Part, args: InitArguments, paths: Paths): Promise<Plan | null> {
  switch (part) {
    case 'conf':
      return planConfiguration(args, paths);
    case 'comp':
      return planCompletion(args, paths);
    case 'serv':
      return planService(args, paths);
  }
}

function planConfiguration(args: InitArguments, paths: Paths): Promise<Plan> {
  // Of a variable that is not set, or a - that stands alone: not where one happens to be.
  if (args.dir === '') throw new FateError('USAGE', 'expected a folder for the example files, found none');
  const options = args.system ? ' --system' : args.user ? ' --user' : '';
  return planConf({
    folder: args.dir === undefined ? paths.conf : resolve(currentFolder(), args.dir),
    scope: args.dir === undefined || args.system ? scopeOf(paths) : 'user',
    format: args.format ?? null,
    root: thisInstallation().root,
    check: args.dir === undefined ? `fate check${options}` : `fate check ${inShell(args.dir)}`,
    uid: uid(),
  });
}

async function planCompletion(args: InitArguments, paths: Paths): Promise<Plan | null> {
  const shell = chosenShell(args);
  if (shell === null) return null;
  // Where Fate is the system's, a user still has a place of his own for these.
  const scope = scopeOf(paths) === 'system' && (args.system || uid() === 0) ? 'system' : 'user';
  const file = args.file === undefined ? null : resolve(currentFolder(), args.file);
  const text = await scriptOf(shell);
  return planComp({ shell, scope: file === null ? scope : 'user', file, dataHome: dataHome(), text });
}

/** What was asked for, else the login shell's; null where that has no completions. */
export function chosenShell({ shell }: Pick<InitArguments, 'shell'>): Shell | null {
  return shell ?? shellOf(process.env.SHELL || ownShell());
}

/** As passwd(5) has it: a service or a container sets no SHELL. */
function ownShell(): string {
  try {
    return userInfo().shell ?? '';
  } catch {
    // A user without an entry has no shell either.
    return '';
  }
}

export async function scriptOf(shell: Shell): Promise<string> {
  const { completionScript } = await import('../completion/script.ts');
  return completionScript(shell);
}

function planService(args: InitArguments, paths: Paths): Promise<Plan> {
  const scope = scopeOf(paths);
  const asked = args.system ? '--system' : args.user ? '--user' : null;
  return planServ({
    installation: thisInstallation(),
    scope,
    profile: asked ?? (paths.profile === 'isolated' ? null : `--${paths.profile}`),
    environment: ownEnvironment(paths, asked !== null),
    configHome: folderOf('XDG_CONFIG_HOME', '.config'),
    dataHome: dataHome(),
    hasGroup: scope === 'system' ? hasGroup() : null,
    runs: () => existsSync(join(paths.run, 'control.sock')),
  });
}

/** The folders that were chosen through the environment are the service's, too. */
function ownEnvironment(paths: Paths, profileGiven: boolean): Readonly<Record<string, string>> {
  const chosen: Record<string, string> = {};
  for (const name of ['conf', 'data', 'state', 'run'] as const) {
    const variable = `FATE_PREFIX_${name.toUpperCase()}`;
    if (process.env[variable]) chosen[variable] = paths[name];
  }
  if (process.env.FATE_PREFIX_PROFILE && !profileGiven) chosen.FATE_PREFIX_PROFILE = paths.profile;
  return chosen;
}

function hasGroup(): boolean | null {
  try {
    return accounts.group(LIB) !== null;
  } catch {
    // Where libc cannot be asked one hint is left out.
    return null;
  }
}
