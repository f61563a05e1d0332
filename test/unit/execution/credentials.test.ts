/** Credentials of a run: files for its user alone, gone with it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { placeCredentials, removeCredentials } from '../../../src/execution/credentials.ts';
import type { Identity, Task } from '../../../src/types.ts';
import { makeTask, NO_CONTEXT } from '../../helpers/tasks.ts';

// Not that of the harness, which other users cannot pass.
const folder = mkdtempSync(join(tmpdir(), 'fate-credentials-'));
chmodSync(folder, 0o711);
after(() => {
  for (const run of readdirSync(join(folder, 'runs'))) removeCredentials(join(folder, 'runs', run));
  rmSync(folder, { recursive: true, force: true });
});

const root = process.getuid?.() === 0;
const asRoot = root ? {} : { skip: 'only root can give files to another user' };
const NOBODY: Identity = { uid: 65534, gid: 65534, groups: [65534] };

const put = (name: string, content: string | Buffer): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const task = (credentials: Record<string, string>): Task =>
  makeTask('disk', {
    context: { ...NO_CONTEXT, credentials: Object.entries(credentials).map(([name, source]) => ({ name, source })) },
  });
const modes = (path: string) => {
  const { mode, uid } = statSync(path);
  return [(mode & 0o7777).toString(8), uid];
};
let count = 0;
const place = (
  credentials: Record<string, string>,
  identity: Identity | null = null,
  env: Record<string, string> = {},
) => {
  const at = join(folder, 'runs', String(count++));
  return { at, why: placeCredentials(at, task(credentials), identity, env) };
};
const me = process.getuid?.() ?? 0;

test('each is a copy of mode 0400 in a folder of mode 0500, whatever the umask', () => {
  const key = put('key', 'secret');
  symlinkSync(key, join(folder, 'link'));
  const before = process.umask(0o377);
  const { at, why } = place({ key, 'other.key': join(folder, 'link'), empty: put('empty', '') });
  process.umask(before);
  assert.equal(why, null);
  assert.deepEqual(readdirSync(at).sort(), ['empty', 'key', 'other.key']);
  assert.equal(readFileSync(join(at, 'other.key'), 'utf8'), 'secret');
  assert.deepEqual(modes(at), ['500', me]);
  assert.deepEqual(modes(join(at, 'key')), ['400', me]);
  assert.equal(modes(join(folder, 'runs'))[0], '711');
  removeCredentials(at);
  assert.equal(existsSync(at), false);
});

test('they are the task’s user’s: nobody else but root reads them, and no other user passes', asRoot, () => {
  const { at, why } = place({ key: put('theirs', 'secret') }, NOBODY);
  assert.equal(why, null);
  assert.deepEqual(modes(at), ['500', 65534]);
  assert.deepEqual(modes(join(at, 'key')), ['400', 65534]);
  const read = (uid: number) =>
    spawnSync('cat', [join(at, 'key')], { uid, gid: uid, encoding: 'utf8', cwd: '/' }).stdout;
  assert.equal(read(65534), 'secret');
  assert.equal(read(1), '');
  removeCredentials(at);
  assert.equal(existsSync(at), false);
});

test('a name is one of the scheduler’s own credentials', () => {
  mkdirSync(join(folder, 'systemd'));
  writeFileSync(join(folder, 'systemd', 'token'), 'of systemd');
  const { at, why } = place({ key: 'token' }, null, { CREDENTIALS_DIRECTORY: join(folder, 'systemd') });
  assert.equal(why, null);
  assert.equal(readFileSync(join(at, 'key'), 'utf8'), 'of systemd');
  const without = place({ key: 'token' });
  assert.equal(
    without.why,
    'the credential key cannot be had: the scheduler was given no credentials by systemd, of which token is to be one',
  );
  assert.equal(existsSync(without.at), false);
});

test('what cannot be had is told without what was had, and nothing is left', () => {
  const good = put('good', 'secret');
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const large = put('large', Buffer.alloc(1024 * 1024 + 1));
  const cases: [string, string][] = [
    [join(folder, 'none'), 'does not exist'],
    [folder, 'is a folder'],
    [pipe, 'is not a regular file'],
    [large, 'is larger than 1024 KiB'],
  ];
  for (const [source, said] of cases) {
    const { at, why } = place({ good, bad: source });
    assert.equal(why, `the credential bad cannot be had: ${source} ${said}`);
    assert.equal(existsSync(at), false);
  }
  assert.equal(place({ most: put('most', Buffer.alloc(1024 * 1024)) }).why, null);
});

test('what a crash left in its place is replaced', () => {
  const key = put('new', 'new');
  const at = join(folder, 'runs', 'again');
  assert.equal(placeCredentials(at, task({ key: put('old', 'old'), more: key }), null, {}), null);
  assert.equal(placeCredentials(at, task({ key }), null, {}), null);
  assert.deepEqual(readdirSync(at), ['key']);
  assert.equal(readFileSync(join(at, 'key'), 'utf8'), 'new');
});

test('taking away follows no link, also where the task has made its folder its own', asRoot, () => {
  const outside = join(folder, 'outside');
  mkdirSync(join(outside, 'deep'), { recursive: true });
  writeFileSync(join(outside, 'deep', 'kept'), '');
  chmodSync(outside, 0o755);
  const { at } = place({ key: put('mine', 'x') }, NOBODY);
  const script = `cd ${at} && chmod 700 . && ln -s ${outside} link && mkdir -p a/b && ln -s ${outside}/deep a/b/link && chmod 0 a/b && rm -f key`;
  execFileSync('sh', ['-c', script], { uid: 65534, gid: 65534, cwd: '/' });
  removeCredentials(at);
  assert.equal(existsSync(at), false);
  assert.deepEqual(readdirSync(join(outside, 'deep')), ['kept']);
  assert.deepEqual(modes(outside), ['755', 0]);
});

test('a folder that is none, or a link, is left as it is', () => {
  removeCredentials(join(folder, 'nowhere'));
  const file = put('file', 'x');
  removeCredentials(file);
  assert.equal(readFileSync(file, 'utf8'), 'x');
  mkdirSync(join(folder, 'target'));
  writeFileSync(join(folder, 'target', 'kept'), '');
  symlinkSync(join(folder, 'target'), join(folder, 'to-target'));
  removeCredentials(join(folder, 'to-target'));
  assert.deepEqual(readdirSync(join(folder, 'target')), ['kept']);
});
