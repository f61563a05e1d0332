/** Processes that outlive their scheduler: real ones, known by their environment alone. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { endSurvivors } from '../../../src/execution/survivors.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { NO_LIMITS, newGroup, openAt, skip } from '../platform/control-group-world.ts';
import { lives, putDown } from './harness.ts';

let made = 0;
const newId = (): string => `survivor-${process.pid}-${made++}`;

interface Left {
  readonly child: ChildProcess;
  /** Numbers that the script said, line by line. */
  readonly pids: readonly number[];
}

/** A task that says `lines` numbers of processes, and goes on; in a session of its own, as every task. */
async function leave(t: TestContext, id: string | null, script: string, lines: number, detached = true): Promise<Left> {
  const { FATE_RUN_ID: _, ...env } = process.env;
  const child = spawn('/bin/sh', ['-c', script], {
    detached,
    env: id === null ? env : { ...env, FATE_RUN_ID: id },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pids: number[] = [];
  t.after(() => putDown(...pids, child.pid ?? 0));
  for await (const line of createInterface({ input: child.stdout })) {
    pids.push(Number(line));
    if (pids.length === lines) break;
  }
  return { child, pids };
}

test('a run and all it started get SIGTERM, also what left its session', async (t) => {
  const id = newId();
  const { child, pids } = await leave(t, id, 'sleep 300 & echo $!; setsid sleep 300 & echo $!; echo $$; wait', 3);
  const exit = once(child, 'exit');
  const counts = await endSurvivors(new Set([id]), 10_000, systemClock);
  assert.deepEqual([...counts], [[id, 3]]);
  assert.deepEqual(pids.map(lives), [false, false, false]);
  assert.deepEqual(await exit, [null, 'SIGTERM']);
});

test('what has no environment any more is known by the session of the run', async (t) => {
  const id = newId();
  const { pids } = await leave(t, id, 'env -i /bin/sh -c "echo \\$\\$; exec sleep 300" & wait', 1);
  assert.equal((await endSurvivors(new Set([id]), 10_000, systemClock)).get(id), 2);
  assert.deepEqual(pids.map(lives), [false]);
});

test('what does not heed SIGTERM gets SIGKILL after the grace, and a stopped one is woken to heed it', async (t) => {
  const id = newId();
  const stubborn = await leave(t, id, `trap '' TERM; echo $$; while :; do sleep 1; done`, 1);
  const stopped = await leave(t, id, `trap 'exit 7' TERM; echo $$; kill -STOP $$; sleep 300`, 1);
  const exit = once(stopped.child, 'exit');
  const before = performance.now();
  await endSurvivors(new Set([id]), 300, systemClock);
  assert.ok(performance.now() - before >= 290);
  assert.deepEqual([...stubborn.pids, ...stopped.pids].map(lives), [false, false]);
  assert.deepEqual(await exit, [7, null]);
});

test('what is started in the grace is ended too', async (t) => {
  const id = newId();
  const script = `trap 'setsid sleep 300 & exit 0' TERM; echo $$; while :; do sleep 0.05; done`;
  await leave(t, id, script, 1);
  const counts = await endSurvivors(new Set([id]), 5_000, systemClock);
  assert.ok((counts.get(id) ?? 0) >= 2);
  assert.deepEqual([...(await endSurvivors(new Set([id]), 1_000, systemClock))], []);
});

test('strangers, their sessions and other runs are left alone', async (t) => {
  const [id, other] = [newId(), newId()];
  const another = await leave(t, other, 'echo $$; exec sleep 300', 1);
  // One process of the run in the session of a stranger: the others of that session are none of its.
  const stranger = await leave(
    t,
    null,
    `sleep 300 & echo $!; FATE_RUN_ID=${id} sh -c 'echo $$; exec sleep 300' & wait`,
    2,
  );
  const [bystander = 0, mine = 0] = stranger.pids;
  const longer = await leave(t, `${id}x`, 'echo $$; exec sleep 300', 1);
  const named = await leave(t, null, `X=FATE_RUN_ID=${id} sh -c 'echo $$; exec sleep 300' & wait`, 1);
  const counts = await endSurvivors(new Set([id]), 10_000, systemClock);
  assert.deepEqual([...counts], [[id, 1]]);
  assert.equal(lives(mine), false);
  const spared = [bystander, stranger.child.pid ?? 0, ...another.pids, ...longer.pids, ...named.pids];
  assert.deepEqual(spared.map(lives), [true, true, true, true, true]);
});

test('a scheduler that is itself a task of the run does not end itself', async (t) => {
  const id = newId();
  const survivors = new URL('../../../src/execution/survivors.js', import.meta.url).href;
  const clock = new URL('../../../src/platform/clock.js', import.meta.url).href;
  const script = `
    import { endSurvivors } from '${survivors}';
    import { systemClock } from '${clock}';
    const counts = await endSurvivors(new Set(['${id}']), 1000, systemClock);
    console.log(counts.size);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, FATE_RUN_ID: id },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.equal(said, '0\n');
});

/** A run of a scheduler that is no more, in a group of its own, as the next scheduler finds it. */
async function leaveInGroup(t: TestContext, id: string, script: string, lines: number) {
  const own = newGroup(t);
  const path = openAt(t, own).groups?.make(id, NO_LIMITS)?.path ?? '';
  const left = await leave(t, id, `echo 0 >${path}/cgroup.procs; ${script}`, lines);
  const { groups } = openAt(t, own);
  assert.equal(groups?.find(id)?.path, path);
  return { ...left, groups, path };
}

test('what has neither environment nor session of the run is known by its control group', { skip }, async (t) => {
  const id = newId();
  const script = 'setsid env -i /bin/sh -c "echo \\$\\$; exec sleep 300" & wait';
  const { child, pids, groups, path } = await leaveInGroup(t, id, script, 1);
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  assert.equal((await endSurvivors(new Set([id]), 10_000, systemClock)).size, 0);
  assert.deepEqual(pids.map(lives), [true]);
  const counts = await endSurvivors(new Set([id, newId()]), 10_000, systemClock, groups);
  assert.deepEqual([...counts], [[id, 1]]);
  assert.deepEqual(pids.map(lives), [false]);
  assert.equal(existsSync(path), false);
});

test('what is in the group and has the environment gets one SIGTERM, and what left the group one too', {
  skip,
}, async (t) => {
  const id = newId();
  const folder = mkdtempSync(join(tmpdir(), 'fate-survivors-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const note = (name: string): string =>
    `trap 'echo term >>${folder}/${name}' TERM; echo $$; while :; do sleep 0.05; done`;
  const inside = await leaveInGroup(t, id, note('inside'), 1);
  const outside = await leave(t, id, note('outside'), 1);
  const counts = await endSurvivors(new Set([id]), 300, systemClock, inside.groups);
  assert.ok((counts.get(id) ?? 0) >= 2);
  assert.deepEqual([...inside.pids, ...outside.pids].map(lives), [false, false]);
  for (const name of ['inside', 'outside']) assert.equal(readFileSync(join(folder, name), 'utf8'), 'term\n');
  assert.equal(existsSync(inside.path), false);
});

test('no run, nothing to look at', async () => {
  assert.equal((await endSurvivors(new Set(), 1_000, systemClock)).size, 0);
});
