/** What a configuration asks for and this machine does not have: told at load, as warnings. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatProblem } from '../../../src/conf/problems.ts';
import { accounts } from '../../../src/platform/accounts.ts';
import { contextWarnings, listed, tasksWithoutUser } from '../../../src/scheduler/context-warnings.ts';
import type { ExecutionContext, Task } from '../../../src/types.ts';
import { makeTask, NO_CONTEXT } from '../../helpers/tasks.ts';

const folder = mkdtempSync(join(tmpdir(), 'fate-warnings-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root can make files of other users' };

const text = (source: string) => ({ source, render: () => assert.fail('no template is evaluated') });
const task = (name: string, context: Partial<ExecutionContext>, changes: Partial<Task> = {}): Task =>
  makeTask(name, { context: { ...NO_CONTEXT, ...context }, ...changes });
const put = (name: string, content: string, mode = 0o600): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};
const told = async (
  tasks: Task[],
  uid = process.getuid?.() ?? 0,
  env: Record<string, string> = {},
  steerGroup: string | null = null,
): Promise<string[]> => {
  const files = ['/conf/tasks.toml', '/conf/defaults.yaml'];
  const problems = await contextWarnings({ tasks, files, steerGroup }, { accounts, uid, env });
  return problems.map((problem) => {
    assert.equal(problem.severity, 'warning');
    return formatProblem(problem).replaceAll(`${folder}/`, '');
  });
};
const FAILS = 'the runs of this task will fail';
const file = (path: string, optional = false) => ({ path, optional });

test('users, groups, folders, files and credentials that are not there', async () => {
  const wrong = task('a', {
    user: 'no-such-user',
    cwd: text('/no/such'),
    envFiles: [file(join(folder, 'none')), file(join(folder, 'optional'), true)],
    credentials: [{ name: 'key', source: join(folder, 'secret') }],
  });
  assert.deepEqual(await told([wrong, task('b', { group: 'no-such-group', cwd: text('/dev/null') })]), [
    `tasks.toml: a.user: there is no user no-such-user: ${FAILS}`,
    `tasks.toml: a.cwd: the folder /no/such does not exist: ${FAILS}`,
    `tasks.toml: a.env_file: the environment file none does not exist: ${FAILS}`,
    `tasks.toml: a.credentials.key: secret does not exist: ${FAILS}`,
    `tasks.toml: b.group: there is no group no-such-group: ${FAILS}`,
    `tasks.toml: b.cwd: the folder /dev/null is not a folder: ${FAILS}`,
  ]);
});

test('nothing is told of what is there, of templates, and of tasks that are off', async () => {
  const good = task('a', {
    user: accounts.user(String(process.getuid?.() ?? 0))?.name ?? null,
    cwd: text(folder),
    envFiles: [file(put('good.env', 'A=1\n'))],
    credentials: [{ name: 'key', source: put('key', 'x') }],
  });
  const open = [task('b', { cwd: text('/<%= env.X %>') }), task('c', { cwd: text('below') })];
  assert.deepEqual(await told([good, ...open, task('d', { user: 'no-such-user' }, { enabled: false })]), []);
});

test('a scheduler that is not root says what it cannot give', async () => {
  assert.deepEqual(await told([task('a', { user: 'root' })], 4_000_111_222), [
    `tasks.toml: a.user: the scheduler does not run as root, so it cannot run anything as the user root: ${FAILS}`,
  ]);
});

test('what many tasks share is told once', async () => {
  const tasks = Array.from({ length: 14 }, (_, at) => task(`t${at}`, { user: 'no-such-user' }));
  const others = Array.from({ length: 10 }, (_, at) => `t${at + 1}`).join(', ');
  assert.deepEqual(await told(tasks), [
    `tasks.toml: t0.user: there is no user no-such-user: ${FAILS} (also of ${others} and 3 more)`,
  ]);
});

test('lines of an environment file that are passed over', async () => {
  const odd = file(put('odd.env', 'export A=1\n'));
  assert.deepEqual(await told([task('a', { envFiles: [odd] })]), [
    'tasks.toml: a.env_file: odd.env: line 1 is passed over: before its = is no name of letters, digits and _',
  ]);
});

test('a credential of systemd’s is looked for where the scheduler runs, not on a command line', async () => {
  const asks = [task('a', { credentials: [{ name: 'key', source: 'token' }] })];
  assert.deepEqual(await told(asks), []);
  assert.deepEqual(await told(asks, undefined, { INVOCATION_ID: 'x' }), [
    `tasks.toml: a.credentials.key: systemd gave the scheduler no credentials: ${FAILS}`,
  ]);
  assert.deepEqual(await told(asks, undefined, { CREDENTIALS_DIRECTORY: folder }), [
    `tasks.toml: a.credentials.key: token does not exist: ${FAILS}`,
  ]);
});

test('files that others can write or read are told when root uses them', asRoot, async () => {
  const shared = put('shared.env', 'A=1\n', 0o666);
  const theirs = put('theirs.env', 'A=1\n', 0o644);
  chownSync(theirs, 65534, 65534);
  mkdirSync(join(folder, 'open'));
  chmodSync(join(folder, 'open'), 0o775);
  const inside = put('open/inside.env', 'A=1\n');
  const decides = 'and so decide on the environment of this task';
  assert.deepEqual(await told([task('a', { envFiles: [file(shared), file(theirs), file(inside)] })]), [
    `tasks.toml: a.env_file: everybody can write shared.env, ${decides}`,
    `tasks.toml: a.env_file: the user 65534 can write theirs.env, ${decides}`,
    `tasks.toml: a.env_file: the group 0 can write open/inside.env, ${decides}`,
  ]);
  assert.deepEqual(await told([task('b', { user: 'nobody', envFiles: [file(theirs)] })]), [], 'its own user’s');
  const secret = put('secret', 'x', 0o644);
  const loose = put('loose', 'x', 0o660);
  const credentials = [
    { name: 'one', source: secret },
    { name: 'two', source: loose },
  ];
  assert.deepEqual(await told([task('c', { credentials })]), [
    'tasks.toml: c.credentials.one: everybody can read secret, which is to be secret',
    'tasks.toml: c.credentials.two: its group can read loose, which is to be secret',
    'tasks.toml: c.credentials.two: the group 0 can write loose, and so decide what this task takes for its own',
  ]);
  assert.deepEqual(await told([task('c', { credentials })], 4_000_111_222), []);
});

test('tasks that run as the scheduler are those that are on and name no user', async () => {
  const tasks = [
    task('a', {}),
    task('b', { user: 'root' }),
    task('c', {}, { enabled: false }),
    task('d', { group: 'x' }),
  ];
  assert.deepEqual(tasksWithoutUser({ tasks }), ['a', 'd']);
  assert.equal(listed(['a']), 'a');
  assert.equal(listed(Array.from({ length: 12 }, (_, at) => `${at}`)), '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more');
});

test('a group that may steer and is not there', async () => {
  assert.deepEqual(await told([], 0, {}, 'no-such-group'), [
    '/conf/defaults.yaml: control.steer_group: there is no group no-such-group: nobody steers by it',
  ]);
  assert.deepEqual(await told([], 0, {}, 'root'), []);
});
