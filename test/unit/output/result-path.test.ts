import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { faultOfName, numbered, placeResult, splitName } from '../../../src/output/result-path.ts';
import { type Given, makeFolder, NAME, SECONDS, sourceOf } from './support.ts';

test('a name is split at the first dot of its last part that does not lead it', () => {
  const table: readonly [string, string, string][] = [
    ['a.json', 'a', '.json'],
    ['a.tar.gz', 'a', '.tar.gz'],
    ['plain', 'plain', ''],
    ['.hidden', '.hidden', ''],
    ['.hidden.json', '.hidden', '.json'],
    ['..odd.json', '..odd', '.json'],
    ['...', '...', ''],
    ['a.', 'a', '.'],
    ['b/a.json', 'b/a', '.json'],
    ['v1.2/a.json', 'v1.2/a', '.json'],
    ['v1.2/plain', 'v1.2/plain', ''],
    ['./b//./a.json', 'b/a', '.json'],
    ['a b/c\nd.x', 'a b/c\nd', '.x'],
  ];
  for (const [name, label, ext] of table) assert.deepEqual(splitName(name), { label, ext }, name);
});

test('label and ext together are the name', () => {
  const part = fc
    .string({ unit: fc.constantFrom('a', '.', '-', 'é'), minLength: 1 })
    .filter((p) => p !== '.' && p !== '..');
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      const name = parts.join('/');
      const { label, ext } = splitName(name);
      assert.equal(label + ext, name);
      assert.doesNotMatch(ext, /\//);
      assert.notEqual(label, '');
    }),
  );
});

test('names that lead elsewhere, or nowhere, have a fault', () => {
  for (const name of ['/a', '//a', '../a', 'a/../b', 'a/..', '..', '', '.', './', 'a\0b'])
    assert.ok(faultOfName(name), name);
  for (const name of ['a', 'a/b', './a', '..a', 'a..', '...', 'a/.../b', '.a', ' '])
    assert.equal(faultOfName(name), null, name);
});

test('a taken name gets its number before the suffix', () => {
  const next = (target: string, suffix: string): string => numbered({ target, suffix }, 1);
  assert.equal(next('/r/a.json', '.json'), '/r/a-1.json');
  assert.equal(next('/r/a.tar.gz', '.tar.gz'), '/r/a-1.tar.gz');
  assert.equal(next('/r.d/a', ''), '/r.d/a-1');
  assert.equal(numbered({ target: '/r/a.json', suffix: '.json' }, 12), '/r/a-12.json');
});

test('the default path has time, task, label and suffix', (t) => {
  const source = sourceOf(makeFolder(t), '');
  const folder = source.resultFolder;
  assert.equal(NAME, `result-${SECONDS}-20260304T060607-disk`);
  assert.deepEqual(placeResult(source, '', ''), { target: `${folder}/${NAME}`, suffix: '' });
  assert.deepEqual(placeResult(source, '', '.json'), { target: `${folder}/${NAME}.json`, suffix: '.json' });
  assert.deepEqual(placeResult(source, 'a/b', '.tar.gz'), {
    target: `${folder}/${NAME}-a-b.tar.gz`,
    suffix: '.tar.gz',
  });
});

test('path.result may name a file, a folder, or nothing', (t) => {
  const folder = makeFolder(t);
  const place = (path: Given['path'], ext = '.json'): unknown => {
    const found = placeResult(sourceOf(folder, '', path === undefined ? {} : { path }), 'x/y', ext);
    return found && [found.target.replace(`${folder}/`, ''), found.suffix];
  };
  assert.equal(place(null), null);
  assert.equal(place(''), null);
  assert.equal(place(' \n'), null);
  assert.deepEqual(place('out%ext%'), ['result/out.json', '.json']);
  assert.deepEqual(place('out'), ['result/out', '']);
  assert.deepEqual(place('out.txt'), ['result/out.txt', '.txt']);
  assert.deepEqual(place('out.a.b', ''), ['result/out.a.b', '.b']);
  assert.deepEqual(place('.out', ''), ['result/.out', '']);
  assert.deepEqual(place('sub/out'), ['result/sub/out', '']);
  assert.deepEqual(place('/srv/out%ext%\n'), ['/srv/out.json', '.json']);
  assert.deepEqual(place('/srv/%label%%ext%'), ['/srv/x/y.json', '.json']);
  assert.deepEqual(place('/srv/'), [`/srv/${NAME}-x-y.json`, '.json']);
  assert.deepEqual(place('sub/', ''), [`result/sub/${NAME}-x-y`, '']);
  assert.deepEqual(place('%default%'), [`result/${NAME}-x-y.json`, '.json']);
  assert.throws(() => place('/srv/a\0b'), /a NUL in it/);
});
