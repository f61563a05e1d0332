/** The real daemon under a system time that is set while it runs, which libfaketime makes it and all it asks believe. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openReader } from '../../src/state/reader.ts';
import type { Entry } from '../../src/types.ts';
import { type Daemon, makePrefix, type Prefix } from '../helpers/prefix.ts';

const HOUR = 3_600_000;

/** As Debian's package `faketime` installs it, which packaging/scripts/setup.sh gets. */
function libfaketime(): string | null {
  const places = ['/usr/lib', ...readdirSync('/usr/lib').map((name) => join('/usr/lib', name))];
  for (const place of places) {
    const library = join(place, 'faketime', 'libfaketimeMT.so.1');
    if (readable(library)) return library;
  }
  return null;
}

function readable(file: string): boolean {
  try {
    return readFileSync(file).length > 0;
  } catch {
    return false;
  }
}

interface Faked {
  readonly prefix: Prefix;
  readonly daemon: Daemon;
  /** Sets the daemon's clock so many seconds off ours. */
  set(seconds: number): void;
}

/** Null after a skip. */
function faked(t: TestContext, tasks: string): Faked | null {
  const library = libfaketime();
  if (library === null) {
    t.skip('libfaketime is not installed (Debian: faketime)');
    return null;
  }
  const prefix = makePrefix(t, { 'tasks.toml': tasks });
  const file = join(prefix.root, 'offset');
  const set = (seconds: number): void => {
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}`);
    renameSync(`${file}.new`, file);
  };
  set(0);
  Object.assign(prefix.env, {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // A clock that is set leaves the monotonic one alone, and files keep their own times.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  });
  const asked = (): number => Number(spawnSync('date', ['+%s'], { env: prefix.env, encoding: 'utf8' }).stdout) * 1000;
  set(7200);
  if (Math.abs(asked() - Date.now() - 2 * HOUR) > 60_000) {
    t.skip('libfaketime does not work on this machine');
    return null;
  }
  set(0);
  return { prefix, daemon: prefix.daemon(), set };
}

async function ledgerOf(prefix: Prefix, task: string): Promise<Entry[]> {
  const reader = openReader(prefix.stateFolder());
  assert.ok(reader);
  try {
    return [...reader.openEntries(), ...reader.closed()].filter((entry) => entry.task === task);
  } finally {
    await reader.close();
  }
}

function assertDisjoint(entries: readonly Entry[]): void {
  const sorted = [...entries].sort((a, b) => a.first - b.first);
  for (const [index, entry] of sorted.slice(1).entries()) {
    assert.ok((sorted[index]?.due ?? 0) < entry.first, JSON.stringify([sorted[index], entry]));
  }
}

type Fields = Daemon['lines'][number]['fields'];

/** Of the first line, there or still to come, that has these fields and is as wanted. */
async function first(daemon: Daemon, fields: Fields, wanted: (fields: Fields) => boolean): Promise<Fields> {
  for (let nth = 1; ; nth += 1) {
    const line = await daemon.until(fields, nth);
    if (wanted(line.fields)) return line.fields;
  }
}

// `tick` makes the loop look at the clock, `hour` has something to miss.
const TASKS = `
[tick]
schedule = "@every 1s"
exec = ["true"]

[hour]
schedule = "@every 10m"
shell = "unset LD_PRELOAD; date >&2; echo $FATE_DUE"
format.result = ""

[never]
schedule = { expression = "@every 10m", missed = "skip" }
exec = ["true"]
`;

test('the clock goes two hours forward: what was missed runs once, and the log and the ledger say that it was the clock', async (t) => {
  const f = faked(t, TASKS);
  if (f === null) return;
  const { daemon, prefix, set } = f;
  await daemon.until({ event: 'ended', task: 'tick', status: 'OK' });
  set(7200);
  assert.match((await daemon.until({ event: 'clock', level: 'warning' })).fields.msg ?? '', /forward by (2h|1h59m)/);
  const together = await first(daemon, { event: 'ended', task: 'hour' }, ({ collapsed }) => collapsed !== undefined);
  assert.equal(together.collapsed, '11');
  const missed = await daemon.until({ event: 'missed', task: 'never' });
  // The last of the twelve may have been less than a minute ago: that one is merely late.
  assert.match(`${missed.fields.count} ${missed.fields.msg}`, /^1[12] missed: skip$/);
  const ticks = daemon.lines.filter(({ fields }) => fields.event === 'ended' && fields.task === 'tick').length;
  await daemon.until({ event: 'ended', task: 'tick' }, ticks + 2);
  assert.equal((await daemon.stop()).status, 0);
  const runs = await ledgerOf(prefix, 'hour');
  assertDisjoint(runs);
  const run = runs.find(({ id }) => id === together.run);
  assert.deepEqual([run?.count, run?.absent, run?.ending?.status], [12, 'clock', 'OK']);
  assertDisjoint(await ledgerOf(prefix, 'tick'));
});

test('the clock goes back by an hour and right again: nothing runs twice, and nothing is missed', async (t) => {
  const f = faked(t, TASKS);
  if (f === null) return;
  const { daemon, prefix, set } = f;
  await daemon.until({ event: 'ended', task: 'tick', status: 'OK' }, 2);
  set(-3600);
  await daemon.until({ event: 'clock', level: 'warning', msg: 'the clock went back by' });
  await daemon.until({ event: 'pass' });
  // In that hour the loop has nothing to do but to look at the clock; a reload makes it look now.
  set(0);
  daemon.child.kill('SIGHUP');
  await daemon.until({ event: 'reload' });
  const ticks = daemon.lines.filter(({ fields }) => fields.event === 'ended' && fields.task === 'tick').length;
  await daemon.until({ event: 'ended', task: 'tick' }, ticks + 2);
  assert.equal((await daemon.stop()).status, 0);
  const entries = await ledgerOf(prefix, 'tick');
  assertDisjoint(entries);
  const dues = entries.map(({ first, due, count }) => (due - first) / 1000 + 1 - count);
  assert.deepEqual([...new Set(dues)], [0], 'each second is counted once');
  assert.equal(
    daemon.lines.some(({ fields }) => fields.msg?.includes('that is forgotten')),
    false,
  );
});

test('the clock was ten years behind, and is put right again: a warning each time, and tasks run on', async (t) => {
  const f = faked(t, TASKS);
  if (f === null) return;
  const { daemon, prefix, set } = f;
  await daemon.until({ event: 'ended', task: 'tick', status: 'OK' });
  set(-10 * 365 * 86_400);
  await daemon.until({ event: 'clock', level: 'warning', msg: 'the clock went back by' });
  await daemon.until({ event: 'clock', level: 'warning', msg: '3 tasks had seen times ahead of the clock' });
  const year = String(new Date(Date.now() - 10 * 365 * 24 * HOUR).getUTCFullYear());
  await first(daemon, { event: 'ended', task: 'tick', status: 'OK' }, ({ due }) => due?.startsWith(year) ?? false);
  set(0);
  await daemon.until({ event: 'clock', level: 'warning', msg: 'the clock went forward by' });
  // Once for all of the ten years, counted up to 10,000.
  await first(daemon, { event: 'ended', task: 'hour' }, ({ collapsed }) => Number(collapsed) >= 9_999);
  const ticks = daemon.lines.filter(({ fields }) => fields.event === 'ended' && fields.task === 'tick').length;
  await daemon.until({ event: 'ended', task: 'tick', status: 'OK' }, ticks + 2);
  assert.equal((await daemon.stop()).status, 0);
  assert.ok((await ledgerOf(prefix, 'hour')).some(({ absent }) => absent === 'clock'));
});
