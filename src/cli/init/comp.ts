/** `fate init comp`: the completions of one shell, where that shell looks for them. Plans only. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { COMPLETION_FILES, SHELLS, type Shell } from '../completion/shells.ts';
import { look } from './looking.ts';
import { isNew, type Plan, type Scope, type Wanted } from './wanted.ts';

export interface CompQuestion {
  readonly shell: Shell;
  readonly scope: Scope;
  /** A file of the caller's own choice, absolute; null for the shell's own place. */
  readonly file: string | null;
  /** $XDG_DATA_HOME, or what stands for it. */
  readonly dataHome: string;
  readonly text: string;
}

/** The shell of a path such as that in $SHELL; null where it is none that has completions. */
export function shellOf(path: string): Shell | null {
  return SHELLS.find((shell) => shell === basename(path)) ?? null;
}

/** SPEC 13. Debian's zsh looks into vendor-completions, others only into site-functions. */
export function completionFolder(shell: Shell, scope: Scope, dataHome: string): string {
  const base = scope === 'system' ? '/usr/share' : dataHome;
  switch (shell) {
    case 'bash':
      return join(base, 'bash-completion/completions');
    case 'fish':
      return join(base, 'fish/vendor_completions.d');
    case 'tcsh':
      return join(base, 'tcsh');
    case 'zsh': {
      const [vendor, site] = [join(base, 'zsh/vendor-completions'), join(base, 'zsh/site-functions')];
      return scope === 'user' || (!existsSync(vendor) && existsSync(site)) ? site : vendor;
    }
  }
}

/** @throws FateError PATH_TYPE, PATH_ACCESS */
export async function planComp(question: CompQuestion): Promise<Plan> {
  const { shell, scope, file, dataHome } = question;
  if (file !== null) return { items: [wanted(question, file)], hints: () => Promise.resolve([]) };
  const own = inFolder(question, completionFolder(shell, scope, dataHome));
  const systems = inFolder(question, completionFolder(shell, 'system', dataHome));
  // What a package has put there serves every user. That of tcsh is sourced, wherever it is.
  const served = scope === 'user' && shell !== 'tcsh' && (await allSame(systems));
  return {
    items: served ? systems : own,
    hints: (done) => Promise.resolve(served || !done.some(isNew) ? [] : advice(shell, scope, own[0]?.path ?? '')),
  };
}

function inFolder(question: CompQuestion, folder: string): readonly Wanted[] {
  const { file, links } = COMPLETION_FILES[question.shell];
  return [
    wanted(question, join(folder, file)),
    ...links.map((name) => ({ ...wanted(question, join(folder, name)), content: { link: file } })),
  ];
}

function wanted({ scope, text }: CompQuestion, path: string): Wanted {
  return { part: 'comp', path, content: { text }, scope, keepOld: false };
}

async function allSame(items: readonly Wanted[]): Promise<boolean> {
  for (const item of items) {
    // What cannot be seen there is of no use to this user either.
    const standing = await look(item).catch(() => null);
    if (standing?.is !== 'same') return false;
  }
  return true;
}

function advice(shell: Shell, scope: Scope, path: string): readonly string[] {
  switch (shell) {
    case 'bash':
      return existsSync('/usr/share/bash-completion/bash_completion')
        ? ['a new bash completes fate']
        : ['install the package bash-completion: without it bash does not look there'];
    case 'fish':
      return ['a new fish completes fate'];
    case 'tcsh':
      return [`put this into ${scope === 'system' ? '/etc/csh.cshrc' : '~/.tcshrc'}: source ${inShell(path)}`];
    case 'zsh':
      return scope === 'system'
        ? ['a new zsh completes fate, where ~/.zshrc has: autoload -Uz compinit && compinit']
        : [`put this into ~/.zshrc: fpath+=(${inShell(dirname(path))}) && autoload -Uz compinit && compinit`];
  }
}

/** A path as a word of a shell. */
export function inShell(path: string): string {
  return /^[\w/.,:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
