/** When a daemon may start anew, and what becomes of the wish until then. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { FateError } from '../../../src/errors.ts';
import { Restart } from '../../../src/scheduler/restart.ts';
import { judge, type Moment } from '../../../src/scheduler/restart-moment.ts';
import type { Problem } from '../../../src/types.ts';
import { FakeClock, settled } from '../../helpers/fake-clock.ts';

const NOON = Date.UTC(2026, 0, 1, 12, 0, 0);
const NEVER = Number.POSITIVE_INFINITY;

test('a run is never met, a due time within a second only after it has put a restart off for a minute', () => {
  assert.equal(judge({ going: 0, next: NEVER }, NOON, null), 'now');
  assert.equal(judge({ going: 1, next: NEVER }, NOON, null), 'busy');
  assert.equal(judge({ going: 1, next: NOON }, NOON, 3_600_000), 'busy', 'however long that takes');
  assert.equal(judge({ going: 0, next: NOON + 1_000 }, NOON, null), 'soon');
  assert.equal(judge({ going: 0, next: NOON + 1_001 }, NOON, null), 'now');
  assert.equal(judge({ going: 0, next: NOON - 5 }, NOON, 60_000), 'soon', 'due already, and about to start');
  assert.equal(judge({ going: 0, next: NOON }, NOON, 60_001), 'now');
  fc.assert(
    fc.property(fc.nat(3), fc.integer({ min: -5_000, max: 5_000 }), fc.nat(120_000), (going, ahead, putOff) => {
      const verdict = judge({ going, next: NOON + ahead }, NOON, putOff);
      assert.equal(verdict === 'busy', going > 0);
      if (verdict === 'now') assert.ok(ahead > 1_000 || putOff > 60_000);
    }),
  );
});

function makeRestart() {
  const clock = new FakeClock(NOON);
  const rig = {
    clock,
    moment: { going: 0, next: NEVER } as Moment,
    running: [] as string[],
    durable: true,
    stopping: false,
    bad: null as Error | null,
    checks: 0,
    letGo: 0,
    logged: [] as string[],
    /** Until this is settled a check goes on. */
    held: Promise.resolve(),
    restart: null as unknown as Restart,
  };
  rig.restart = new Restart({
    clock,
    program: 'fated',
    moment: () => rig.moment,
    running: () => rig.running,
    flush: () => rig.durable,
    async check(signal) {
      rig.checks += 1;
      await Promise.race([rig.held, once(signal, 'abort')]);
      signal.throwIfAborted();
      if (rig.bad !== null) throw rig.bad;
      return 'fated 2.0.1';
    },
    stopping: () => rig.stopping,
    letGo() {
      rig.letGo += 1;
      rig.stopping = true;
    },
    log: (level, event, { msg }) => rig.logged.push(`${level} ${event} ${msg}`),
  });
  return rig;
}

const GOES = 'info restart fated lets go and starts anew as fated 2.0.1';

test('where nothing runs it restarts at once, once the new program was tried', async () => {
  const rig = makeRestart();
  assert.equal(rig.restart.pending, null);
  assert.deepEqual(await rig.restart.ask(true), { whenIdle: true, running: [], restarting: true });
  assert.equal(rig.letGo, 0, 'whoever asked is answered first');
  await rig.clock.advance(1);
  assert.deepEqual([rig.checks, rig.letGo, rig.restart.begun], [1, 1, true]);
  assert.deepEqual(rig.logged, [GOES]);
  assert.deepEqual(await rig.restart.ask(true), { whenIdle: true, running: [], restarting: true }, 'it is on its way');
  rig.restart.look();
  assert.equal(rig.letGo, 1);
});

test('it waits for what runs, whoever asks again, and goes in the turn in which the last has ended', async () => {
  const rig = makeRestart();
  rig.moment = { going: 2, next: NEVER };
  rig.running = ['backup', 'index', 'backup'];
  const waits = { whenIdle: true, running: ['backup', 'index'], restarting: false };
  assert.deepEqual(await rig.restart.ask(true), waits);
  assert.deepEqual(rig.restart.pending, { since: NOON, refused: null });
  await rig.clock.advance(3_600_000);
  assert.deepEqual(await rig.restart.ask(true), waits);
  assert.deepEqual(rig.restart.pending, { since: NOON, refused: null }, 'the same wish');
  // Its process has ended, its end is not recorded.
  rig.moment = { going: 1, next: NEVER };
  rig.running = [];
  rig.restart.look();
  await settled();
  assert.deepEqual([rig.checks, rig.letGo], [0, 0]);
  rig.moment = { going: 0, next: NEVER };
  rig.durable = false;
  rig.restart.look();
  await settled();
  assert.deepEqual([rig.checks, rig.letGo], [1, 0], 'the disk refuses the end');
  assert.match(rig.restart.pending?.refused ?? '', /disk/);
  rig.durable = true;
  rig.restart.look();
  assert.deepEqual([rig.checks, rig.letGo], [1, 1]);
  const said = 'info restart fated restarts when what runs has ended: backup, index';
  assert.deepEqual(rig.logged, [said, said, GOES]);
});

test('what starts while the new program is tried is waited for, and it is not tried again for that', async () => {
  const rig = makeRestart();
  let go = (): void => {};
  rig.held = new Promise((resolve) => {
    go = resolve;
  });
  await rig.restart.ask(true);
  await rig.clock.advance(1);
  rig.moment = { going: 1, next: NEVER };
  go();
  await settled();
  assert.deepEqual([rig.checks, rig.letGo], [1, 0]);
  await rig.clock.advance(50_000);
  rig.moment = { going: 0, next: NEVER };
  rig.restart.look();
  assert.deepEqual([rig.checks, rig.letGo], [1, 1], 'in the same moment');
});

test('what was found good is looked at again after a minute', async () => {
  const rig = makeRestart();
  rig.durable = false;
  await rig.restart.ask(true);
  await rig.clock.advance(1);
  await rig.clock.advance(70_000);
  rig.durable = true;
  rig.restart.look();
  await settled();
  assert.deepEqual([rig.checks, rig.letGo], [2, 1]);
});

test('what was found good before somebody asked again, who may have replaced it, is looked at again', async () => {
  const rig = makeRestart();
  rig.durable = false;
  await rig.restart.ask(true);
  await rig.clock.advance(1);
  assert.equal(rig.checks, 1);
  await rig.clock.advance(5_000);
  await rig.restart.ask(true);
  rig.durable = true;
  await rig.clock.advance(1);
  assert.deepEqual([rig.checks, rig.letGo], [2, 1]);
});

test('a task each second puts it off for a minute and no longer', async () => {
  const rig = makeRestart();
  rig.moment = { going: 0, next: NOON + 500 };
  assert.deepEqual(await rig.restart.ask(true), { whenIdle: true, running: [], restarting: false });
  assert.match(rig.logged[0] ?? '', /fated restarts when what is due now has run/);
  for (let second = 1; rig.letGo === 0; second += 1) {
    assert.ok(second < 100);
    await rig.clock.advance(1_000);
    rig.moment = { going: 1, next: rig.clock.now() + 1_000 };
    rig.restart.look();
    rig.moment = { going: 0, next: rig.clock.now() + 900 };
    rig.restart.look();
    await settled();
  }
  const waited = rig.clock.now() - NOON;
  assert.ok(waited > 60_000 && waited < 63_000, String(waited));
});

test('what cannot be started leaves the daemon as it is; it is tried again after 10 minutes, or when asked again', async () => {
  const rig = makeRestart();
  const problem = { severity: 'error', kind: 'syntax', file: '/t.toml', path: [], message: 'expected =' } as Problem;
  rig.bad = new FateError('CONF_SYNTAX', 'a start would refuse it', { problems: [problem] });
  await rig.restart.ask(true);
  await rig.clock.advance(1);
  assert.deepEqual([rig.checks, rig.letGo, rig.restart.begun], [1, 0, false]);
  assert.deepEqual(rig.restart.pending, { since: NOON, refused: 'a start would refuse it' });
  assert.match(
    rig.logged.join('\n'),
    /^error config .*expected =\nerror restart fated goes on as it is, since a start/,
  );
  for (let turns = 0; turns < 19; turns += 1) {
    await rig.clock.advance(30_000);
    rig.restart.look();
    await settled();
  }
  assert.equal(rig.checks, 1);
  await rig.clock.advance(30_000);
  rig.restart.look();
  await settled();
  assert.deepEqual([rig.checks, rig.logged.length], [2, 4], 'and is told again');
  rig.bad = null;
  assert.deepEqual(await rig.restart.ask(true), { whenIdle: true, running: [], restarting: true });
  assert.deepEqual(rig.restart.pending, { since: NOON, refused: null });
  await rig.clock.advance(1);
  assert.equal(rig.letGo, 1);
});

test('without a wish to wait it ends what runs, and the reason against it is the answer', async () => {
  const rig = makeRestart();
  rig.moment = { going: 1, next: NOON };
  rig.running = ['backup'];
  rig.bad = new FateError('CONF_INVALID', 'a start would refuse it');
  await assert.rejects(rig.restart.ask(false), {
    code: 'CONF_INVALID',
    message: 'the daemon goes on as it is: a start would refuse it',
  });
  assert.deepEqual([rig.restart.begun, rig.restart.pending], [false, null], 'and nothing of it comes later');
  rig.bad = null;
  rig.durable = false;
  await assert.rejects(rig.restart.ask(false), { code: 'TEMPORARY', message: /the disk is too full/ });
  rig.durable = true;
  const both = Promise.all([rig.restart.ask(false), rig.restart.ask(false)]);
  assert.deepEqual(await both, Array(2).fill({ whenIdle: false, running: ['backup'], restarting: true }));
  assert.equal(rig.checks, 3, 'one for both');
  await rig.clock.advance(1);
  assert.equal(rig.letGo, 1);
  assert.equal(rig.logged.at(-1), `${GOES}; running tasks are told to end: backup`);
});

test('a stop wins over a restart that waits, and over one that is just being tried', async () => {
  const rig = makeRestart();
  rig.moment = { going: 1, next: NEVER };
  await rig.restart.ask(true);
  rig.stopping = true;
  rig.moment = { going: 0, next: NEVER };
  rig.restart.look();
  await rig.clock.advance(1);
  assert.deepEqual([rig.checks, rig.letGo, rig.restart.begun], [0, 0, false]);
  await assert.rejects(rig.restart.ask(true), { code: 'TEMPORARY' });
  rig.stopping = false;
  const asked = rig.restart.ask(false);
  rig.stopping = true;
  await assert.rejects(asked, { code: 'TEMPORARY' });
  assert.equal(rig.letGo, 0);
});

test('a check that goes on when the daemon ends is given up, and is told to nobody as a failure', async () => {
  for (const idle of [true, false]) {
    const rig = makeRestart();
    rig.held = new Promise(() => {});
    const asked = rig.restart.ask(idle);
    if (idle) await rig.clock.advance(1);
    assert.equal(rig.checks, 1);
    rig.stopping = true;
    rig.restart.close();
    if (idle) await asked;
    else await assert.rejects(asked, { code: 'TEMPORARY', message: 'the daemon is stopping' });
    await new Promise(setImmediate);
    assert.deepEqual([rig.letGo, rig.logged.filter((line) => !line.startsWith('info'))], [0, []]);
  }
});
