/** `make install` refuses a PREFIX that the units and the programs' own lines cannot hold, before it does anything. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { repo } from '../../helpers/repo.ts';

test('a PREFIX that systemd, sh or sed would read as something else is refused, and nothing is installed', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fate-install-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const script = join(repo, 'packaging/scripts/install.sh');
  for (const prefix of ['opt', '/a b', '/a\nb', '/a$HOME', '/a"', "/a'", '/a`', '/a\\', '/a%d', '/a#', '/a&']) {
    const { status, stderr } = spawnSync('sh', [script, folder, prefix], { encoding: 'utf8' });
    assert.equal(status, 2, prefix);
    assert.match(stderr, /^PREFIX must /, prefix);
  }
  assert.deepEqual(readdirSync(folder), []);
});
