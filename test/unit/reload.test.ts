/** A reload: the whole new configuration, or the old one with the reason (SPEC 3, 11). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FateError } from '../../src/errors.ts';
import { Reloads } from '../../src/reload.ts';
import type { Configuration, Problem } from '../../src/types.ts';
import { configuration } from '../helpers/rig.ts';
import { makeTask } from '../helpers/tasks.ts';

const problem = (kind: Problem['kind'], path: string): Problem => ({
  ...{ severity: 'error', kind, file: '/conf/tasks.toml', path: [path] },
  message: 'no',
});

function rig(first: Configuration) {
  const told: string[] = [];
  let around = 0;
  const world = {
    told,
    current: first,
    /** What the files say now. */
    next: async (): Promise<Configuration> => first,
    async adopt(_: Configuration): Promise<void> {},
  };
  const reloads = new Reloads({
    current: () => world.current,
    load: () => world.next(),
    async adopt(next) {
      await world.adopt(next);
      world.current = next;
    },
    during(work) {
      around += 1;
      return work();
    },
    now: () => 5,
    log: (level, event, { msg }) => told.push(`${level} ${event} ${msg}`),
  });
  return { ...world, world, reloads, around: () => around };
}

test('what was added, removed and changed is told by name', async () => {
  const { world, reloads, told } = rig(configuration(makeTask('a'), makeTask('b'), makeTask('same')));
  world.next = async () => configuration(makeTask('b', { tenancy: 1 }), makeTask('c'), makeTask('same'));
  assert.deepEqual(await reloads.request(), { added: ['c'], removed: ['a'], changed: ['b'] });
  assert.deepEqual(told, ['info reload the configuration was read again']);
  assert.deepEqual(reloads.told, { at: 5, ok: true });
});

test('any new error refuses it, with the code they have in common; one that was there before does not', async () => {
  const old = { ...configuration(makeTask('a')), problems: [problem('value', 'known')] };
  const { world, reloads, told } = rig(old);
  const refusal = (...problems: Problem[]): Promise<FateError> => {
    world.next = async () => ({ ...old, problems });
    return reloads.request().then(
      () => assert.fail('it was not refused'),
      (error: FateError) => error,
    );
  };
  const syntax = await refusal(problem('value', 'known'), problem('syntax', 'x'));
  assert.ok(syntax instanceof FateError);
  assert.deepEqual([syntax.code, syntax.problems.length], ['CONF_SYNTAX', 1]);
  assert.equal((await refusal(problem('syntax', 'x'), problem('value', 'y'))).code, 'CONF_INVALID');
  assert.match(syntax.message, /^the old configuration stays: /);
  assert.ok(told.some((line) => line.startsWith('error config ')));
  assert.deepEqual(reloads.told, { at: 5, ok: false });
  world.next = async () => old;
  assert.deepEqual(await reloads.request(), { added: [], removed: [], changed: [] });
});

test('one goes on at a time; all who ask meanwhile share the next, and one that fails stops none behind it', async () => {
  const { world, reloads, around } = rig(configuration(makeTask('a')));
  const order: string[] = [];
  let going = 0;
  let count = 0;
  world.next = async () => {
    const name = `n${++count}`;
    going += 1;
    assert.equal(going, 1);
    await new Promise((resolve) => setImmediate(resolve));
    going -= 1;
    order.push(name);
    if (name === 'n2') throw new FateError('CONF_MISSING', 'gone');
    return configuration(makeTask(name));
  };
  const first = reloads.request();
  await new Promise((resolve) => process.nextTick(resolve));
  const others = Array.from({ length: 30 }, () => reloads.request());
  assert.deepEqual((await first).added, ['n1']);
  for (const other of others) await assert.rejects(other, { code: 'CONF_MISSING' });
  assert.deepEqual(await reloads.request(), { added: ['n3'], removed: ['n1'], changed: [] });
  assert.deepEqual(order, ['n1', 'n2', 'n3']);
  assert.equal(around(), 3, 'what goes on around a reload does so once for each');
  await reloads.idle();
});

test('what cannot be swapped in leaves the old one', async () => {
  const { world, reloads } = rig(configuration(makeTask('a')));
  world.next = async () => configuration(makeTask('b'));
  world.adopt = async () => {
    throw new Error('the log cannot be opened');
  };
  await assert.rejects(reloads.request(), { code: 'FATAL', message: /stays: the log cannot be opened/ });
  assert.equal(world.current.tasks[0]?.name, 'a');
});
