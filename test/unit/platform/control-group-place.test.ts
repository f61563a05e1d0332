/** Whose control group it is: with real groups, as this process would find itself in them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { mountsOf } from '../../../src/platform/control-group-place.ts';
import { newGroup, openAt, root, skip, startIn } from './control-group-world.ts';

const NOBODY = 65_534;

const groupsBelow = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

/** What systemd does for Delegate=yes. */
function mark(path: string): void {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const signature = 'int setxattr(const char *path, const char *name, const char *value, size_t size, int flags)';
  assert.equal(koffi.load(null).func(signature)(path, 'user.delegate', '1', 1, 0), 0);
}

test('a process moves itself to main/, finds itself there again, and is known there when it was started so', {
  skip,
}, async (t) => {
  const own = newGroup(t);
  const module = new URL('../../../src/platform/control-groups.js', import.meta.url).href;
  const script = `
    import { readFileSync } from 'node:fs';
    import { openControlGroups } from '${module}';
    const said = [];
    const groups = openControlGroups({ booted: '/proc/none', tell: (level, message) => said.push(message) });
    const self = readFileSync('/proc/self/cgroup', 'utf8').split('\\n').find((line) => line.startsWith('0::'));
    console.log(JSON.stringify({ path: groups?.path, self, said }));`;
  const run = async (from: string): Promise<unknown> => {
    const shell = 'echo 0 >"$0/cgroup.procs"; exec "$1" --input-type=module -e "$2"';
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', shell, from, process.execPath, script]);
    return JSON.parse(stdout);
  };
  const expected = { path: own, self: `0::${own.slice(root.length)}/main`, said: [] };
  assert.deepEqual(await run(own), expected);
  assert.deepEqual(await run(own), expected);
  assert.deepEqual(await run(join(own, 'main')), expected);
  assert.deepEqual(groupsBelow(own).sort(), ['main', 'runs']);
});

test('what this process started goes along', { skip }, async (t) => {
  const own = newGroup(t);
  const { pids } = await startIn(own, 'sleep 300 & echo $!; echo $$; wait', 2);
  assert.equal(openAt(t, own).groups?.path, own);
  assert.equal(readFileSync(join(own, 'cgroup.procs'), 'utf8'), '');
  const moved = readFileSync(join(own, 'main/cgroup.procs'), 'utf8').trim().split('\n').map(Number);
  assert.deepEqual(moved.sort(), [...pids].sort());
});

test('where strangers live as well nothing is touched', { skip }, async (t) => {
  const own = newGroup(t);
  const { ended } = await startIn(own, '(setsid sleep 300 >/dev/null & ) ; echo $$', 1);
  await ended;
  const { groups, told } = openAt(t, own);
  assert.equal(groups, null);
  assert.equal(told.length, 1);
  assert.match(told[0]?.message ?? '', /^runs have no control group of their own: others live in .* \(pid \d+\)$/);
  assert.deepEqual(groupsBelow(own), []);
});

test("the root group of the machine, a session and a slice are nobody's to divide", { skip }, (t) => {
  const before = groupsBelow(root);
  const { groups, told } = openAt(t, root);
  assert.equal(groups, null);
  assert.deepEqual(
    told.map(({ level }) => level),
    ['info'],
  );
  assert.match(told[0]?.message ?? '', /the root control group of the machine/);
  assert.deepEqual(groupsBelow(root), before);
  for (const name of ['session-1.scope', 'system.slice', 'runs']) {
    const path = newGroup(t, name);
    const other = openAt(t, path);
    assert.equal(other.groups, null);
    assert.match(other.told[0]?.message ?? '', /was not given to the scheduler: it is not that of a service$/);
    assert.deepEqual(groupsBelow(path), []);
  }
});

test('under systemd a group without its mark was not delegated, and one with it was, whatever its name', {
  skip,
}, (t) => {
  const booted = root;
  const own = newGroup(t);
  const { groups, told } = openAt(t, own, { booted });
  assert.equal(groups, null);
  assert.match(told[0]?.message ?? '', /its unit has no Delegate=yes$/);
  mark(own);
  assert.equal(openAt(t, own, { booted }).groups?.path, own);
  const scope = newGroup(t, 'made-by-hand.scope');
  mark(scope);
  assert.equal(openAt(t, scope, { booted }).groups?.path, scope);
});

test('a leaf main/ of a group that is not ours makes it no more so', { skip }, (t) => {
  const scope = newGroup(t, 'session-1.scope');
  mkdirSync(join(scope, 'main'));
  assert.equal(openAt(t, join(scope, 'main')).groups, null);
});

test('where nothing is mounted, or the file is not there, there is one message', (t) => {
  for (const changes of [{ root: '/proc/none' }, { self: '/proc/none' }]) {
    const { groups, told } = openAt(t, '/some.service', changes);
    assert.equal(groups, null);
    assert.deepEqual(told, [
      {
        level: 'info',
        message: 'runs have no control group of their own: there are no control groups of version 2 here',
      },
    ]);
  }
});

/** What a process of another user makes of its group, on a machine that systemd has booted. */
async function openedByNobody(own: string): Promise<string> {
  const module = new URL('../../../src/platform/control-groups.js', import.meta.url).href;
  const script = `
    import { openControlGroups } from '${module}';
    const uid = Number(process.argv[1]);
    process.setgroups([]);
    process.setgid(uid);
    process.setuid(uid);
    const said = [];
    const groups = openControlGroups({ booted: '/', tell: (level, message) => said.push(message) });
    console.log(groups?.path ?? said[0]);`;
  const shell = 'echo 0 >"$0/cgroup.procs"; exec "$1" --input-type=module -e "$2" "$3"';
  const argv = ['-c', shell, own, process.execPath, script, String(NOBODY)];
  const { stdout } = await promisify(execFile)('/bin/sh', argv);
  return stdout.trim();
}

/** As systemd does for User= with Delegate=yes. */
function giveToNobody(path: string): void {
  for (const name of ['', 'cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control']) {
    chownSync(join(path, name), NOBODY, NOBODY);
  }
}

test('a service of another user may divide a group that was given to it, whatever its name', { skip }, async (t) => {
  const own = newGroup(t, 'unit');
  assert.match(await openedByNobody(own), /its unit has no Delegate=yes/);
  giveToNobody(own);
  assert.equal(await openedByNobody(own), own);
  assert.equal(existsSync(join(own, 'runs')), true);
});

test("in a user's instance, where all groups are the user's, that of a service may be divided", { skip }, async (t) => {
  for (const name of ['fated.service', 'app.scope']) {
    const own = newGroup(t, name);
    giveToNobody(dirname(own));
    giveToNobody(own);
    const said = await openedByNobody(own);
    if (name === 'fated.service') assert.equal(said, own);
    else assert.match(said, /it is not that of a service$/);
  }
});

test('mounts of cgroup2 are read with what they show as their root', () => {
  const lines = [
    '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
    '40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd',
    '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw',
    '42 31 0:38 /a\\040b /mnt/with\\040blank rw - cgroup2 none rw',
    '',
  ];
  assert.deepEqual(mountsOf(lines.join('\n')), [
    { root: '/', point: '/sys/fs/cgroup/unified' },
    { root: '/a b', point: '/mnt/with blank' },
  ]);
});
