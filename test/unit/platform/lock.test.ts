import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FateError } from '../../../src/errors.ts';
import { acquireLock, lockOwner } from '../../../src/platform/lock.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'fate-lock-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const owner = { pid: 4711, program: 'fated', run: '/run/fate/run-4711' };

test('a lock that is held names its owner, and is free again once it is released', (t) => {
  const path = folder(t);
  const first = acquireLock(path, owner);
  assert.ok(first.held);
  assert.deepEqual(acquireLock(path, { ...owner, pid: 1 }), { held: false, owner });
  first.release();
  assert.equal(readFileSync(join(path, 'lock'), 'utf8'), '', 'nobody is named who is gone');
  const second = acquireLock(path, { ...owner, pid: 2 });
  assert.ok(second.held);
  second.release();
});

test('an owner who has not said who it is yet is nobody known', (t) => {
  const path = folder(t);
  const lock = acquireLock(path, owner);
  assert.ok(lock.held);
  writeFileSync(join(path, 'lock'), '{"pi');
  assert.deepEqual(acquireLock(path, owner), { held: false, owner: null });
  lock.release();
});

test('a lock file that is a link is refused', (t) => {
  const path = folder(t);
  symlinkSync('/etc/hostname', join(path, 'lock'));
  assert.throws(
    () => acquireLock(path, owner),
    (error) => error instanceof FateError && error.code === 'FATAL',
  );
});

test('who asks for the owner of a lock learns of one that lives and holds it, and never takes it', (t) => {
  const path = folder(t);
  assert.equal(lockOwner(path), null, 'no file');
  const mine = { ...owner, pid: process.pid };
  const lock = acquireLock(path, mine);
  assert.ok(lock.held);
  assert.deepEqual(lockOwner(path), mine);
  lock.release();
  assert.equal(lockOwner(path), null, 'released');
  writeFileSync(join(path, 'lock'), JSON.stringify(mine));
  assert.equal(lockOwner(path), null, 'left behind by a process whose id another one has now');
  writeFileSync(join(path, 'lock'), JSON.stringify({ ...owner, pid: 2 ** 31 - 1 }));
  assert.equal(lockOwner(path), null, 'left behind by a process that is no more');
});
