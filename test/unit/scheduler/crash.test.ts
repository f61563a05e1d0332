/** SIGKILL at each point between two steps that write, then recovery: nothing lost, nothing twice, nothing left over. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FAULT_POINTS, type FaultPoint } from '../../../src/faults.ts';
import { tarOf } from '../output/support.ts';
import { DUE, idIn, type Kind, makeRoot, namesIn, openWorld, settleIn, starts, TASKS, type World } from './world.ts';

const CHILD = fileURLToPath(new URL('./crash-child.js', import.meta.url));

async function crash(root: string, kind: Kind, what: 'run' | 'recover', fault: string): Promise<string | number> {
  const child = spawn(process.execPath, [CHILD, root, kind, what], {
    env: { ...process.env, FATE_FAULT: fault },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  // Its task may hold our pipe: its end alone is waited for.
  const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  assert.equal(said, '');
  return signal ?? status ?? 'gone';
}

async function makeGround(t: TestContext, kind: Kind): Promise<string> {
  const root = makeRoot(t);
  if (kind === 'archive') writeFileSync(join(root, 'tar'), await tarOf(['one.txt', 'first'], ['two.txt', 'second']));
  if (kind === 'numbered' || kind === 'replaced') {
    mkdirSync(join(root, 'result'));
    writeFileSync(join(root, 'result', 'out.txt'), 'older');
  }
  return root;
}

const OUTPUT = '{"answer": 42}\n';

/** What lies in the result folder once the run is recorded, by content. */
const RECORDED: Partial<Record<Kind, readonly string[]>> = {
  result: [OUTPUT],
  numbered: ['older', OUTPUT],
  replaced: [OUTPUT],
  archive: ['first', 'second'],
};
const FOUND: Partial<Record<Kind, readonly string[]>> = { numbered: ['older'], replaced: ['older'] };
const RESULTS: Partial<Record<Kind, number>> = { result: 1, numbered: 1, replaced: 1, archive: 2 };
const STATUS: Partial<Record<Kind, string>> = { failing: 'Error', retried: 'Retry' };

function contents({ results }: World): string[] {
  const names = namesIn(results);
  assert.deepEqual(
    names.filter((name) => name.startsWith('.fate-result')),
    [],
    'no temporary is left over',
  );
  return names.map((name) => readFileSync(join(results, name), 'utf8'));
}

type End = 'pending' | 'lost' | 'finished';

/** What recovery makes of it, and that a second one finds nothing more to do. */
async function check(root: string, kind: Kind, end: End): Promise<void> {
  const world = openWorld(root);
  const task = TASKS[kind](root);
  const id = idIn(root);
  const { open, unwritten } = await settleIn(world, task);
  assert.equal(unwritten, null);
  const phases = end === 'pending' ? ['planned'] : end === 'finished' && kind === 'retried' ? ['retry'] : [];
  assert.deepEqual(
    open.map(({ phase }) => phase),
    phases,
  );
  assert.deepEqual(world.store.openEntries(), open);
  const closed = [...world.store.closed('disk')];
  assert.equal(closed.length, 1 - phases.length);
  if (end === 'pending') assert.deepEqual(starts(root), []);
  else assert.ok(starts(root).length <= 1);
  const entry = closed[0] ?? open[0];
  if (end === 'lost') {
    assert.deepEqual([entry?.ending?.status, entry?.ending?.endedBy, entry?.results], ['Lost', 'lost', []]);
    assert.deepEqual(contents(world), FOUND[kind] ?? []);
    assert.equal(world.store.state('disk'), null);
  }
  if (end === 'finished') {
    assert.equal(entry?.ending?.status, STATUS[kind] ?? 'OK');
    assert.deepEqual(starts(root), [`${id} 1`]);
    assert.deepEqual(contents(world).sort(), [...(RECORDED[kind] ?? [])].sort());
    assert.equal(entry?.resultCount, RESULTS[kind] ?? 0);
    for (const { path } of entry?.results ?? []) assert.notEqual(readFileSync(path, 'utf8'), 'older');
    const state = ['failing', 'silent'].includes(kind) ? null : { kind: 'text', value: 'new state\n' };
    assert.deepEqual(world.store.state('disk'), state);
    assert.equal(world.store.results('disk').length, kind === 'numbered' ? 1 : 0);
    if (kind === 'failing') {
      const output = world.store.output(id);
      assert.deepEqual([output?.stdout.head.toString(), output?.stderr.head.toString()], ['half\n', 'complaint\n']);
    }
  }
  assert.equal(world.store.cursor('disk')?.seen, DUE);
  // Nothing is left in the spool but what is kept for people.
  const kept = entry?.kept ?? null;
  assert.deepEqual(
    namesIn(world.spool),
    kept === null ? [] : [id, `${id}/output`],
    'the spool holds what was kept, and no more',
  );
  const files = namesIn(world.results);
  world.told.length = 0;
  const again = await settleIn(world, task);
  assert.deepEqual([again.open, world.told], [open, []]);
  assert.deepEqual(namesIn(world.results), files);
  await world.store.close();
}

const BEFORE: readonly FaultPoint[] = ['run.folder', 'run.starting'];
const BEGUN: readonly FaultPoint[] = [
  ...(['run.spawn', 'run.stdout-open', 'run.spawned', 'run.stdout-write', 'run.ended', 'run.output'] as const),
  'run.outcome',
];
const PREPARING: readonly FaultPoint[] = ['result.prepare', 'result.prepared'];
const NOTED: readonly FaultPoint[] = ['run.outcome-synced', 'run.closing', 'run.closed', 'run.removed'];
const PUBLISHING: readonly FaultPoint[] = [
  ...(['run.outcome-written', 'result.link', 'result.linked', 'result.unlinked', 'result.synced'] as const),
];

const EVERY: readonly FaultPoint[] = [...BEFORE, ...BEGUN, ...PREPARING, ...PUBLISHING, ...NOTED];

/** Every point once, and for each kind those again at which it leaves something of its own behind. */
const POINTS: Partial<Record<Kind, readonly FaultPoint[]>> = {
  result: EVERY,
  numbered: [...PUBLISHING, 'run.closing'],
  replaced: PUBLISHING,
  archive: [...PREPARING, ...PUBLISHING],
  failing: [...BEFORE, ...BEGUN, ...NOTED],
  retried: ['run.outcome', ...NOTED],
  silent: ['run.spawned', 'run.closing'],
};

const endAt = (point: FaultPoint): End =>
  BEFORE.includes(point) ? 'pending' : [...BEGUN, ...PREPARING].includes(point) ? 'lost' : 'finished';

for (const [kind, points] of Object.entries(POINTS) as [Kind, readonly FaultPoint[]][]) {
  test(`killed at each point of a run (${kind}), recovery settles it once`, { concurrency: 3 }, async (t) => {
    await Promise.all(
      points.map((point) =>
        t.test(`${point}: ${endAt(point)}`, async (t) => {
          const root = await makeGround(t, kind);
          assert.equal(await crash(root, kind, 'run', `kill@${point}:1`), 'SIGKILL');
          await check(root, kind, endAt(point));
        }),
      ),
    );
  });
}

test('every point of a run and of its results is among them', () => {
  const own = FAULT_POINTS.filter((point) => /^(run|result)\./.test(point));
  assert.deepEqual([...EVERY].sort(), [...own].sort());
});

test('killed between two results of an archive, the first is there once, and so is the second', async (t) => {
  for (const point of ['result.prepared', 'result.link', 'result.linked', 'result.unlinked'] as const) {
    const root = await makeGround(t, 'archive');
    assert.equal(await crash(root, 'archive', 'run', `kill@${point}:2`), 'SIGKILL');
    await check(root, 'archive', point === 'result.prepared' ? 'lost' : 'finished');
  }
});

const IN_FINISHING: readonly FaultPoint[] = [
  ...(['recovery.outcome', 'result.link', 'result.linked', 'result.unlinked', 'result.synced'] as const),
  'recovery.written',
];

for (const kind of ['numbered', 'replaced', 'archive'] as const) {
  test(`killed at each point of the recovery of a result (${kind}), the next one finishes it`, async (t) => {
    await Promise.all(
      IN_FINISHING.map(async (point) => {
        const root = await makeGround(t, kind);
        assert.equal(await crash(root, kind, 'run', 'kill@run.outcome-synced:1'), 'SIGKILL');
        assert.equal(await crash(root, kind, 'recover', `kill@${point}:1`), 'SIGKILL');
        await check(root, kind, 'finished');
      }),
    );
  });
}

test('killed at each point of giving a run up, it is given up once, and its output stays', async (t) => {
  for (const point of ['recovery.lost', 'recovery.written'] as const) {
    const root = await makeGround(t, 'failing');
    assert.equal(await crash(root, 'failing', 'run', 'kill@run.outcome:1'), 'SIGKILL');
    assert.equal(await crash(root, 'failing', 'recover', `kill@${point}:1`), 'SIGKILL');
    await check(root, 'failing', 'lost');
    assert.equal(readFileSync(join(root, 'state/spool', idIn(root), 'output'), 'utf8'), 'half\n');
  }
});

test('a task that goes on while its scheduler is killed is ended before it counts as lost', async (t) => {
  const root = await makeGround(t, 'lasting');
  assert.equal(await crash(root, 'lasting', 'run', 'kill@run.spawned:1'), 'SIGKILL');
  const world = openWorld(root);
  t.after(() => world.store.close());
  // Its first words may still be on the way; its start is not.
  while (starts(root).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await settleIn(world, TASKS.lasting(root));
  const [told] = world.told;
  assert.deepEqual(
    [told?.level, told?.event, told?.fields.status, told?.fields.survivors],
    ['error', 'ended', 'Lost', 1],
  );
  assert.equal([...world.store.closed('disk')][0]?.ending?.reason, 'the scheduler died while it ran');
});
