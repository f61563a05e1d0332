/** The real daemon on small file systems that are filled up, and made read-only, under it (SPEC 11, "The disk full"). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openReader } from '../../src/state/reader.ts';
import type { Entry } from '../../src/types.ts';
import { type Daemon, type LogLine, makePrefix, type Prefix } from '../helpers/prefix.ts';

const TASKS = `
[count]
schedule = "@every 1s"
shell = '''n=$(cat <&3); n=$(( \${n:-0} + 1 )); echo $n >&4; echo "[$n]"'''
`;
/** Ends with a state that needs new pages in the store, once it is told to. */
const BIG = `
[big]
schedule = "@every 1s"
shell = "until rm go 2>/dev/null; do sleep 0.05; done; head -c 500000 /dev/zero | tr '\\\\0' x >&4"
`;
/** Writes more than fits on the disk. */
const FLOOD = `
[flood]
schedule = "@every 3s"
shell = "head -c 64M /dev/zero"
`;

interface Disks {
  readonly prefix: Prefix;
  /** Mounts a small tmpfs there. */
  mount(folder: string, size: string): string;
  daemon(): Daemon;
}

const mountWith = (...args: readonly string[]): { status: number | null; stderr: string } =>
  spawnSync('mount', args, { encoding: 'utf8' });

/** Null after a skip. Whatever happens, the daemon ends and what was mounted is unmounted before its folder is removed. */
function disks(t: TestContext, tasks: string): Disks | null {
  if (process.getuid?.() !== 0) {
    t.skip('only root can mount a small tmpfs');
    return null;
  }
  const works: (() => unknown)[] = [];
  const mounted: string[] = [];
  const daemons: Daemon[] = [];
  const prefix = makePrefix({ after: (work) => works.push(work) }, { 'tasks.toml': tasks });
  t.after(async () => {
    for (const daemon of daemons) await daemon.stop('SIGKILL');
    // Lazily: a task of a daemon that was killed may still be there.
    for (const folder of mounted.reverse()) spawnSync('umount', ['--lazy', folder]);
    for (const work of works) await work();
  });
  const probe = join(prefix.root, 'probe');
  mkdirSync(probe);
  if (mountWith('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe).status !== 0) {
    t.skip('this machine lets nobody mount a tmpfs');
    return null;
  }
  mounted.push(probe);
  return {
    prefix,
    mount(folder, size) {
      mkdirSync(folder, { recursive: true });
      const { status, stderr } = mountWith('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder);
      assert.equal(status, 0, stderr);
      mounted.push(folder);
      return folder;
    },
    daemon() {
      const daemon = prefix.daemon();
      daemons.push(daemon);
      return daemon;
    },
  };
}

/** To the last byte. The result makes room again. */
function fill(folder: string): () => void {
  const file = join(folder, 'fill');
  const fd = openSync(file, 'a');
  for (let size = 1 << 20; size >= 1; size >>= 1) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(size, 1));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
  closeSync(fd);
  return () => rmSync(file);
}

/** Read-only and back. A file that is just being written keeps it from becoming so: tries until none is. */
async function remount(folder: string, how: 'ro' | 'rw'): Promise<void> {
  for (;;) {
    const { status, stderr } = mountWith('-o', `remount,${how}`, folder);
    if (status === 0) return;
    assert.match(stderr, /busy/);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The next line from now on that has these fields and is as wanted. */
async function next(
  daemon: Daemon,
  fields: Readonly<Record<string, string>>,
  wanted: (line: LogLine) => boolean = () => true,
): Promise<LogLine> {
  const before = daemon.lines.length;
  for (let nth = 1; ; nth += 1) {
    const line = await daemon.until(fields, nth);
    if (daemon.lines.indexOf(line) >= before && wanted(line)) return line;
  }
}

/** A run that was due from now on ended well, with its result recorded. */
async function good(daemon: Daemon, task = 'count'): Promise<LogLine> {
  const now = Date.now();
  return next(daemon, { event: 'ended', task, status: 'OK' }, ({ fields }) => {
    return Date.parse(fields.due ?? '') > now && fields.result !== undefined;
  });
}

async function assertAccounted(prefix: Prefix, task: string): Promise<Entry[]> {
  const reader = openReader(prefix.stateFolder());
  assert.ok(reader);
  const entries = [...reader.openEntries(), ...reader.closed()].filter((entry) => entry.task === task);
  await reader.close();
  entries.sort((a, b) => a.first - b.first);
  for (const [index, entry] of entries.slice(1).entries()) {
    assert.equal(entry.first, (entries[index]?.due ?? 0) + 1000, JSON.stringify([entries[index], entry]));
  }
  return entries;
}

test('the disk of the state is full: nothing starts, nothing dies, and it goes on when there is room, again and again', async (t) => {
  const d = disks(t, TASKS + BIG);
  if (d === null) return;
  const { prefix } = d;
  const state = d.mount(prefix.paths.state, '4m');
  const daemon = d.daemon();
  await good(daemon);
  for (let i = 0; i < 4; i += 1) {
    const free = fill(state);
    await next(daemon, { event: 'state', level: 'error' }, ({ text }) =>
      /nothing is started: less than 5 %/.test(text),
    );
    writeFileSync(join(prefix.root, 'go'), '');
    await next(daemon, { event: 'ended', task: 'big', status: 'OK' });
    free();
    await good(daemon);
  }
  assert.ok(daemon.lines.some(({ text }) => /could not be written: .*the disk is full.*kept in memory/.test(text)));
  assert.ok(daemon.lines.some(({ text }) => /the state is stored again/.test(text)));
  assert.equal((await daemon.stop()).status, 0);
  const entries = await assertAccounted(prefix, 'count');
  const ended = entries.filter(({ ending }) => ending?.status === 'OK').length;
  // Of two that ended in one second the second has a -1, which sorts first.
  const counts = prefix.results().map((name) => (JSON.parse(prefix.readResult(name)) as [number])[0]);
  assert.equal(Math.max(...counts), ended, 'no state was lost');
});

test('a task that fills the disk: its output is told not to be whole, other tasks go on', async (t) => {
  const d = disks(t, TASKS + FLOOD);
  if (d === null) return;
  d.mount(d.prefix.paths.state, '6m');
  const daemon = d.daemon();
  for (let i = 0; i < 2; i += 1) {
    const told = await next(daemon, { event: 'result', task: 'flood', level: 'error' });
    assert.match(told.fields.msg ?? '', /the output is not whole: no space left on device \(ENOSPC\), after \d+ bytes/);
    await good(daemon);
  }
  assert.equal((await daemon.stop()).status, 0);
  await assertAccounted(d.prefix, 'count');
});

test('the disks of results and log are full, and then read-only: the output is kept, and the log is whole afterwards', async (t) => {
  const d = disks(t, TASKS);
  if (d === null) return;
  const { prefix } = d;
  const [data, logs] = [d.mount(prefix.paths.data, '256k'), d.mount(join(prefix.root, 'logs'), '256k')];
  const log = join(logs, 'fate.log');
  prefix.write('defaults.toml', `path.log = ["/dev/stderr", ${JSON.stringify(log)}]\n`);
  const daemon = d.daemon();
  await good(daemon);

  const [freeData, freeLog] = [fill(data), fill(logs)];
  await next(daemon, { event: 'result', level: 'error' }, ({ text }) => /could not be .*no space is left/.test(text));
  const kept = await next(daemon, { event: 'result', level: 'error' }, ({ text }) => /kept for 7 days in/.test(text));
  assert.match(readFileSync((kept.fields.msg ?? '').replace(/.* in /, ''), 'utf8'), /^\[\d+\]\n$/);
  await daemon.until({ event: 'log', level: 'error', msg: `the log ${log} cannot be written: ENOSPC` });
  await next(daemon, { event: 'ended', task: 'count', status: 'OK' });
  freeData();
  assert.ok((await good(daemon)).fields.result);

  await remount(data, 'ro');
  await next(daemon, { event: 'result', level: 'error' }, ({ text }) =>
    /could not be .*the file system is read-only/.test(text),
  );
  // The log's file was closed when it could not be written.
  await remount(logs, 'ro');
  await remount(data, 'rw');
  assert.ok((await good(daemon)).fields.result);
  await remount(logs, 'rw');
  freeLog();

  assert.equal((await daemon.stop()).status, 0);
  const ids = (text: string): string[] => [...text.matchAll(/event="ended".*? run="(\w+)"/g)].map(([, id = '']) => id);
  assert.deepEqual(ids(readFileSync(log, 'utf8')), ids(daemon.lines.map(({ text }) => text).join('\n')));
  await assertAccounted(prefix, 'count');
});

test('the disk of the spool is read-only: a run that cannot be noted is not started, and the next one is when it can', async (t) => {
  const d = disks(t, TASKS);
  if (d === null) return;
  const { prefix } = d;
  assert.equal((await prefix.run('fates')).status, 0);
  const spool = d.mount(join(prefix.stateFolder(), 'spool'), '1m');
  const daemon = d.daemon();
  await good(daemon);
  await remount(spool, 'ro');
  const failed = await daemon.until({ event: 'ended', task: 'count', status: 'Failed' });
  assert.match(failed.fields.msg ?? '', /its start could not be noted in .*: the file system is read-only/);
  await remount(spool, 'rw');
  await good(daemon);
  assert.equal((await daemon.stop()).status, 0);
  await assertAccounted(prefix, 'count');
});
