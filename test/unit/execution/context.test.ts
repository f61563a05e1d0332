/** What a run gets besides its command (SPEC 3.1), with the users and groups of this machine. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { settleContext } from '../../../src/execution/context.ts';
import { accounts } from '../../../src/platform/accounts.ts';
import type { Accounts, ExecutionContext, Run, Scope, Template } from '../../../src/types.ts';
import { makeTask, NO_CONTEXT } from '../../helpers/tasks.ts';
import { folder } from './harness.ts';

const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;
const asRoot = uid === 0 ? {} : { skip: 'only root can become another user' };

const scope: Scope = {
  env: {},
  taskName: 'disk',
  zone: null,
  now: 0,
  due: 0,
  attempt: 1,
  runId: 'r1',
  host: { name: 'h', id: '', cpus: 2, memory: 1 << 30, uid, boot: { kernel: '', id: '', at: 0 } },
};
const text = (source: string): Template => ({ source, render: (s) => source.replaceAll('<task>', s.taskName) });
const broken: Template = {
  source: '<%= env.X.y %>',
  render() {
    throw new Error('env.X is undefined');
  },
};

const run = (context: Partial<ExecutionContext> = {}, changes: Partial<Run> = {}): Run => ({
  id: '01ABC',
  task: makeTask('disk', { context: { ...NO_CONTEXT, ...context } }),
  due: Date.UTC(2026, 10, 5, 12, 0, 0),
  attempt: 1,
  collapsed: 0,
  ...changes,
});
const LOGIN = { PATH: '/bin', HOME: '/h', USER: 'u', LOGNAME: 'u', SHELL: '/bin/dash' };

const settle = (context: Partial<ExecutionContext>, env: Record<string, string | undefined> = LOGIN, as = uid) =>
  settleContext(run(context), scope, { env, accounts, uid: as });
function settled(...args: Parameters<typeof settle>) {
  const found = settle(...args);
  assert.ok(found.ok, found.ok ? '' : found.message);
  return found;
}
function refused(...args: Parameters<typeof settle>): string {
  const found = settle(...args);
  assert.ok(!found.ok, 'it was settled');
  return found.message;
}
function put(name: string, content: string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}
const file = (path: string, optional = false) => ({ path, optional });
const own = (env: Record<string, string>) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('FATE_')));

test('a task that asks for nothing gets the scheduler’s, and what it is', () => {
  const { context, env, account } = settled({}, { ...LOGIN, X: '', LANG: 'C', GONE: undefined });
  assert.deepEqual(context, { identity: null, cwd: null, umask: null, nice: null });
  assert.equal(account, null);
  assert.deepEqual(env, {
    ...LOGIN,
    X: '',
    LANG: 'C',
    FATE_TASK: 'disk',
    FATE_RUN_ID: '01ABC',
    FATE_DUE: '2026-11-05T12:00:00Z',
    FATE_ATTEMPT: '1',
  });
});

test('the due time has milliseconds only where it needs them', () => {
  const due = (at: number) => {
    const found = settleContext(run({}, { due: at, attempt: 3 }), scope, { env: LOGIN, accounts, uid });
    return found.ok ? [found.env.FATE_DUE, found.env.FATE_ATTEMPT] : [];
  };
  assert.deepEqual(due(1_793_880_000_250), ['2026-11-05T12:00:00.250Z', '3']);
  assert.deepEqual(due(0), ['1970-01-01T00:00:00Z', '3']);
});

test('what systemd sets for the service itself is taken out', () => {
  const names = `NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID LISTEN_FDS LISTEN_PID LISTEN_FDNAMES JOURNAL_STREAM
    INVOCATION_ID SYSTEMD_EXEC_PID MAINPID MANAGERPID PIDFILE MEMORY_PRESSURE_WATCH MEMORY_PRESSURE_WRITE
    CREDENTIALS_DIRECTORY RUNTIME_DIRECTORY STATE_DIRECTORY CACHE_DIRECTORY LOGS_DIRECTORY CONFIGURATION_DIRECTORY`;
  const env = Object.fromEntries(names.split(/\s+/).map((name) => [name, 'x']));
  const kept = { ...LOGIN, MY_INVOCATION_ID: '1', XDG_RUNTIME_DIR: '/run/user/0', MAINPIDS: '2' };
  assert.deepEqual(own(settled({}, { ...env, ...kept }).env), kept);
});

test('a scheduler without them gives its user’s HOME, USER, LOGNAME, SHELL and a PATH', () => {
  const { username, homedir, shell } = userInfo();
  const { env } = settled({}, { LANG: 'C', HOME: '/elsewhere' });
  assert.equal(env.PATH, '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  assert.deepEqual([env.HOME, env.USER, env.LOGNAME], ['/elsewhere', username, username]);
  assert.equal(env.SHELL, !shell || shell.endsWith('/nologin') ? '/bin/sh' : shell);
  assert.equal(settled({}, {}).env.HOME, homedir);
});

test('a database of users that does not answer keeps no run from starting', () => {
  const away: Accounts = {
    user() {
      throw Object.assign(new Error('EIO: i/o error, getpwuid_r'), { code: 'EIO', errno: -5 });
    },
    group: () => null,
    groupsOf: () => [],
  };
  const found = settleContext(run(), scope, { env: { LANG: 'C' }, accounts: away, uid });
  assert.ok(found.ok);
  assert.deepEqual(Object.keys(own(found.env)), ['PATH', 'LANG']);
  const other = settleContext(run({ user: 'nobody' }), scope, { env: LOGIN, accounts: away, uid });
  assert.deepEqual(other, { ok: false, message: 'the user nobody cannot be looked up: i/o error (EIO)' });
});

test('env comes over the environment files, these over the scheduler’s, and FATE_ names over all', () => {
  const first = put('first.env', 'A=file\nB="file"\nC=file\nFATE_TASK=other\n');
  const second = put('second.env', 'C=second\n');
  const { env } = settled(
    {
      envFiles: [file(first), file(second)],
      env: [
        { name: 'B', value: text('of <task>') },
        { name: 'LANG', value: null },
        { name: 'HOME', value: text('') },
      ],
    },
    { ...LOGIN, A: 'scheduler', LANG: 'C', FATE_ATTEMPT: '9' },
  );
  assert.deepEqual(own(env), { ...LOGIN, A: 'file', B: 'of disk', C: 'second', HOME: '' });
  assert.equal(env.FATE_TASK, 'disk');
  assert.equal(env.FATE_ATTEMPT, '1');
});

test('an environment file that cannot be read fails the run, unless it is optional and not there', () => {
  const none = join(folder, 'none.env');
  assert.equal(refused({ envFiles: [file(none)] }), `the environment file ${none} does not exist`);
  assert.deepEqual(own(settled({ envFiles: [file(none, true)] }).env), LOGIN);
  assert.equal(refused({ envFiles: [file(folder, true)] }), `the environment file ${folder} is a folder`);
  const odd = put('odd.env', 'A=1\nexport B=2\n');
  const { warnings, env } = settled({ envFiles: [file(odd)] });
  assert.equal(env.A, '1');
  assert.match(warnings.join(), new RegExp(`^the environment file ${odd}: line 2 is passed over`));
});

test('a template that throws, or gives NUL, fails the run', () => {
  assert.equal(refused({ env: [{ name: 'X', value: broken }] }), 'env X cannot be rendered: env.X is undefined');
  assert.equal(refused({ env: [{ name: 'X', value: text('a\0b') }] }), 'env X holds a NUL byte');
  assert.equal(refused({ cwd: broken }), 'cwd cannot be rendered: env.X is undefined');
});

test('the folder is rendered and absolute; whether it is there, whoever enters it sees', () => {
  mkdirSync(join(folder, 'disk'));
  const { context, env } = settled({ cwd: text(`${folder}/<task>/`) }, { ...LOGIN, PWD: '/' });
  assert.equal(context.cwd, join(folder, 'disk'));
  assert.equal(env.PWD, join(folder, 'disk'));
  assert.equal(settled({ cwd: text('.') }).context.cwd, process.cwd());
  assert.equal(settled({ cwd: text('.') }).env.PWD, undefined);
  assert.equal(settled({ cwd: text('~/disk') }, { ...LOGIN, HOME: folder }).context.cwd, join(folder, 'disk'));
  assert.equal(settled({ cwd: text('~') }, { ...LOGIN, HOME: folder }).context.cwd, folder);
  assert.equal(settled({ cwd: text('/no/such') }).context.cwd, '/no/such');
  assert.equal(refused({ cwd: text(' ') }), 'cwd names no folder: it is empty');
  assert.equal(refused({ cwd: text('/\0') }), 'cwd holds a NUL byte');
});

test('umask and nice level are handed on', () => {
  const { context } = settled({ umask: 0o27, nice: -3 });
  assert.deepEqual(context, { identity: null, cwd: null, umask: 0o27, nice: -3 });
});

// ---------------------------------------------------------------------------------------------- user and group

const nobody = accounts.user('nobody');
assert.ok(nobody);

test('another user has its groups, HOME, USER, LOGNAME, SHELL and PATH', asRoot, () => {
  const { context, env, account } = settled({ user: 'nobody' }, { ...LOGIN, LANG: 'C' });
  assert.deepEqual(account, nobody);
  assert.deepEqual(context.identity, {
    uid: nobody.uid,
    gid: nobody.gid,
    groups: accounts.groupsOf(nobody, nobody.gid),
  });
  assert.deepEqual(own(env), {
    LANG: 'C',
    HOME: nobody.home,
    USER: 'nobody',
    LOGNAME: 'nobody',
    // nologin(8) is no shell that a program could use.
    SHELL: '/bin/sh',
    PATH: '/usr/local/bin:/usr/bin:/bin',
  });
  assert.equal(settled({ user: 'daemon', cwd: text('~') }).context.cwd, accounts.user('daemon')?.home);
});

test('env and environment files come over what the account says', asRoot, () => {
  const path = put('home.env', 'HOME=/srv\n');
  const { env } = settled({ user: 'nobody', envFiles: [file(path)], env: [{ name: 'PATH', value: text('/opt') }] });
  assert.deepEqual([env.HOME, env.PATH, env.USER], ['/srv', '/opt', 'nobody']);
});

test('a number is a user too, and one without a name has nobody else’s', asRoot, () => {
  assert.equal(settled({ user: String(nobody.uid) }).env.USER, 'nobody');
  const { env, context } = settled({ user: '4000111222' });
  assert.deepEqual(own(env), { HOME: '/', SHELL: '/bin/sh', PATH: '/usr/local/bin:/usr/bin:/bin' });
  assert.deepEqual(context.identity, { uid: 4_000_111_222, gid: 4_000_111_222, groups: [4_000_111_222] });
});

test('a group takes the place of the user’s own, whose other groups stay', asRoot, () => {
  const { identity } = settled({ user: 'nobody', group: 'daemon' }).context;
  const daemon = accounts.group('daemon');
  assert.ok(daemon !== null);
  assert.deepEqual(identity, { uid: nobody.uid, gid: daemon, groups: accounts.groupsOf(nobody, daemon) });
});

test('a group alone leaves the user, and its login, as they are', asRoot, () => {
  const { context, env, account } = settled({ group: 'daemon' });
  assert.equal(account, null);
  assert.equal(context.identity?.uid, 0);
  assert.equal(context.identity?.gid, accounts.group('daemon'));
  assert.deepEqual(own(env), LOGIN);
});

test('the scheduler’s own user and group mean no change', () => {
  const me = accounts.user(String(uid));
  assert.ok(me);
  const { context, env } = settled({ user: me.name, group: String(gid) });
  assert.equal(context.identity, null);
  assert.equal(env.USER, me.name);
});

test('who is not root can give its own user alone', () => {
  const mine = 4_000_111_222;
  assert.equal(
    refused({ user: 'root' }, LOGIN, mine),
    'the scheduler does not run as root, so it cannot run anything as the user root',
  );
  assert.equal(
    refused({ group: 'daemon' }, LOGIN, mine),
    'the scheduler does not run as root, so it cannot run anything in the group daemon',
  );
  assert.equal(settled({ user: String(mine) }, LOGIN, mine).context.identity, null);
  assert.equal(settled({ group: String(gid) }, LOGIN, mine).context.identity, null);
});

test('a user or a group that is not there fails the run', () => {
  assert.equal(refused({ user: 'no-such-user' }), 'there is no user no-such-user');
  assert.equal(refused({ group: 'no-such-group' }), 'there is no group no-such-group');
});
