import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type PathsQuestion, resolvePaths } from '../../../src/platform/paths.ts';

const question: PathsQuestion = {
  lib: 'fate',
  env: {},
  home: '/home/ada',
  cwd: '/work',
  installedAt: '/usr/lib/fate/dist/fate.js',
};

test('installed outside /home and /root it uses the folders of the system', () => {
  assert.deepEqual(resolvePaths(question), {
    profile: 'system',
    conf: '/etc/fate',
    data: '/var/log/fate',
    state: '/var/lib/fate',
    run: '/run/fate',
  });
});

test('installed in a home it uses the folders of the user, which XDG variables move', () => {
  for (const installedAt of [
    '/home/ada/.npm/lib/node_modules/fate-scheduler/dist/fate.js',
    '/root/fate/dist/fate.js',
  ]) {
    assert.deepEqual(resolvePaths({ ...question, installedAt }), {
      profile: 'user',
      conf: '/home/ada/.config/fate',
      data: '/home/ada/.local/share/fate',
      state: '/home/ada/.local/state/fate',
      run: '/home/ada/.local/run/fate',
    });
  }
  const env = { XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: '/d', XDG_STATE_HOME: '/s', XDG_RUNTIME_DIR: '/r' };
  const moved = resolvePaths({ ...question, profile: 'user', env });
  assert.deepEqual([moved.conf, moved.data, moved.state, moved.run], ['/c/fate', '/d/fate', '/s/fate', '/r/fate']);
});

test("installed in a project's own node_modules it uses that project's folder", (t) => {
  const project = mkdtempSync(join(tmpdir(), 'fate-paths-'));
  t.after(() => rmSync(project, { recursive: true }));
  const installedAt = join(project, 'node_modules', 'fate-scheduler', 'dist', 'fate.js');
  assert.equal(resolvePaths({ ...question, installedAt }).profile, 'system', 'a global install is no project');
  mkdirSync(join(project, 'node_modules'));
  writeFileSync(join(project, 'package.json'), '{}');
  const paths = resolvePaths({ ...question, installedAt });
  assert.deepEqual([paths.profile, paths.conf, paths.run], ['isolated', join(project, 'fate'), join(project, 'fate')]);
});

test('FATE_PREFIX_PROFILE names profiles; the strongest wins and unknown ones are ignored', () => {
  const named = (value: string) => resolvePaths({ ...question, env: { FATE_PREFIX_PROFILE: value } }).profile;
  assert.equal(named('user'), 'user');
  assert.equal(named('empty'), 'user');
  assert.equal(named('user|isolated'), 'isolated');
  assert.equal(named('isolated, system'), 'system');
  assert.equal(named('nonsense user'), 'user');
  assert.equal(named('nonsense'), 'system');
  assert.equal(named(''), 'system');
});

test('a folder that is given is used as it is, made absolute, whatever the profile', () => {
  const env = { FATE_PREFIX_CONF: 'here', FATE_PREFIX_STATE: '/there', FATE_PREFIX_PROFILE: 'user' };
  const paths = resolvePaths({ ...question, env, profile: 'system' });
  assert.deepEqual([paths.conf, paths.state, paths.data], ['/work/here', '/there', '/var/log/fate']);
});

test('another library name is the leaf and the name of the variables', () => {
  const paths = resolvePaths({
    ...question,
    lib: 'net-rics',
    env: { NET_RICS_PREFIX_RUN: '/r', FATE_PREFIX_CONF: '/no' },
  });
  assert.deepEqual([paths.conf, paths.run], ['/etc/net-rics', '/r']);
});
