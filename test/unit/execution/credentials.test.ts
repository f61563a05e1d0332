/** Credentials of a run: files for its user alone, gone with it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
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

test('each is a copy of mode 0400 in a folder of mode 0500 of its own, whatever the umask', () => {
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
  // The folder is the scheduler's, so that nobody else makes or names anything in it.
  assert.deepEqual(modes(at), ['550', 0]);
  assert.deepEqual(modes(join(at, 'key')), ['400', 65534]);
  const tried = spawnSync('sh', ['-c', `chmod 700 ${at}; : >${at}/new; rm -f ${at}/key`], {
    uid: 65534,
    gid: 65534,
    cwd: '/',
  });
  assert.notEqual(tried.status, 0);
  assert.deepEqual(readdirSync(at), ['key']);
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

test('taking away leaves a folder of somebody else, and follows no link in its own', asRoot, () => {
  const outside = join(folder, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'kept'), '');
  const { at } = place({ key: put('mine', 'x') });
  chmodSync(at, 0o700);
  mkdirSync(join(at, 'deep'));
  symlinkSync(outside, join(at, 'deep', 'link'));
  removeCredentials(at);
  assert.equal(existsSync(at), false);
  assert.deepEqual(readdirSync(outside), ['kept']);
  const theirs = join(folder, 'runs', 'theirs');
  mkdirSync(theirs);
  writeFileSync(join(theirs, 'kept'), '');
  chownSync(theirs, 65534, 65534);
  removeCredentials(theirs);
  assert.deepEqual(readdirSync(theirs), ['kept']);
  rmSync(theirs, { recursive: true });
});

test('what the user of the task can lead elsewhere is read for him only where it is his', asRoot, () => {
  const theirs = join(folder, 'of-nobody');
  mkdirSync(theirs);
  chownSync(theirs, 65534, 65534);
  const secret = put('of-root', 'secret');
  symlinkSync(secret, join(theirs, 'link'));
  const refused = place({ key: join(theirs, 'link') }, NOBODY);
  assert.equal(
    refused.why,
    `the credential key cannot be had: ${theirs}/link belongs to another user, and the user of the task can lead there`,
  );
  assert.equal(existsSync(refused.at), false);
  writeFileSync(join(theirs, 'own'), 'his');
  chownSync(join(theirs, 'own'), 65534, 65534);
  assert.equal(place({ key: join(theirs, 'own') }, NOBODY).why, null);
  assert.equal(place({ key: join(theirs, 'link') }).why, null, 'for root itself nothing is gained');
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
