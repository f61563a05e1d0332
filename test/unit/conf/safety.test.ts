/** Who can write a configuration that root would run (SPEC 4). */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Folder, HOST, makeFolder } from '../../fixtures/conf/folder.ts';

const ROOT = { host: { ...HOST, uid: 0 } };
const FILES = {
  'tasks.yaml': 'a: {schedule: "@daily"}\n',
  'defaults.toml': '',
  'tasks.d/x.yaml': 'x: {schedule: "@daily"}\n',
};

async function unsafe(folder: Folder): Promise<string[]> {
  const error = await folder.refusal(ROOT);
  assert.equal(error.code, 'CONF_UNSAFE');
  assert.equal(error.exitStatus, 77);
  assert.ok(error.problems.every((problem) => problem.kind === 'unsafe'));
  return folder.texts(error.problems).map((text) => text.replace(folder.path, '.'));
}

const skip = process.getuid?.() === 0 ? false : 'only root can make files of root and of others';

describe('as root', { skip }, () => {
  test('files that only root can write are accepted', async (t) => {
    const folder = makeFolder(t, FILES);
    assert.equal((await folder.load(ROOT)).tasks.length, 2);
  });

  test('a file of another owner is refused', async (t) => {
    const folder = makeFolder(t, FILES);
    chownSync(join(folder.path, 'tasks.yaml'), 65534, 65534);
    assert.deepEqual(await unsafe(folder), [
      'tasks.yaml: expected a file that only root can write, found that its owner 65534 can',
    ]);
  });

  test('files that the group or everybody can write are refused, all at once', async (t) => {
    const folder = makeFolder(t, FILES);
    chmodSync(join(folder.path, 'defaults.toml'), 0o664);
    chmodSync(join(folder.path, 'tasks.d/x.yaml'), 0o666);
    assert.deepEqual(await unsafe(folder), [
      'defaults.toml: expected a file that only root can write, found that its group 0 can',
      'tasks.d/x.yaml: expected a file that only root can write, found that its group 0 and everybody can',
    ]);
  });

  test('a folder that everybody can write is refused, sticky or not', async (t) => {
    for (const mode of [0o777, 0o1777]) {
      const folder = makeFolder(t, FILES);
      chmodSync(folder.path, mode);
      assert.deepEqual(await unsafe(folder), [
        '.: expected a folder that only root can write, found that its group 0 and everybody can',
      ]);
    }
  });

  test('the folder of the drop-ins counts as well', async (t) => {
    const folder = makeFolder(t, FILES);
    chownSync(join(folder.path, 'tasks.d'), 65534, 0);
    assert.deepEqual(await unsafe(folder), [
      'tasks.d: expected a folder that only root can write, found that its owner 65534 can',
    ]);
  });

  test('a link is followed: its target and the folder of that count', async (t) => {
    const folder = makeFolder(t, { 'tasks.yaml': FILES['tasks.yaml'] });
    mkdirSync(join(folder.path, 'elsewhere'));
    renameSync(join(folder.path, 'tasks.yaml'), join(folder.path, 'elsewhere', 'real.yaml'));
    symlinkSync('elsewhere/real.yaml', join(folder.path, 'tasks.yaml'));
    assert.equal((await folder.load(ROOT)).tasks.length, 1);
    chmodSync(join(folder.path, 'elsewhere', 'real.yaml'), 0o646);
    chmodSync(join(folder.path, 'elsewhere'), 0o770);
    assert.deepEqual(await unsafe(folder), [
      'elsewhere: expected a folder that only root can write, found that its group 0 can',
      'elsewhere/real.yaml: expected a file that only root can write, found that everybody can',
    ]);
  });

  test('/dev/null, which everybody can write, is no danger', async (t) => {
    const folder = makeFolder(t, { 'tasks.yaml': FILES['tasks.yaml'] });
    symlinkSync('/dev/null', join(folder.path, 'defaults.yaml'));
    assert.equal((await folder.load(ROOT)).tasks.length, 1);
  });

  test('when the scheduler is not root nobody asks', async (t) => {
    const folder = makeFolder(t, FILES);
    chmodSync(folder.path, 0o777);
    assert.equal((await folder.load()).tasks.length, 2);
  });
});
