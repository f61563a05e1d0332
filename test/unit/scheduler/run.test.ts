/** One run from its start to its recorded end, with real programs, files and the real store. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readMark } from '../../../src/scheduler/marks.ts';
import { type RunParts, startRun } from '../../../src/scheduler/run.ts';
import type { Batch } from '../../../src/state/store.ts';
import type { Concluded, Entry, Task } from '../../../src/types.ts';
import {
  DUE,
  ID,
  makeRoot,
  namesIn,
  openWorld,
  plan,
  plannedEntry,
  runOf,
  starts,
  TASKS,
  type World,
} from './world.ts';

function makeWorld(t: TestContext): World {
  const world = openWorld(makeRoot(t));
  t.after(() => world.store.close());
  return world;
}

async function run(
  world: World,
  task: Task,
  changes: Partial<Entry> = {},
  parts: Partial<RunParts> = {},
): Promise<Concluded> {
  const entry = plannedEntry(changes);
  plan(world, entry);
  return startRun(runOf(task, entry), entry, { ...world.parts, ...parts }).done;
}

test('a good run is closed in one batch, with its result, its state and what it is known by', async (t) => {
  const world = makeWorld(t);
  const batches: Batch[] = [];
  const close = (batch: Batch): ReturnType<RunParts['close']> => {
    batches.push(batch);
    return world.parts.close(batch);
  };
  const { outcome, entry } = await run(world, TASKS.numbered(world.root), {}, { close });
  assert.deepEqual([outcome.status, outcome.level, outcome.retryAt], ['OK', 'info', null]);
  assert.equal(batches.length, 1);
  const [path] = [join(world.results, 'out.txt')];
  assert.deepEqual(entry.results, [{ path, label: '', ext: '.json', size: 15 }]);
  assert.deepEqual([entry.resultCount, entry.stdoutBytes, entry.kept], [1, 15, null]);
  assert.deepEqual([...world.store.closed('disk')], [entry]);
  assert.deepEqual(world.store.openEntries(), []);
  assert.equal(world.store.output(ID), null);
  assert.deepEqual(world.store.state('disk'), { kind: 'text', value: 'new state\n' });
  assert.deepEqual(
    world.store.results('disk').map((known) => known.path),
    [path],
  );
  assert.deepEqual(namesIn(world.spool), []);
  assert.deepEqual(namesIn(world.results), ['out.txt']);
});

test('while it goes, the mark is in the spool as the entry stands', async (t) => {
  const world = makeWorld(t);
  const entry = plannedEntry({ queuedAt: DUE });
  plan(world, entry);
  const before = Date.now();
  const handle = startRun(runOf(TASKS.lasting(world.root), entry), entry, world.parts);
  const mark = readMark(join(world.spool, ID));
  assert.ok((mark?.startedAt ?? 0) >= before);
  assert.deepEqual(mark, { ...entry, phase: 'started', startedAt: mark?.startedAt });
  assert.equal(statSync(join(world.spool, ID)).mode & 0o777, 0o700);
  handle.kill();
  const { entry: ended } = await handle.done;
  assert.deepEqual([ended.ending?.status, ended.ending?.endedBy, ended.pid], ['Killed', 'kill', null]);
});

test('of a run that is not good the beginning and the end of both streams are kept', async (t) => {
  const world = makeWorld(t);
  const task = {
    ...TASKS.failing(world.root),
    command: {
      kind: 'shell',
      executable: 'sh',
      script: {
        source: '',
        render: () => 'seq 1 50000; seq 100001 150000 >&2; exit 4',
      },
    },
  } as const;
  const { outcome, entry } = await run(world, task);
  assert.deepEqual([outcome.status, outcome.stdout.slice(0, 5)], ['Error', '1\n2\n3']);
  assert.equal(outcome.stdout.length, 200);
  assert.match(outcome.stderr, /^100001\n100002\n/);
  const output = world.store.output(ID);
  assert.deepEqual([output?.stdout.size, output?.stderr.size, entry.stdoutBytes], [288_894, 350_000, 288_894]);
  for (const [excerpt, first, last] of [
    [output?.stdout, '1\n', '50000\n'],
    [output?.stderr, '100001\n', '150000\n'],
  ] as const) {
    assert.deepEqual([excerpt?.head.length, excerpt?.tail.length], [16_384, 65_536]);
    assert.ok(excerpt?.head.toString().startsWith(first));
    assert.ok(excerpt?.tail.toString().endsWith(last));
  }
  assert.deepEqual(namesIn(world.spool), []);
});

test('exit 42 is no reason to worry while a retry is left: the run stays open, with its state stored', async (t) => {
  const world = makeWorld(t);
  const first = await run(world, TASKS.retried(world.root));
  assert.deepEqual([first.outcome.status, first.outcome.level, first.entry.phase], ['Retry', 'info', 'retry']);
  assert.equal(first.outcome.retryAt, first.entry.retryAt);
  assert.deepEqual(world.store.openEntries(), [first.entry]);
  assert.equal(world.store.state('disk')?.value, 'new state\n');
  const last = await run(world, TASKS.retried(world.root), { ...first.entry, phase: 'planned', attempt: 3 });
  assert.deepEqual([last.outcome.status, last.outcome.level, last.entry.phase], ['Retry', 'warning', 'ended']);
  assert.deepEqual(starts(world.root), [`${ID} 1`, `${ID} 3`]);
  assert.deepEqual(namesIn(world.spool), []);
});

test('a run whose start cannot be noted is Failed with the reason, and nothing is started', async (t) => {
  const world = makeWorld(t);
  rmSync(world.spool, { recursive: true });
  writeFileSync(world.spool, 'no folder');
  const { outcome, entry } = await run(world, TASKS.result(world.root));
  assert.equal(outcome.status, 'Failed');
  assert.match(outcome.reason ?? '', /its start could not be noted in .*: a part of the path is no folder/);
  assert.deepEqual([starts(world.root), [...world.store.closed('disk')]], [[], [entry]]);
});

test('a command that cannot be found is Failed, and leaves nothing in the spool', async (t) => {
  const world = makeWorld(t);
  const { outcome } = await run(world, {
    ...TASKS.result(world.root),
    command: { kind: 'command', program: 'no-such' },
  });
  assert.deepEqual([outcome.status, [...world.store.closed('disk')][0]?.ending?.status], ['Failed', 'Failed']);
  assert.match(outcome.reason ?? '', /no program no-such/);
  assert.deepEqual(namesIn(world.spool), []);
});

test('output that has no place is kept, and the ledger says where', async (t) => {
  const world = makeWorld(t);
  mkdirSync(world.results);
  writeFileSync(join(world.results, 'starts'), 'a file where a folder should be');
  const { outcome, entry } = await run(world, TASKS.unplaced(world.root));
  const kept = join(world.spool, ID, 'output');
  assert.deepEqual([outcome.status, entry.kept, entry.resultCount], ['OK', kept, 0]);
  assert.equal(readFileSync(kept, 'utf8'), '{"answer": 42}\n');
  assert.deepEqual(namesIn(world.spool), [ID, `${ID}/output`]);
  assert.ok(world.told.some(({ fields }) => fields.msg === `the output is kept for 7 days in ${kept}`));
  assert.equal(world.store.state('disk')?.value, 'new state\n');
});

test('a result that loses its place between preparing and publishing is kept, and its temporary is gone', async (t) => {
  const world = makeWorld(t);
  const task = TASKS.numbered(world.root);
  const entry = plannedEntry();
  plan(world, entry);
  // A folder appears at the last moment: the path is asked for once more by nobody else.
  const template = {
    source: '',
    render() {
      setImmediate(() => mkdirSync(join(world.results, 'out.txt'), { recursive: true }));
      return 'out.txt';
    },
  };
  const done = await startRun(
    runOf({ ...task, onConflict: 'replace', resultPath: { kind: 'template', template } }, entry),
    entry,
    world.parts,
  ).done;
  assert.equal(done.entry.kept, join(world.spool, ID, 'output'));
  assert.deepEqual(namesIn(world.results), ['out.txt']);
});

test('while its end is not on the disk, the folder stays; once it is, it goes', async (t) => {
  const world = makeWorld(t);
  let written = (): void => {};
  const later = new Promise<void>((resolve) => {
    written = resolve;
  });
  const { outcome } = await run(world, TASKS.result(world.root), {}, { close: async () => ({ now: false, later }) });
  assert.equal(outcome.status, 'OK');
  assert.deepEqual(namesIn(world.spool), [ID, `${ID}/beside`, `${ID}/outcome`, `${ID}/starting`, `${ID}/stdout`]);
  written();
  while (existsSync(join(world.spool, ID))) await new Promise((resolve) => setImmediate(resolve));
});

test('runs of one task that end together are all known afterwards', async (t) => {
  const world = makeWorld(t);
  const task = { ...TASKS.numbered(world.root), keep: { count: 4, age: null, size: null } };
  const entries = Array.from({ length: 6 }, (_, n) => plannedEntry({ id: `1jz0000000aaa${n}` }));
  plan(world, ...entries);
  await Promise.all(entries.map((entry) => startRun(runOf(task, entry), entry, world.parts).done));
  const known = world.store.results('disk').map(({ path }) => path);
  assert.equal(known.length, 4);
  assert.deepEqual(namesIn(world.results), known.map((path) => path.slice(world.results.length + 1)).sort());
});

test('an outcome that cannot be written is told, and the run is recorded all the same', async (t) => {
  const world = makeWorld(t);
  const entry = plannedEntry();
  plan(world, entry);
  const handle = startRun(runOf(TASKS.result(world.root), entry), entry, world.parts);
  mkdirSync(join(world.spool, ID, 'outcome'));
  const { outcome } = await handle.done;
  assert.deepEqual([outcome.status, outcome.results.length], ['OK', 1]);
  assert.ok(world.told.some(({ level, fields }) => level === 'warning' && /could not be noted/.test(fields.msg ?? '')));
  assert.deepEqual(namesIn(world.spool), []);
});
