import assert from 'node:assert/strict';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FateError } from '../../../src/errors.ts';
import { stateFolder, stateName } from '../../../src/state/folder.ts';

const STEMS = ['/etc/fate/tasks', '/etc/fate/defaults'] as const;

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-state-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test('the name is an animal and the md5 of both paths, sorted and joined by a colon', () => {
  // printf %s /etc/fate/defaults:/etc/fate/tasks | md5sum, and `python3 -c 'print(0x… % 26)'` for the animal.
  assert.equal(stateName(STEMS), 'porcupine-5d23904d0bac8946e4a0bcc4a8cf4921');
  assert.equal(stateName(['/etc/fate/defaults', '/etc/fate/tasks']), stateName(STEMS));
  assert.notEqual(stateName(['/etc/fate/defaults', '/etc/fate/measurements']), stateName(STEMS));
});

test('every one of the 26 animals comes up', () => {
  const animals = new Set(Array.from({ length: 2000 }, (_, n) => stateName([`/a/${n}`, `/b/${n}`]).replace(/-.*/, '')));
  assert.equal(animals.size, 26);
  assert.ok(animals.has('aardvark') && animals.has('zebra'));
});

test('the folder is made, closed to others, with a place for the spool', (t) => {
  const state = join(scratch(t), 'var/lib/fate');
  const folder = stateFolder(state, STEMS, []);
  assert.equal(folder, join(state, stateName(STEMS)));
  assert.equal(modeOf(folder), 0o700);
  assert.equal(modeOf(join(folder, 'spool')), 0o700);
  assert.equal(stateFolder(state, STEMS, []), folder);
});

test('a folder that others could read is closed again', (t) => {
  const state = scratch(t);
  const folder = stateFolder(state, STEMS, []);
  chmodSync(folder, 0o755);
  stateFolder(state, STEMS, []);
  assert.equal(modeOf(folder), 0o700);
});

test('a folder of the same md5 and another animal is renamed, and keeps what is in it', (t) => {
  const state = scratch(t);
  const name = stateName(STEMS);
  const other = join(state, name.replace(/^[a-z]+/, 'dodo'));
  mkdirSync(other);
  writeFileSync(join(other, 'data.mdb'), 'kept');
  const folder = stateFolder(state, STEMS, []);
  assert.equal(basename(folder), name);
  assert.deepEqual(readdirSync(state), [name]);
  assert.ok(readdirSync(folder).includes('data.mdb'));
});

test('where both are there, the one with the right animal is taken and the other is left alone', (t) => {
  const state = scratch(t);
  const name = stateName(STEMS);
  const other = name.replace(/^[a-z]+/, 'dodo');
  mkdirSync(join(state, name));
  mkdirSync(join(state, other));
  stateFolder(state, STEMS, []);
  assert.deepEqual(readdirSync(state).sort(), [name, other].sort());
});

test('conf/ links to the files that were read, and follows them', (t) => {
  const state = scratch(t);
  const linksOf = (folder: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(join(folder, 'conf'))
        .sort()
        .map((name) => [name, readlinkSync(join(folder, 'conf', name))]),
    );
  const folder = stateFolder(state, STEMS, ['/etc/fate/tasks.toml', '/etc/fate/defaults.toml']);
  assert.deepEqual(linksOf(folder), {
    'defaults.toml': '/etc/fate/defaults.toml',
    'tasks.toml': '/etc/fate/tasks.toml',
  });
  const files = ['/etc/fate/tasks.yaml', '/etc/fate/tasks.d/net.toml', '/etc/fate/tasks.d/tasks.yaml'];
  stateFolder(state, STEMS, files);
  assert.deepEqual(linksOf(folder), {
    'net.toml': '/etc/fate/tasks.d/net.toml',
    'tasks.d-tasks.yaml': '/etc/fate/tasks.d/tasks.yaml',
    'tasks.yaml': '/etc/fate/tasks.yaml',
  });
});

test('what a person put into conf/ is left alone', (t) => {
  const state = scratch(t);
  const folder = stateFolder(state, STEMS, []);
  writeFileSync(join(folder, 'conf/tasks.toml'), 'mine');
  stateFolder(state, STEMS, ['/etc/fate/tasks.toml']);
  assert.ok(lstatSync(join(folder, 'conf/tasks.toml')).isFile());
});

test('a folder that cannot be made is an error that names it', (t) => {
  const state = join(scratch(t), 'state');
  writeFileSync(state, 'a file');
  assert.throws(
    () => stateFolder(state, STEMS, []),
    (error) => error instanceof FateError && error.code === 'FATAL' && error.message.includes(stateName(STEMS)),
  );
});
