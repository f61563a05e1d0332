/** `path.log` (SPEC 10): every shape, as targets of the log. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogTarget } from '../../../src/types.ts';
import { makeFolder } from '../../fixtures/conf/folder.ts';

type Hook = { after(work: () => void): void };

async function targets(t: Hook, log: string, files: Record<string, string> = {}): Promise<readonly LogTarget[]> {
  const folder = makeFolder(t, { 'tasks.yaml': '', 'defaults.yaml': `path: {log: ${log}}\n`, ...files });
  const { log: found } = await folder.load({ data: folder.path });
  return found.map((target) => ({ ...target, file: target.file?.replace(folder.path, '<data>') ?? null }));
}

const STREAM = { file: null, level: 'info', format: 'text', rotation: null, retention: null, compression: null };
const file = (path: string, more: Partial<LogTarget> = {}): unknown => ({
  ...STREAM,
  kind: 'file',
  file: path,
  ...more,
});

test('without path.log, or with null, the log goes to stderr', async (t) => {
  const stderr = [{ ...STREAM, kind: 'stderr' }];
  assert.deepEqual((await makeFolder(t, { 'tasks.yaml': '' }).load()).log, stderr);
  assert.deepEqual(await targets(t, ''), stderr);
});

test('streams, by themselves, in lists and as mappings', async (t) => {
  assert.deepEqual(await targets(t, '/dev/stdout'), [{ ...STREAM, kind: 'stdout' }]);
  assert.deepEqual(await targets(t, '[/dev/stderr, {file: /dev/stdout, level: WARNING, format: json}]'), [
    { ...STREAM, kind: 'stderr' },
    { ...STREAM, kind: 'stdout', level: 'warning', format: 'json' },
  ]);
});

test('a text is a directory if it is one or its last part has no dot', async (t) => {
  assert.deepEqual(await targets(t, '/var/log/x'), [file('/var/log/x/fate.log')]);
  assert.deepEqual(await targets(t, '/var/log/x.d/'), [file('/var/log/x.d/fate.log')]);
  assert.deepEqual(await targets(t, '/var/log/x.log'), [file('/var/log/x.log')]);
  assert.deepEqual(await targets(t, '/nowhere.d/x'), [file('/nowhere.d/x/fate.log')]);
  assert.deepEqual(await targets(t, 'logs.d', { 'logs.d/x': '' }), [file('<data>/logs.d/fate.log')]);
  assert.deepEqual(await targets(t, 'log', { log: 'a file that is there' }), [file('<data>/log')]);
  assert.deepEqual(await targets(t, '/dev/null'), [file('/dev/null')]);
});

test('relative paths are below the data folder', async (t) => {
  assert.deepEqual(await targets(t, '[logs, ./a.log, {file: b.log}, {directory: c}]'), [
    file('<data>/logs/fate.log'),
    file('<data>/a.log'),
    file('<data>/b.log'),
    file('<data>/c/fate.log'),
  ]);
});

test('files with rotation, retention and compression', async (t) => {
  const rotation = (more: object): object => ({ size: null, interval: null, at: null, ...more });
  const cases: [string, Partial<LogTarget>][] = [
    ['rotation: 10M', { rotation: rotation({ size: 10 * 1024 ** 2 }) as LogTarget['rotation'] }],
    ['rotation: 10m', { rotation: rotation({ interval: 600_000 }) as LogTarget['rotation'] }],
    ['rotation: 1w', { rotation: rotation({ interval: 7 * 86_400_000 }) as LogTarget['rotation'] }],
    ['rotation: 04:30', { rotation: rotation({ at: 270 }) as LogTarget['rotation'] }],
    ['rotation: 00:00', { rotation: rotation({ at: 0 }) as LogTarget['rotation'] }],
    ['retention: 5', { retention: { age: null, count: 5 } }],
    ['retention: 30d', { retention: { age: 30 * 86_400_000, count: null } }],
    ['compression: gz, level: Debug, format: json', { compression: 'gz', level: 'debug', format: 'json' }],
    ['rotation: , retention: , compression: ', {}],
  ];
  for (const [keys, expected] of cases) {
    assert.deepEqual(await targets(t, `{file: /x.log, ${keys}}`), [file('/x.log', expected)], keys);
  }
});

test('a rotation may be a local time of TOML', async (t) => {
  const folder = makeFolder(t, {
    'tasks.yaml': '',
    'defaults.toml': '[path.log]\nfile = "/x.log"\nrotation = 04:30:00\n',
  });
  assert.equal((await folder.load()).log[0]?.rotation?.at, 270);
});

test('a relative path with .. is made plain', async (t) => {
  const folder = makeFolder(t, { 'tasks.yaml': '', 'defaults.yaml': 'path: {log: ../x.log}\n' });
  assert.equal((await folder.load({ data: join(folder.path, 'data') })).log[0]?.file, join(folder.path, 'x.log'));
});
