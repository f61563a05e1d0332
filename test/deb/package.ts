/**
 * The package that `make deb` made of this checkout, and packages that the tests make: a later version of it, with which an
 * upgrade can be tried, and one of somebody else that brings tasks along.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { repo } from '../helpers/repo.ts';
import { boxFolder } from '../system/box.ts';
import { PATH } from '../system/root-folder.ts';

const run = promisify(execFile);
const env = { PATH, LC_ALL: 'C.UTF-8' };

/** As `fate --version` prints it, and as dpkg sorts it: `2.0.0-alpha.1`, `2.0.0~alpha.1`. */
export interface Version {
  readonly fate: string;
  readonly debian: string;
}

const { version } = JSON.parse(readFileSync(join(repo, 'package.json'), 'utf8')) as { version: string };
export const THIS: Version = { fate: version, debian: version.replace('-', '~') };
/** Sorts behind this version and before all that is released. */
export const LATER: Version = { fate: `${version}.9`, debian: `${THIS.debian}.9` };

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Where `make deb` puts the package for this machine; FATE_DEB names another one. */
export function packageFile(): string {
  return process.env.FATE_DEB ?? join(repo, 'release', `fate_${THIS.debian}_${ARCHITECTURES[process.arch]}.deb`);
}

/** Null where there is a package to try; else what to do about it. */
export function whyNoPackage(): string | null {
  if (existsSync(packageFile())) return null;
  return `there is no ${packageFile()}; make deb makes it, and make test-deb does both`;
}

let folder = '';

/** For the packages of this process; goes when the next test finds it left. */
function workFolder(): string {
  if (folder === '') {
    folder = boxFolder('packages').folder;
    mkdirSync(folder, { recursive: true });
  }
  return folder;
}

const made = new Map<string, Promise<string>>();

function once(name: string, make: (file: string) => Promise<void>): Promise<string> {
  let file = made.get(name);
  if (file === undefined) {
    const path = join(workFolder(), name);
    file = make(path).then(() => path);
    made.set(name, file);
  }
  return file;
}

/**
 * The same package as a later version would be: with another number, other bytes in each of its programs' files and, with
 * `ledger`, a layout of the ledger that this version does not know.
 */
export function laterPackage({ ledger = false } = {}): Promise<string> {
  return once(`fate_${LATER.debian}${ledger ? '_ledger' : ''}.deb`, async (file) => {
    const script = `
      dpkg-deb -R "$deb" "$work"
      cd "$work"
      sed -i "s/^Version: .*/Version: $debian/" DEBIAN/control
      sed -i "/version/s/$from/$to/" usr/lib/fate/package.json
      grep -qF "$to" usr/lib/fate/package.json
      for program in usr/lib/fate/dist/*.js; do echo "// of $to" >>"$program"; done
      if [ "$ledger" = true ]; then
        sed -i 's/\\bLAYOUT=2\\b/LAYOUT=3/' usr/lib/fate/dist/*.js
        grep -q 'LAYOUT=3' usr/lib/fate/dist/*.js
      fi
      find . -type f ! -path './DEBIAN/*' -printf '%P\\0' | sort -z | xargs -0 md5sum >DEBIAN/md5sums
      dpkg-deb --root-owner-group -Znone -b . "$file" >/dev/null
      rm -rf "$work"`;
    const given = { from: THIS.fate, to: LATER.fate, debian: LATER.debian, ledger: String(ledger) };
    await run('bash', ['--norc', '-euc', script], {
      env: { ...env, ...given, deb: packageFile(), work: `${file}.work`, file },
    });
  });
}

/** A package with nothing but these files, and perhaps maintainer scripts. */
export function tinyPackage(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  return once(`${name}.deb`, async (file) => {
    const work = `${file}.work`;
    const control = `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: A test <test@localhost>\nDescription: tasks\n`;
    for (const [path, text] of Object.entries({ ...files, 'DEBIAN/control': control })) {
      mkdirSync(join(work, dirname(path)), { recursive: true });
      writeFileSync(join(work, path), text, { mode: /^DEBIAN\/(pre|post)/.test(path) ? 0o755 : 0o644 });
    }
    await run('dpkg-deb', ['--root-owner-group', '-Znone', '-b', work, file], { env });
  });
}
