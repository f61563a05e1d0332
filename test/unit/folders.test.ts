import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeFolders, makeFoldersSync } from '../../src/folders.ts';

function root(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-folders-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('all folders on the way are made, the first of them is told, and what is there is left', async (t) => {
  const top = root(t);
  assert.equal(await makeFolders(join(top, 'a/b/c'), 0o750), join(top, 'a'));
  assert.equal(statSync(join(top, 'a/b')).mode & 0o777, 0o750 & ~process.umask());
  assert.equal(await makeFolders(join(top, 'a/b/c')), null);
  makeFoldersSync(join(top, 'x/y'));
  makeFoldersSync(join(top, 'x/y'));
  assert.ok(statSync(join(top, 'x/y')).isDirectory());
});

test('of many who make the same folders at the same moment, each has them', async (t) => {
  const top = root(t);
  for (let round = 0; round < 100; round += 1) {
    const folder = join(top, `${round}/a/b`);
    await Promise.all(Array.from({ length: 10 }, () => makeFolders(folder)));
    assert.ok(statSync(folder).isDirectory());
  }
});

test('a file in the way, and a file system that makes no folders, are errors and not for ever', async (t) => {
  const top = root(t);
  writeFileSync(join(top, 'file'), '');
  for (const path of [join(top, 'file'), join(top, 'file/below'), '/proc/no/such/folder']) {
    await assert.rejects(makeFolders(path), /EEXIST|ENOTDIR|ENOENT/);
    assert.throws(() => makeFoldersSync(path), /EEXIST|ENOTDIR|ENOENT/);
  }
});
