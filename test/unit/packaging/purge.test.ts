/** debian/fate.postrm, as dpkg runs it to purge the package: what goes, what stays, and that no link leads it elsewhere. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { repo } from '../../helpers/repo.ts';

interface Machine {
  /** Makes a file, with its folders. */
  file(...paths: readonly string[]): void;
  link(from: string, to: string): void;
  has(path: string): boolean;
  /** @returns what it said */
  purge(): string;
  /** Everything that is there but folders. */
  left(): readonly string[];
}

/** A folder that stands for the root of a machine: DPKG_ROOT of dpkg(1). */
function machine(t: TestContext): Machine {
  const root = mkdtempSync(join(tmpdir(), 'fate-purge-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ['etc', 'run', 'var/lib', 'var/log']) mkdirSync(join(root, folder), { recursive: true });
  return {
    file(...paths) {
      for (const path of paths) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), 'text\n');
      }
    },
    link(from, to) {
      mkdirSync(dirname(join(root, from)), { recursive: true });
      symlinkSync(join(root, to), join(root, from));
    },
    has: (path) => existsSync(join(root, path)),
    purge() {
      const env = { ...process.env, DPKG_ROOT: root };
      const { status, stdout, stderr } = spawnSync('sh', [join(repo, 'debian/fate.postrm'), 'purge'], {
        encoding: 'utf8',
        env,
      });
      assert.deepEqual([status, stdout], [0, '']);
      return stderr.replaceAll(root, '');
    },
    left: () =>
      readdirSync(root, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
        .sort(),
  };
}

const NO_LINK = 'is no folder of its own, and is left, with what it leads to\n';

test('configuration, state and logs go without a word, and so do the folders', (t) => {
  const { file, purge, left, has } = machine(t);
  file('etc/fate/tasks.toml', 'etc/fate/defaults.yml', 'etc/fate/tasks.d/one.yaml');
  file('var/lib/fate/otter-0/data.mdb', 'var/lib/fate/otter-0/spool/a b/-stdout', 'var/lib/fate/.hidden');
  file('var/log/fate/fate.log', 'var/log/fate/fate.log.1.gz', 'var/log/fate/.x', 'run/fate/run-1/control.sock');
  assert.equal(purge(), '');
  assert.deepEqual(left(), []);
  assert.deepEqual(
    ['etc/fate', 'var/lib/fate', 'var/log/fate', 'run/fate'].map((folder) => has(folder)),
    [false, false, false, false],
  );
  assert.equal(purge(), '', 'a second time');
});

test('results stay, and are counted', (t) => {
  const { file, purge, left } = machine(t);
  const results = ['var/log/fate/result/a\nb', 'var/log/fate/result/backup/one', 'var/log/fate/result/two'];
  file(...results, 'var/log/fate/fate.log');
  assert.equal(purge(), 'fate: /var/log/fate/result is left, with the results of tasks: 3 files\n');
  assert.deepEqual(left(), results);
});

test('what the administrator has put into /etc/fate besides stays, and is told', (t) => {
  const { file, purge, left } = machine(t);
  file('etc/fate/tasks.yaml', 'etc/fate/secrets', 'etc/fate/tasks.d/a.toml', 'etc/fate/tasks.d/README');
  assert.equal(
    purge(),
    'fate: /etc/fate/tasks.d is left: Directory not empty\nfate: /etc/fate is left: Directory not empty\n',
  );
  assert.deepEqual(left(), ['etc/fate/secrets', 'etc/fate/tasks.d/README']);
});

test('a folder that is a link is left, with what it leads to', (t) => {
  const { file, link, purge, left } = machine(t);
  file('srv/tasks.toml', 'srv/fate.log', 'srv/otter-0/data.mdb');
  const links = ['etc/fate', 'run/fate', 'var/lib/fate', 'var/log/fate'];
  for (const path of links) link(path, 'srv');
  assert.equal(
    purge(),
    ['/var/lib', '/run', '/var/log', '/etc'].map((folder) => `fate: ${folder}/fate ${NO_LINK}`).join(''),
  );
  assert.deepEqual(left(), [...links, 'srv/fate.log', 'srv/otter-0/data.mdb', 'srv/tasks.toml'].sort());
});

test('a link in a folder goes, and what it leads to stays', (t) => {
  const { file, link, purge, left } = machine(t);
  file('srv/precious/file', 'srv/tasks.toml', 'var/lib/fate/otter-0/lock');
  for (const path of ['var/lib/fate/out', 'var/lib/fate/otter-0/out', 'var/log/fate/out', 'run/fate/out'])
    link(path, 'srv');
  link('etc/fate/tasks.toml', 'srv/tasks.toml');
  assert.equal(purge(), '');
  assert.deepEqual(left(), ['srv/precious/file', 'srv/tasks.toml']);
});

test('a folder of results or of tasks that is a link stays one, and is told', (t) => {
  const { file, link, purge, left } = machine(t);
  file('srv/one.toml', 'srv/result-1');
  link('var/log/fate/result', 'srv');
  link('etc/fate/tasks.d', 'srv');
  assert.equal(
    purge(),
    'fate: /var/log/fate/result is a link, and is left, with what it leads to\n' +
      `fate: /etc/fate/tasks.d ${NO_LINK}fate: /etc/fate is left: Directory not empty\n`,
  );
  assert.deepEqual(left(), ['etc/fate/tasks.d', 'srv/one.toml', 'srv/result-1', 'var/log/fate/result']);
});

test('a remove, an upgrade and the like touch nothing', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'fate-purge-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'etc/fate'), { recursive: true });
  for (const how of ['remove', 'upgrade', 'failed-upgrade', 'abort-install', 'abort-upgrade', 'disappear']) {
    const env = { ...process.env, DPKG_ROOT: root };
    const { status, stderr } = spawnSync('sh', [join(repo, 'debian/fate.postrm'), how], { encoding: 'utf8', env });
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(existsSync(join(root, 'etc/fate')), true);
  }
});
