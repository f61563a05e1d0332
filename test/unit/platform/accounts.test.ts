/** Users and groups, as getent(1) finds them on this machine. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { accounts, createAccounts } from '../../../src/platform/accounts.ts';

const getent = (database: string): string[][] =>
  execFileSync('getent', [database], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.split(':'));

test('every user is found by name and by number', () => {
  const seen = new Set<string>();
  for (const [name = '', , uid = '', gid = '', , home = '', shell = ''] of getent('passwd')) {
    const expected = { name, uid: Number(uid), gid: Number(gid), home, shell };
    assert.deepEqual(accounts.user(name), expected);
    // Of two of one number the first is found.
    if (!seen.has(uid)) assert.deepEqual(accounts.user(uid), expected);
    seen.add(uid);
  }
  assert.ok(seen.has('0') && seen.size > 1);
});

test('every group is found by name, and a number is a group whatever it is called', () => {
  for (const [name = '', , gid = ''] of getent('group')) assert.equal(accounts.group(name), Number(gid));
  assert.equal(accounts.group('4000111222'), 4_000_111_222);
});

test('what is not there is null, and a number without a name is a user all the same', () => {
  assert.equal(accounts.user('no-such-user'), null);
  assert.equal(accounts.group('no-such-group'), null);
  assert.equal(accounts.user(''), null);
  assert.equal(accounts.user('x'.repeat(5000)), null);
  assert.deepEqual(accounts.user('4000111222'), {
    name: '',
    uid: 4_000_111_222,
    gid: 4_000_111_222,
    home: '',
    shell: '',
  });
  assert.equal(accounts.user('4294967295'), null);
  assert.equal(accounts.user('-1'), null);
});

test('the groups of a user are those of id(1), and the one that is asked for', () => {
  for (const name of ['root', 'nobody']) {
    const account = accounts.user(name);
    assert.ok(account);
    const expected = execFileSync('id', ['-G', name], { encoding: 'utf8' }).trim().split(' ').map(Number);
    assert.deepEqual([...accounts.groupsOf(account, account.gid)].sort(), expected.sort());
    assert.ok(accounts.groupsOf(account, 12_345).includes(12_345));
  }
  const nameless = accounts.user('4000111222');
  assert.ok(nameless);
  assert.deepEqual(accounts.groupsOf(nameless, 7), [7]);
});

test('an answer is remembered for ten seconds of the machine, also that there is none', () => {
  let now = 0;
  const remembering = createAccounts(() => now);
  const first = remembering.user('root');
  now = 9_999;
  assert.equal(remembering.user('root'), first);
  now = 10_000;
  const again = remembering.user('root');
  assert.notEqual(again, first);
  assert.deepEqual(again, first);
  assert.equal(remembering.user('no-such-user'), null);
});

test('an error is remembered too: a server that does not answer is not asked at every run', () => {
  let [now, asked] = [0, 0];
  const down = (): never => {
    asked += 1;
    throw new Error('EAGAIN: resource temporarily unavailable, getpwnam_r');
  };
  const remembering = createAccounts(() => now, { findUser: down, findGroup: down, findGroups: down });
  for (let i = 0; i < 3; i += 1) assert.throws(() => remembering.user('alice'), /EAGAIN/);
  assert.equal(asked, 1);
  now = 10_000;
  assert.throws(() => remembering.user('alice'), /EAGAIN/);
  assert.equal(asked, 2);
});
