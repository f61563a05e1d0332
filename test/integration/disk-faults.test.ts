/**
 * A disk that refuses one write after the other, made to by FATE_FAULT while the real daemon runs (SPEC 11, "The disk full"):
 * it goes on, says what was not kept, and is whole again without a restart.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { FaultPoint } from '../../src/faults.ts';
import { openReader } from '../../src/state/reader.ts';
import type { Entry } from '../../src/types.ts';
import { COMPILED, type Daemon, type LogLine, makePrefix, type Prefix } from '../helpers/prefix.ts';

/** What each is called in the log: in words where it is about the output, as the system says it elsewhere. */
const WORDS = {
  ENOSPC: /no space|ENOSPC/i,
  EDQUOT: /quota|EDQUOT/i,
  EROFS: /read-only|EROFS/i,
  EIO: /failed to read or write|i\/o error|EIO/i,
} as const;
type Code = keyof typeof WORDS;

// `count` has a state, `plain` nothing that goes to the disk but its run's own bookkeeping.
const TASKS = `
[count]
schedule = "@every 1s"
shell = '''n=$(cat <&3); n=$(( \${n:-0} + 1 )); echo $n >&4; echo "[$n]"'''

[plain]
schedule = "@every 1s"
shell = "echo told >&2"
`;

interface Faulty {
  readonly prefix: Prefix;
  readonly daemon: Daemon;
  readonly log: string;
  /** From now on these points fail; none: the disk is well. */
  fail(...points: readonly FaultPoint[]): void;
  /** The first line, from the last `fail` on, that has this event and text (and task). */
  told(fields: Readonly<Record<string, string>>, where?: (line: LogLine) => boolean): Promise<LogLine>;
  /** A run that was due after the last `fail` ended well. */
  good(task: string): Promise<LogLine>;
}

async function faulty(t: TestContext, code: Code): Promise<Faulty> {
  const prefix = makePrefix(t, { 'tasks.toml': TASKS }, COMPILED);
  const [file, log] = [join(prefix.root, 'faults'), join(prefix.paths.data, 'fate.log')];
  prefix.write('defaults.toml', `path.log = ["/dev/stderr", ${JSON.stringify(log)}]\n`);
  writeFileSync(file, '');
  prefix.env.FATE_FAULT = `@${file}`;
  const daemon = prefix.daemon();
  let since = { line: 0, at: 0 };
  const told: Faulty['told'] = async (fields, where = () => true) => {
    const matches = (line: LogLine): boolean =>
      Object.entries(fields).every(([key, value]) => line.fields[key] === value);
    for (let nth = daemon.lines.slice(0, since.line).filter(matches).length + 1; ; nth += 1) {
      const line = await daemon.until(fields, nth);
      if (where(line)) return line;
    }
  };
  await daemon.until({ event: 'ended', task: 'count', status: 'OK' });
  return {
    prefix,
    daemon,
    log,
    fail(...points) {
      since = { line: daemon.lines.length, at: Date.now() };
      // Never read half written.
      writeFileSync(`${file}.new`, points.map((point) => `${code}@${point}`).join(','));
      renameSync(`${file}.new`, file);
    },
    told,
    good: (task) => {
      const { at } = since;
      return told({ event: 'ended', task, status: 'OK' }, ({ fields }) => Date.parse(fields.due ?? '') > at);
    },
  };
}

const said = (line: LogLine): string => line.fields.msg ?? '';

/** Every second from the first due time of a task to its last is in exactly one entry. */
function assertAccounted(entries: readonly Entry[], task: string): void {
  const mine = entries.filter((entry) => entry.task === task).sort((a, b) => a.first - b.first);
  assert.ok(mine.length > 5, `${mine.length} entries of ${task}`);
  for (const [index, entry] of mine.slice(1).entries()) {
    const before = mine[index];
    assert.equal(entry.first, (before?.due ?? 0) + 1000, `${task}: ${JSON.stringify([before, entry])}`);
  }
  assert.equal(new Set(mine.map(({ id }) => id)).size, mine.length);
}

async function ledgerOf(prefix: Prefix): Promise<Entry[]> {
  const reader = openReader(prefix.stateFolder());
  assert.ok(reader);
  try {
    return [...reader.openEntries(), ...reader.closed()];
  } finally {
    await reader.close();
  }
}

describe('the daemon on a disk that refuses its writes', { concurrency: true }, () => {
  for (const code of Object.keys(WORDS) as Code[]) {
    test(`${code}: each write that fails is told, nothing ends, and all goes on when it does not`, async (t) => {
      const f = await faulty(t, code);
      const { prefix, daemon, fail, told, good } = f;
      const why = WORDS[code];
      const tells =
        (text: RegExp) =>
        (line: LogLine): boolean =>
          text.test(said(line)) && why.test(said(line));

      // A run whose start cannot be noted is not started: else a crash would start it twice.
      for (const point of ['run.folder', 'run.starting'] as const) {
        fail(point);
        const failed = await told({ event: 'ended', status: 'Failed' }, tells(/its start could not be noted/));
        assert.equal(failed.fields.level, 'error');
        fail();
        await good('count');
      }
      fail('run.stdout-open');
      await told({ event: 'ended', status: 'Failed' }, tells(/pipes of the run cannot be made/));
      fail();
      await good('count');

      // What a task does counts, whatever becomes of what it wrote.
      fail('run.stdout-write');
      await told({ event: 'result', task: 'count', level: 'error' }, tells(/the output is not whole/));
      await told({ event: 'ended', task: 'count', status: 'OK' });
      fail();
      assert.ok((await good('count')).fields.result);

      fail('run.outcome');
      await told({ event: 'result', task: 'count', level: 'warning' }, tells(/a crash now would lose the run/));
      fail();
      await good('count');

      // Whoever follows the log on stderr is told of the file.
      fail('log.write');
      await told({ event: 'log', level: 'error' }, tells(/the log .* cannot be written/));
      for (const point of ['result.prepare', 'result.link'] as const) {
        fail('log.write', point);
        await told({ event: 'result', task: 'count', level: 'error' }, tells(/could not be written/));
        const kept = await told({ event: 'result', task: 'count' }, (line) =>
          /output is kept for 7 days in/.test(said(line)),
        );
        assert.match(readFileSync(said(kept).replace(/.* in /, ''), 'utf8'), /^\[\d+\]\n$/);
        await good('plain');
      }
      fail();
      assert.ok((await good('count')).fields.result);
      const writable = told({ event: 'log' }, (line) => /can be written again/.test(said(line)));

      fail('ledger.write');
      await told({ event: 'state', level: 'error' }, tells(/could not be written.*kept in memory and tried again/));
      const unwritten = [await good('count'), await good('plain')];
      fail('ledger.write', 'run.outcome');
      unwritten.push(await good('count'));
      fail();
      await told({ event: 'state', level: 'info' }, (line) => said(line) === 'the state is stored again');
      await good('count');
      await writable;

      // The disk refuses all there is.
      const all = ['ledger.write', 'run.folder', 'run.starting', 'run.outcome', 'result.prepare', 'log.write'] as const;
      fail(...all);
      await told({ event: 'ended', status: 'Failed' }, tells(/its start could not be noted/));
      fail();
      await good('count');
      await told({ event: 'state' }, (line) => said(line) === 'the state is stored again');

      assert.equal((await daemon.stop()).status, 0);
      const complaints = daemon.lines.filter((line) => /kept in memory and tried again/.test(said(line)));
      assert.equal(complaints.length, 2, 'said once each time');
      const entries = await ledgerOf(prefix);
      for (const task of ['count', 'plain']) assertAccounted(entries, task);
      for (const { fields } of unwritten) {
        const entry = entries.find(({ id }) => id === fields.run);
        assert.deepEqual([entry?.phase, entry?.ending?.status], ['ended', 'OK']);
      }
      // No state was lost or given twice: each good run of the counter counted one.
      const counted = entries.filter(({ task, ending }) => task === 'count' && ending?.status === 'OK').length;
      const last = prefix.results().at(-1) ?? '';
      assert.equal(prefix.readResult(last), `[${counted}]\n`);
      const kept = entries.filter((entry) => entry.kept !== null).map(({ id }) => id);
      assert.deepEqual(readdirSync(join(prefix.stateFolder(), 'spool')).sort(), kept.sort());
      // The log file has in order all that stderr has, but what was said of the file itself.
      const ids = (text: string): string[] =>
        [...text.matchAll(/event="ended".*? run="(\w+)"/g)].map(([, id = '']) => id);
      const file = readFileSync(f.log, 'utf8');
      assert.deepEqual(ids(file), ids(daemon.lines.map(({ text }) => text).join('\n')));
    });
  }
});
