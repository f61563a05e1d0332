/** Fate as it is installed in other places than a checkout: copies of what `npm run build` made, for `fate init`. */
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repo } from './repo.ts';

/** What `fate init` needs of it: the programs and the texts, below `root`. */
export function copyPrograms(root: string): void {
  mkdirSync(root, { recursive: true });
  for (const part of ['dist', 'package.json', 'README.md', 'packaging/init', 'systemd']) {
    cpSync(join(repo, part), join(root, part), { recursive: true });
  }
  // Their packages, so that they need not be copied.
  symlinkSync(join(repo, 'node_modules'), join(root, 'node_modules'));
}

/** As `make install` leaves it. @returns the words that run `fate` */
export function installPrefix(prefix: string): readonly string[] {
  copyPrograms(join(prefix, 'lib/fate'));
  mkdirSync(join(prefix, 'bin'), { recursive: true });
  for (const program of ['fate', 'fated', 'fates']) {
    const script = `#!/bin/sh\nexec "${process.execPath}" "${prefix}/lib/fate/dist/${program}.js" "$@"\n`;
    writeFileSync(join(prefix, 'bin', program), script, { mode: 0o755 });
  }
  return [join(prefix, 'bin/fate')];
}

/** As npm leaves it in a prefix, with links that ask PATH for node. */
export function installNpmGlobal(prefix: string): readonly string[] {
  const root = join(prefix, 'lib/node_modules/fate-scheduler');
  copyPrograms(root);
  mkdirSync(join(prefix, 'bin'), { recursive: true });
  for (const program of ['fate', 'fated', 'fates']) {
    symlinkSync(`../lib/node_modules/fate-scheduler/dist/${program}.js`, join(prefix, 'bin', program));
  }
  return [process.execPath, join(prefix, 'bin/fate')];
}

/** In the node_modules of a project. */
export function installNpmProject(project: string): readonly string[] {
  copyPrograms(join(project, 'node_modules/fate-scheduler'));
  writeFileSync(join(project, 'package.json'), '{"name": "a-project"}\n');
  const bin = join(project, 'node_modules/.bin/fate');
  mkdirSync(dirname(bin), { recursive: true });
  symlinkSync('../fate-scheduler/dist/fate.js', bin);
  return [process.execPath, bin];
}
