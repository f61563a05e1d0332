/**
 * What the journal costs: a burst of records until all are sent, and how long the loop stands still for it; beside it the
 * same burst as lines in a file. Where no journal is there, sd_journal_sendv(3) drops them at once: the cost is Fate's own.
 */
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { createLogger } from '../src/log/logger.ts';
import { systemClock } from '../src/platform/clock.ts';
import { openJournal } from '../src/platform/journal.ts';
import type { JournalSender, LogTarget } from '../src/types.ts';
import { median, seconds, tell } from './measure.ts';

const RECORDS = 10_000;
/** So many come in one turn of the loop, as from one chunk of a task's output. */
const AT_ONCE = 200;
const SOCKET = '/run/systemd/journal/socket';

const folder = mkdtempSync(join(tmpdir(), 'fate-journal-'));
const file = join(folder, 'stderr');
const stderr = openSync(file, 'w');
const { dev, ino } = fstatSync(stderr);
const target: LogTarget = {
  ...{ kind: 'stderr', file: null, level: 'info', format: 'text' },
  ...{ rotation: null, retention: null, compression: null },
};

/** Seconds until the last record was taken, and milliseconds that the loop stood still at the longest. */
async function burst(journal: JournalSender | null): Promise<{ wall: number; block: number }> {
  let taken = 0;
  let last: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    last = resolve;
  });
  const counted: JournalSender | null = journal && {
    async send(fields) {
      await journal.send(fields);
      taken += 1;
      if (taken === RECORDS) last();
    },
  };
  const env = counted === null ? {} : { JOURNAL_STREAM: `${dev}:${ino}` };
  const logger = await createLogger({
    ...{ program: 'fated', journal: counted, targets: [target], level: null, session: 'bench' },
    ...{ clock: systemClock, env, stderr },
  });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  for (let n = 0; n < RECORDS; n += 1) {
    const own = { n, host: 'db1', pad: 'x'.repeat(100) };
    logger.log('info', 'log', { msg: `record ${n}`, task: 'bench', run: 'R', own });
    if (n % AT_ONCE === 0) await new Promise(setImmediate);
  }
  if (counted !== null) await all;
  await logger.close();
  const wall = (performance.now() - start) / 1000;
  delay.disable();
  return { wall, block: delay.max / 1e6 };
}

async function best(journal: JournalSender | null): Promise<{ wall: number; block: number }> {
  const found: { wall: number; block: number }[] = [];
  // The first warms up the code.
  for (let i = 0; i < 4; i += 1) found.push(await burst(journal));
  const [, ...counted] = found;
  return { wall: median(counted.map(({ wall }) => wall)), block: median(counted.map(({ block }) => block)) };
}

try {
  const there = existsSync(SOCKET);
  const journal = openJournal('/');
  if (journal === null) {
    tell(`${RECORDS} records to the journal`, 'libsystemd is not there');
  } else {
    const entries = await best(journal);
    const how = there ? 'to the journal' : 'as entries, without a journal to take them';
    tell(`${RECORDS} records ${how}`, seconds(entries.wall));
    tell('longest time the loop was blocked by them', `${entries.block.toFixed(0)} ms`);
  }
  const lines = await best(null);
  tell(`${RECORDS} records as lines in a file`, seconds(lines.wall));
  tell('longest time the loop was blocked by them', `${lines.block.toFixed(0)} ms`);
} finally {
  closeSync(stderr);
  rmSync(folder, { recursive: true, force: true });
}
