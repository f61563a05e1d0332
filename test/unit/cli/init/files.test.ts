/** Looking and writing: what is found in place of a file, and that nothing is written over, through or by halves. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { differences } from '../../../../src/cli/init/diff.ts';
import { checkWritable, look } from '../../../../src/cli/init/looking.ts';
import type { Scope, Wanted } from '../../../../src/cli/init/wanted.ts';
import { copy, make, replace } from '../../../../src/cli/init/writing.ts';

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-init-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const file = (path: string, scope: Scope = 'user', keepOld = true): Wanted => ({
  part: 'conf',
  path,
  content: { text: 'new\n' },
  scope,
  keepOld,
});
const link = (path: string): Wanted => ({ ...file(path), content: { link: 'fate' } });
const modeOf = (path: string): number => statSync(path).mode & 0o7777;
/** Names of hidden files too: what was written beside would be one. */
const namesIn = (folder: string): string[] => readdirSync(folder).sort();

function withUmask(t: TestContext, umask: number): void {
  const before = process.umask(umask);
  t.after(() => process.umask(before));
}

test('a file is missing, the same, or differs; a link counts by what it leads to', async (t) => {
  const folder = scratch(t);
  const path = join(folder, 'tasks.toml');
  assert.deepEqual(await look(file(path)), { is: 'missing' });
  assert.deepEqual(await look(file(join(folder, 'a/b/c'))), { is: 'missing' });
  for (const [text, is] of [
    ['new\n', 'same'],
    ['old\n', 'differs'],
    ['', 'differs'],
  ] as const) {
    writeFileSync(path, text);
    assert.equal((await look(file(path))).is, is, JSON.stringify(text));
  }
  writeFileSync(join(folder, 'elsewhere'), 'new\n');
  symlinkSync('elsewhere', join(folder, 'to-same'));
  symlinkSync('tasks.toml', join(folder, 'to-other'));
  symlinkSync('/dev/null', join(folder, 'masked'));
  symlinkSync('nothing', join(folder, 'to-nothing'));
  assert.deepEqual(await look(file(join(folder, 'to-same'))), { is: 'same' });
  assert.deepEqual(await look(file(join(folder, 'to-other'))), { is: 'differs', what: 'a link to tasks.toml' });
  assert.deepEqual(await look(file(join(folder, 'masked'))), { is: 'differs', what: 'a link to /dev/null' });
  assert.deepEqual(await look(file(join(folder, 'to-nothing'))), { is: 'differs', what: 'a link to nothing' });
});

test('a link is the same by its target alone', async (t) => {
  const folder = scratch(t);
  for (const [name, target] of [
    ['same', 'fate'],
    ['other', 'bash'],
  ] as const)
    symlinkSync(target, join(folder, name));
  writeFileSync(join(folder, 'file'), '');
  assert.deepEqual(await look(link(join(folder, 'same'))), { is: 'same' });
  assert.deepEqual(await look(link(join(folder, 'other'))), { is: 'differs', what: 'a link to bash' });
  assert.deepEqual(await look(link(join(folder, 'file'))), { is: 'differs', what: 'a file, no link' });
});

test('what is of the wrong type is named, with what was expected and what was found: 71', async (t) => {
  const folder = scratch(t);
  mkdirSync(join(folder, 'folder'));
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('folder', join(folder, 'to-folder'));
  symlinkSync('nowhere', join(folder, 'to-nothing'));
  for (const [path, message] of [
    ['folder', 'folder: expected a file, found a folder'],
    ['fifo', 'fifo: expected a file, found a named pipe'],
    ['to-folder', 'to-folder: expected a file, found a link to a folder, folder'],
    ['file/tasks.toml', 'file: expected a folder, found a file'],
    ['file/a/b/tasks.toml', 'file: expected a folder, found a file'],
    ['fifo/tasks.toml', 'fifo: expected a folder, found a named pipe'],
    ['to-nothing/tasks.toml', 'to-nothing: expected a folder, found a link to nothing'],
  ] as const) {
    await assert.rejects(look(file(join(folder, path))), { exitStatus: 71, message: `${folder}/${message}` }, path);
  }
});

test('what is made has its folders, its text and the modes of the system, whatever the umask', async (t) => {
  for (const umask of [0o000, 0o002, 0o077]) {
    const folder = scratch(t);
    withUmask(t, umask);
    const path = join(folder, 'a/b/tasks.toml');
    await make(file(path, 'system'));
    assert.equal(readFileSync(path, 'utf8'), 'new\n');
    assert.deepEqual([modeOf(path), modeOf(dirname(path)), modeOf(join(folder, 'a'))], [0o644, 0o755, 0o755]);
    assert.deepEqual(namesIn(dirname(path)), ['tasks.toml']);
  }
});

test("a user's own may be tighter, and is never wider", async (t) => {
  for (const [umask, ...modes] of [
    [0o000, 0o644, 0o755],
    [0o027, 0o640, 0o750],
    [0o077, 0o600, 0o700],
  ] as const) {
    const folder = scratch(t);
    withUmask(t, umask);
    const path = join(folder, 'a/tasks.toml');
    await make(file(path));
    assert.deepEqual([modeOf(path), modeOf(dirname(path))], modes);
  }
});

test('what has come meanwhile is not written over, and nothing is left beside it', async (t) => {
  const folder = scratch(t);
  const path = join(folder, 'tasks.toml');
  writeFileSync(path, 'theirs\n');
  await assert.rejects(make(file(path)), { exitStatus: 73 });
  assert.equal(readFileSync(path, 'utf8'), 'theirs\n');
  symlinkSync('victim', join(folder, 'link'));
  await assert.rejects(make(file(join(folder, 'link'))), { exitStatus: 73 });
  assert.deepEqual(namesIn(folder), ['link', 'tasks.toml']);
});

test('what is replaced stays under another name, each time a new one', async (t) => {
  const folder = scratch(t);
  const path = join(folder, 'tasks.toml');
  writeFileSync(path, 'first\n', { mode: 0o600 });
  assert.equal(await replace(file(path)), `${path}~`);
  assert.deepEqual([readFileSync(path, 'utf8'), modeOf(path)], ['new\n', 0o644 & ~process.umask()]);
  assert.deepEqual([readFileSync(`${path}~`, 'utf8'), modeOf(`${path}~`)], ['first\n', 0o600]);
  writeFileSync(path, 'second\n');
  assert.equal(await replace(file(path)), `${path}~2`);
  assert.equal(readFileSync(`${path}~`, 'utf8'), 'first\n');
  assert.equal(readFileSync(`${path}~2`, 'utf8'), 'second\n');
  assert.equal(await replace(file(path, 'user', false)), null);
  assert.deepEqual(namesIn(folder), ['tasks.toml', 'tasks.toml~', 'tasks.toml~2']);
});

test('a link is itself replaced, and what it leads to is not touched', async (t) => {
  const folder = scratch(t);
  const path = join(folder, 'tasks.toml');
  writeFileSync(join(folder, 'victim'), 'precious\n');
  symlinkSync('victim', path);
  assert.equal(await replace(file(path)), `${path}~`);
  assert.ok(lstatSync(path).isFile());
  assert.equal(readFileSync(path, 'utf8'), 'new\n');
  assert.equal(readlinkSync(`${path}~`), 'victim');
  assert.equal(readFileSync(join(folder, 'victim'), 'utf8'), 'precious\n');
  await make(link(join(folder, 'fated')));
  assert.equal(readlinkSync(join(folder, 'fated')), 'fate');
});

test('where nothing can be written that is said before anything is tried: 73', async (t) => {
  const folder = scratch(t);
  writeFileSync(join(folder, 'file'), '');
  await checkWritable(join(folder, 'a/b/c'), 'user');
  // Not even for root: there is no writing in /proc.
  await assert.rejects(make(file('/proc/fate/tasks.toml')), { exitStatus: 73 });
  assert.ok(!existsSync('/proc/fate'));
  if (process.getuid?.() !== 0) {
    chmodSync(folder, 0o500);
    const path = join(folder, 'tasks.toml');
    const advice = '; try it as root (sudo), or with --user';
    const message = `cannot write ${path}: ${folder} is not yours to write to`;
    await assert.rejects(checkWritable(path, 'user'), { exitStatus: 73, message });
    await assert.rejects(checkWritable(path, 'system'), { exitStatus: 73, message: message + advice });
    chmodSync(folder, 0o700);
  }
});

test('a folder is made with its mode, and not given one by a name that could be another by then', async (t) => {
  const folder = scratch(t);
  // A change of mode would take away what the kernel passes on to a new folder.
  chmodSync(folder, 0o2755);
  await make(file(join(folder, 'a/b/tasks.toml'), 'system'));
  assert.deepEqual([modeOf(join(folder, 'a')), modeOf(join(folder, 'a/b'))], [0o2755, 0o2755]);
});

test('where making fails, the folders that were made for it are taken away again', async (t) => {
  const folder = scratch(t);
  mkdirSync(join(folder, 'there'));
  await assert.rejects(make(file(join(folder, 'there/a/b', 'x'.repeat(300)))), { exitStatus: 73 });
  assert.deepEqual(readdirSync(folder, { recursive: true }), ['there']);
});

test('what has no second name on that file system is copied, a link as a link', async (t) => {
  const folder = scratch(t);
  const path = join(folder, 'tasks.toml');
  writeFileSync(path, 'first\n', { mode: 0o640 });
  await copy(path, `${path}~`);
  assert.deepEqual([readFileSync(`${path}~`, 'utf8'), modeOf(`${path}~`)], ['first\n', 0o640]);
  symlinkSync('tasks.toml', join(folder, 'link'));
  await copy(join(folder, 'link'), join(folder, 'link~'));
  assert.equal(readlinkSync(join(folder, 'link~')), 'tasks.toml');
  await assert.rejects(copy(join(folder, 'link'), `${path}~`), { code: 'EEXIST' });
  assert.equal(readFileSync(`${path}~`, 'utf8'), 'first\n');
});

test('one that cannot be replaced leaves no second name behind', async (t) => {
  const folder = scratch(t);
  const path = join(folder, 'tasks.toml');
  writeFileSync(path, 'first\n');
  // Neither linked nor renamed over, not even by root.
  if (spawnSync('chattr', ['+a', path]).status !== 0) return t.skip('needs root, and a file system with attributes');
  try {
    await assert.rejects(replace(file(path)), { exitStatus: 73 });
    assert.deepEqual(namesIn(folder), ['tasks.toml']);
  } finally {
    execFileSync('chattr', ['-a', path]);
  }
});

test('how it differs is shown for texts of some length, and nothing in a name or a text steers the terminal', (t) => {
  const folder = scratch(t);
  const path = join(folder, 'tasks\u001b[2J.toml');
  const shown = (): string[] => differences(file(path));
  assert.match(shown().join(), /^cannot read .*tasks\\u001b\[2J\.toml: ENOENT[^\u001b]*$/);
  writeFileSync(path, 'old \u009b2J\n');
  assert.deepEqual(shown().slice(2), ['@@ -1 +1 @@', '-old \\u009b2J', '+new']);
  assert.doesNotMatch(shown().join(), /[\u001b\u009b]/);
  const unseen = / is no text, or longer than 1 MiB: not shown$/;
  writeFileSync(path, 'old\u0000');
  assert.match(shown().join(), unseen);
  writeFileSync(path, 'old\n'.repeat(300_000));
  assert.match(shown().join(), unseen);
  rmSync(path);
  // It would wait for a writer.
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  symlinkSync('fifo', path);
  assert.match(shown().join(), /leads to something that is no file$/);
});
