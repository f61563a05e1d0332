/**
 * Limits of a run as the kernel's files have them. A machine's controllers may belong to somebody else, so the folders are
 * plain ones with the files of a control group, to which everything written is appended; what the kernel makes of it is
 * tried in a virtual machine (test/system).
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { applyLimits, CONTROLLERS, cpuMax, enableControllers } from '../../../src/platform/control-group-limits.ts';
import type { Limits } from '../../../src/types.ts';
import { NO_LIMITS } from './control-group-world.ts';

function pretended(t: TestContext, files: Readonly<Record<string, string>>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-limits-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return (name) => (name === '' ? folder : readFileSync(join(folder, name), 'utf8'));
}

const FILES = { 'memory.max': '', 'memory.oom.group': '', 'memory.swap.max': '', 'cpu.max': '', 'pids.max': '' };
const ALL = new Set(CONTROLLERS);
const limits = (changes: Partial<Limits>): Limits => ({ ...NO_LIMITS, ...changes });

test('each limit is written in the terms of its controller, and swap is left alone', (t) => {
  const read = pretended(t, FILES);
  assert.deepEqual(applyLimits(read(''), limits({ memory: 536_870_912, cpu: 150, processes: 64 }), ALL), []);
  const written = Object.keys(FILES).map((name) => [name, read(name)]);
  assert.deepEqual(Object.fromEntries(written), {
    'memory.max': '536870912',
    'memory.oom.group': '1',
    'memory.swap.max': '',
    'cpu.max': '150000 100000',
    'pids.max': '64',
  });
});

test('what is not limited is not touched', (t) => {
  const read = pretended(t, FILES);
  assert.deepEqual(applyLimits(read(''), limits({ output: 1, log: 1 }), ALL), []);
  assert.deepEqual(Object.keys(FILES).map(read), ['', '', '', '', '']);
});

test('a controller that is not there costs its limit, and no other', (t) => {
  const read = pretended(t, { 'pids.max': '' });
  const unheld = applyLimits(
    read(''),
    limits({ memory: 1_000_000, cpu: 50, processes: 3 }),
    new Set(['pids'] as const),
  );
  assert.deepEqual(
    unheld.map(({ key, why }) => [key, why.includes('has no controller')]),
    [
      ['memory', true],
      ['cpu', true],
    ],
  );
  assert.equal(read('pids.max'), '3');
});

test('a value that the kernel refuses is told with its file, and nothing is made where it has no such file', (t) => {
  const read = pretended(t, { 'memory.max': '' });
  mkdirSync(join(read(''), 'cpu.max'));
  const unheld = applyLimits(read(''), limits({ memory: 5, cpu: 50, processes: 3 }), ALL);
  assert.match(
    unheld.map(({ key, why }) => `${key}: ${why}`).join('\n'),
    /^cpu: cpu\.max.*EISDIR.*\nprocesses: pids\.max.*ENOENT/,
  );
  assert.equal(read('memory.max'), '5');
  assert.throws(() => read('memory.oom.group'), { code: 'ENOENT' });
});

test('percent of one processor is microseconds in 100 ms, and very little is little of a longer time', () => {
  assert.equal(cpuMax(50), '50000 100000');
  assert.equal(cpuMax(400), '400000 100000');
  assert.equal(cpuMax(1), '1000 100000');
  assert.equal(cpuMax(0.5), '1000 200000');
  assert.equal(cpuMax(0.1), '1000 1000000');
  assert.equal(cpuMax(0.01), '1000 1000000');
  assert.equal(cpuMax(33.3), '33300 100000');
});

test('controllers are turned on one by one, of those that are there', (t) => {
  const read = pretended(t, { 'cgroup.controllers': 'cpuset cpu io memory pids\n', 'cgroup.subtree_control': '' });
  assert.deepEqual([...enableControllers(read(''), CONTROLLERS)], ['memory', 'pids', 'cpu']);
  assert.equal(read('cgroup.subtree_control'), '+memory+pids+cpu');
  const few = pretended(t, { 'cgroup.controllers': 'pids hugetlb\n', 'cgroup.subtree_control': '' });
  assert.deepEqual([...enableControllers(few(''), CONTROLLERS)], ['pids']);
  assert.equal(few('cgroup.subtree_control'), '+pids');
});

test('where none is offered, or none may be had, there is none', (t) => {
  assert.equal(enableControllers(pretended(t, { 'cgroup.controllers': '\n' })(''), CONTROLLERS).size, 0);
  assert.equal(enableControllers(pretended(t, { 'cgroup.controllers': 'memory\n' })(''), CONTROLLERS).size, 0);
  assert.equal(enableControllers('/nonexistent', CONTROLLERS).size, 0);
});
