/**
 * Where this Fate is installed and how: which programs a systemd unit is to start, and where the texts lie that `fate init`
 * writes. Looks at the disk, and changes nothing.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * `package`: /usr/lib/fate, of a distribution's package or `make install` with that prefix; `prefix`: PREFIX/lib/fate of
 * `make install`; `npm global`, `npm project`: a node_modules, the latter a project's own; `checkout`: anything else.
 */
export type InstallationKind = 'package' | 'prefix' | 'npm global' | 'npm project' | 'checkout';

export interface Installation {
  readonly kind: InstallationKind;
  /** The folder of Fate's package.json. */
  readonly root: string;
  /** The words that run them, the first an absolute path, whatever PATH there is. */
  readonly fate: readonly string[];
  readonly fated: readonly string[];
  /** The page on systemd, or the README; null where neither is there. */
  readonly page: string | null;
}

/**
 * @param from a file of the programs, with its links followed
 * @param node the Node that runs them
 */
export function installationAt(from: string, node: string): Installation {
  const root = rootAbove(dirname(from));
  const kind = kindOf(root);
  const prefix = dirname(dirname(root));
  // The wrappers know their Node. A link of npm's asks PATH for it, and that of a service has no nvm in it.
  const wrapped = kind === 'package' || kind === 'prefix';
  const folder = wrapped ? null : programsBeside(dirname(from), root);
  const words = (program: string): readonly string[] =>
    folder === null ? [join(prefix, 'bin', program)] : [node, join(folder, `${program}.js`)];
  const pages = [
    ...(wrapped ? [join(prefix, 'share/doc/fate/docs/systemd.md')] : []),
    join(root, 'docs/systemd.md'),
    join(root, 'README.md'),
  ];
  return {
    kind,
    root,
    fate: words('fate'),
    fated: words('fated'),
    page: pages.find((page) => existsSync(page)) ?? null,
  };
}

/** The one that runs now. */
export function thisInstallation(): Installation {
  return installationAt(realpathSync(fileURLToPath(import.meta.url)), process.execPath);
}

/** The nearest folder whose package.json is Fate's; where there is none, the folder above the programs. */
function rootAbove(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    try {
      if (JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')).name === 'fate-scheduler') return at;
    } catch {
      // Not here: one folder further up.
    }
    if (at === dirname(at)) return dirname(folder);
  }
}

function kindOf(root: string): InstallationKind {
  if (root === '/usr/lib/fate') return 'package';
  if (root.endsWith('/lib/fate') && existsSync(join(root, '../../bin/fated'))) return 'prefix';
  const at = root.lastIndexOf('/node_modules/');
  if (at < 0) return 'checkout';
  // As src/platform/paths.ts tells a project: it has a package.json of its own.
  return existsSync(join(root.slice(0, at), 'package.json')) ? 'npm project' : 'npm global';
}

/** Bundled they stand beside this; not bundled in src/bin, as this does in src/cli. */
function programsBeside(here: string, root: string): string {
  return [here, join(here, '../bin')].find((folder) => existsSync(join(folder, 'fated.js'))) ?? join(root, 'dist');
}
