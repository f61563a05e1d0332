/** What the README tells its reader to do, and debian/tests, which does it wherever autopkgtest(1) is run. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { repo } from '../../helpers/repo.ts';
import { type DebBox, scenario, type Theme, troubles } from '../deb-box.ts';
import { LATER, laterPackage, packageFile } from '../package.ts';

/**
 * Puts debian/ of this checkout below a folder of the box: all of the source package that its tests need. debian/files says
 * that it was built, or autopkgtest would want dpkg-dev.
 */
function copyDebian(root: string, folder: string): void {
  mkdirSync(join(root, folder), { recursive: true });
  execFileSync('cp', ['-a', join(repo, 'debian'), join(root, folder)]);
  writeFileSync(join(root, folder, 'debian/files'), '');
}

/** As `make deb` would leave it in the checkout in /srv/source: this package, and no other. */
function release(root: string, file: string): void {
  const folder = join(root, 'srv/source/release');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  copyFileSync(file, join(folder, basename(file)));
}

/** Types the one block of a section of the README that has these words, run or not, in the checkout. */
async function type(fate: DebBox, section: string, words: string): Promise<string> {
  const found = await fate.sh(`cd /srv/source; folder=$(mktemp -d)
    sh debian/tests/blocks README.md '${section}' "$folder"; grep -lF '${words}' "$folder"/*`);
  assert.equal(found.split('\n').length, 1, `blocks of ${section} with ${words}: ${found}`);
  const script = `cd /srv/source; sudo() { "$@"; }; export -f sudo; export DEBIAN_FRONTEND=noninteractive; . ${found}`;
  const done = await fate.run(`exec bash -ec '${script}' 2>&1 </dev/null`, 120);
  assert.equal(done.status, 0, done.stdout);
  assert.deepEqual(troubles(done.stdout), [], done.stdout);
  return done.stdout;
}

export function firstDay(theme: Theme): void {
  const tests = 'autopkgtest installs the package and walks through the first day of its README';
  scenario(theme, tests, { packages: ['autopkgtest'] }, async (box) => {
    copyDebian(box.root, '/srv/source');
    box.write('/etc/apt/sources.list', ''); // nothing is fetched, nor looked for
    const deb = box.place(packageFile());
    const tried = await box.run(`cd /srv && autopkgtest ${deb} source/ -- null 2>&1`, 300);
    assert.equal(tried.status, 0, tried.stdout);
    assert.match(tried.stdout, /^first-day +PASS/m, tried.stdout);
  });

  const words = "with nothing but the README's words: installed, a first day, upgraded, purged";
  scenario(theme, words, { short: true }, async (fate) => {
    copyDebian(fate.root, '/srv/source');
    copyFileSync(join(repo, 'README.md'), join(fate.root, 'srv/source/README.md'));
    release(fate.root, packageFile());
    await type(fate, 'The first day', 'apt install');
    await fate.sh('/srv/source/debian/tests/first-day', 200);
    const pid = await fate.show('MainPID');

    release(fate.root, await laterPackage());
    await type(fate, 'Upgrading and removing', 'apt install');
    await fate.waitFor(`fate status --json | grep -qF '"version": "${LATER.fate}"'`);
    assert.equal(await fate.show('MainPID'), pid);

    const screen = await type(fate, 'Upgrading and removing', 'apt purge');
    assert.match(screen, /\/var\/log\/fate\/result is left/);
    await fate.sh('! test -e /etc/fate; ! test -e /var/lib/fate; ! test -e /usr/lib/fate; ls /var/log/fate/result/*');
  });
}
