/** The folder of a scheduler below `<run>`: what a crash left there never stops the next one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  CREDENTIALS,
  makeRunFolder,
  makeRunFolders,
  pruneRunFolders,
  removeRunFolder,
  runFolder,
} from '../../../src/platform/run-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'fate-run-folder-'));
chmodSync(root, 0o755);
after(() => rmSync(root, { recursive: true, force: true }));

/** Of a scheduler that is no more: pids end at 2^22. */
const DEAD = 'run-4194304';

function leftBehind(run: string): string {
  const credentials = join(run, DEAD, CREDENTIALS, 'run1');
  mkdirSync(credentials, { recursive: true });
  writeFileSync(join(credentials, 'key'), 'secret', { mode: 0o400 });
  chmodSync(credentials, 0o500);
  return join(run, DEAD);
}

test('everybody can pass through it, whatever the umask', () => {
  const run = join(root, 'umask');
  const before = process.umask(0o077);
  makeRunFolders(run);
  makeRunFolder(join(run, 'run-1'), []);
  process.umask(before);
  assert.deepEqual([statSync(run).mode & 0o777, statSync(join(run, 'run-1')).mode & 0o777], [0o755, 0o755]);
  assert.equal(removeRunFolder(join(run, 'run-1')), null);
  assert.deepEqual(readdirSync(run), []);
});

test('what a scheduler that is no more left is removed, credentials too; that of one that lives stays', () => {
  const run = join(root, 'prune');
  leftBehind(run);
  makeRunFolder(join(run, `run-${process.pid}`), []);
  assert.deepEqual(pruneRunFolders(run), []);
  assert.deepEqual(readdirSync(run), [`run-${process.pid}`]);
});

test('who is not root removes his own as well', {
  skip: process.getuid?.() !== 0 && 'needs root, to be another user',
}, () => {
  const run = join(root, 'other');
  const folder = leftBehind(run);
  spawnSync('chown', ['-R', '65534', run]);
  const module = fileURLToPath(new URL('../../../src/platform/run-folder.js', import.meta.url));
  const script = `import { pruneRunFolders } from ${JSON.stringify(module)};
    process.setuid(65534); process.stdout.write(JSON.stringify(pruneRunFolders(${JSON.stringify(run)})));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: '/' });
  assert.equal(String(stdout), '[]', String(stderr));
  assert.equal(existsSync(folder), false);
});

test('one that cannot be removed is told, and the others go', {
  skip: process.getuid?.() !== 0 && 'needs chattr',
}, (t) => {
  const run = join(root, 'stuck');
  const folder = leftBehind(run);
  mkdirSync(join(run, 'run-4194303'));
  if (spawnSync('chattr', ['+i', folder]).status !== 0) return t.skip('no chattr here');
  t.after(() => spawnSync('chattr', ['-i', folder]));
  const [why, ...more] = pruneRunFolders(run);
  assert.match(why ?? '', new RegExp(`^${folder} cannot be removed: `));
  assert.deepEqual(more, []);
  assert.deepEqual(readdirSync(run), [DEAD]);
});

test('the run folder links the configuration files, and those of dead schedulers are pruned', () => {
  const run = join(root, 'links');
  const mine = runFolder(run, process.pid);
  makeRunFolder(mine, ['/etc/fate/tasks.toml', '/etc/fate/tasks.d/a.toml', '/usr/lib/fate/tasks.d/a.toml']);
  assert.equal(readlinkSync(join(mine, 'conf', 'tasks.toml')), '/etc/fate/tasks.toml');
  assert.equal(readlinkSync(join(mine, 'conf', 'a.toml')), '/etc/fate/tasks.d/a.toml');
  // No process has a pid above the kernel's limit (proc_sys_kernel(5), pid_max).
  makeRunFolder(runFolder(run, 2 ** 22 + 1), []);
  mkdirSync(join(run, 'run-of-mine'));
  assert.deepEqual(pruneRunFolders(run), []);
  assert.equal(existsSync(runFolder(run, 2 ** 22 + 1)), false);
  assert.ok(existsSync(mine));
  assert.ok(existsSync(join(run, 'run-of-mine')));
  assert.deepEqual(pruneRunFolders('/no/such/folder'), []);
});
