import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type TestContext, test } from 'node:test';
import { isJournal } from '../../../src/log/journal-sink.ts';
import { createLogger } from '../../../src/log/logger.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import type { JournalSender, Logger, LogTarget } from '../../../src/types.ts';
import { fileTarget, Hand, scratch, until } from './bench.ts';

const STDERR: LogTarget = { ...fileTarget(''), kind: 'stderr', file: null };

/** A file that is the journal's stream, as JOURNAL_STREAM says. */
function stream(t: TestContext): { fd: number; text: () => string; env: { JOURNAL_STREAM: string } } {
  const path = join(scratch(t), 'stream');
  const fd = openSync(path, 'a');
  t.after(() => closeSync(fd));
  const { dev, ino } = fstatSync(fd);
  return { fd, text: () => readFileSync(path, 'utf8'), env: { JOURNAL_STREAM: `${dev}:${ino}` } };
}

interface Journal extends JournalSender {
  readonly messages: string[];
  /** How often it was asked to take one. */
  asked: number;
  /** Entries are taken while it is open. */
  open(): void;
  /** How the next ones are refused. */
  failure: Error | null;
}

/** A journal that keeps what it is sent. */
function journal(isOpen = true): Journal {
  let opened: () => void = () => {};
  const gate = isOpen ? Promise.resolve() : new Promise<void>((resolve) => (opened = resolve));
  return {
    messages: [],
    asked: 0,
    failure: null,
    open: () => opened(),
    async send(fields) {
      this.asked += 1;
      await gate;
      await new Promise(setImmediate);
      if (this.failure !== null) throw this.failure;
      this.messages.push(fields[0]?.toString().replace('MESSAGE=', '') ?? '');
    },
  };
}

function open(t: TestContext, sender: JournalSender | null, clock = new Hand(), target = STDERR): Promise<Logger> {
  const { fd, env } = stream(t);
  return createLogger({
    ...{ program: 'fated', journal: sender, targets: [target], level: null, session: 'S', clock, env, stderr: fd },
  });
}

const say = (logger: Logger, count: number): void => {
  for (let n = 0; n < count; n += 1) logger.log('info', 'log', { msg: `${n}`, own: { pad: 'x'.repeat(100) } });
};
const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n}`);
const systemError = (code: string): Error => Object.assign(new Error(code), { code });

test('stderr is the journal where JOURNAL_STREAM names its own device and inode', (t) => {
  const { fd, env } = stream(t);
  assert.equal(isJournal(fd, env.JOURNAL_STREAM), true);
  assert.equal(isJournal(stream(t).fd, env.JOURNAL_STREAM), false);
  for (const wrong of [undefined, '', '0:0', `${env.JOURNAL_STREAM}0`, `1${env.JOURNAL_STREAM}`, 'x']) {
    assert.equal(isJournal(fd, wrong), false);
  }
  assert.equal(isJournal(-1, env.JOURNAL_STREAM), false);
});

test('a burst of ten thousand records comes to a slow journal in order, none is lost, and the loop goes on', async (t) => {
  const sender = journal();
  const logger = await open(t, sender, new Hand());
  const delays = monitorEventLoopDelay({ resolution: 1 });
  for (let n = 0; n < 10_000; n += 1) {
    logger.log('info', 'log', { msg: `${n}`, own: { pad: 'x'.repeat(100) } });
    if (n === 100) delays.enable();
    if (n % 50 === 0) await new Promise(setImmediate);
  }
  await until(() => sender.messages.length === 10_000);
  await logger.close();
  assert.deepEqual(sender.messages, numbers(10_000));
  assert.ok(delays.max / 1e6 < 500, `the loop stood still for ${delays.max / 1e6} ms`);
});

test('what waits is sent before a close, and a journal that takes nothing does not hold it up', async (t) => {
  const quick = journal();
  const first = await open(t, quick);
  say(first, 500);
  await first.close();
  assert.deepEqual(quick.messages, numbers(500));
  const stuck = journal(false);
  const second = await open(t, stuck, new Hand());
  say(second, 500);
  const start = performance.now();
  await second.close();
  assert.ok(performance.now() - start < 5000);
  // The one that was on its way may come; the others do not once the log is closed.
  stuck.open();
  await until(() => stuck.messages.length === 1);
  for (let n = 0; n < 5; n += 1) await new Promise(setImmediate);
  assert.deepEqual([stuck.messages, stuck.asked], [['0'], 1]);
});

test('while the journal refuses records they are kept, and it is told that it works again', async (t) => {
  const [sender, clock] = [journal(), new Hand()];
  const logger = await open(t, sender, clock);
  sender.failure = systemError('ECONNREFUSED');
  say(logger, 20);
  await until(() => sender.asked === 1);
  // The retry is armed once the refusal is there.
  for (let n = 0; n < 5; n += 1) await new Promise(setImmediate);
  assert.deepEqual(sender.messages, []);
  sender.failure = null;
  clock.pass(1000);
  await until(() => sender.messages.length === 21);
  await logger.close();
  assert.deepEqual(sender.messages, [...numbers(20), 'the journal can be written again']);
});

test('what does not fit in memory while the journal is behind is counted', async (t) => {
  const sender = journal(false);
  const logger = await open(t, sender);
  for (let n = 0; n < 30; n += 1) logger.log('info', 'log', { msg: 'y'.repeat(1024 * 1024) });
  sender.open();
  await until(() => sender.messages.at(-1)?.includes('records lost') === true);
  const lost = Number(
    /^the journal was not read fast enough; records lost: (\d+)$/.exec(sender.messages.at(-1) ?? '')?.[1],
  );
  assert.ok(lost > 0);
  assert.equal(sender.messages.length - 1 + lost, 30);
  await logger.close();
});

test('a record that the journal will never take does not keep those behind it', async (t) => {
  const sender = journal();
  const logger = await open(t, sender);
  sender.failure = systemError('EINVAL');
  say(logger, 1);
  await until(() => sender.asked === 1);
  for (let n = 0; n < 5; n += 1) await new Promise(setImmediate);
  sender.failure = null;
  logger.log('info', 'log', { msg: 'next' });
  await until(() => sender.messages.length > 0);
  await logger.close();
  assert.deepEqual(sender.messages, ['next']);
});

test('without the library, lines with the priority in front go to the stream that the journal reads', async (t) => {
  for (const [format, line] of [
    ['text', /^<4>time="[^"]+" level="warning" event="log" session="S" task="ping" msg="a\\nb"\n$/],
    ['json', /^<4>\{"time":"[^"]+","level":"warning","event":"log","session":"S","task":"ping","msg":"a\\nb"\}\n$/],
  ] as const) {
    const { fd, env, text } = stream(t);
    const parts = { program: 'fated', journal: null, level: null, session: 'S', clock: systemClock, stderr: fd };
    const logger = await createLogger({ ...parts, targets: [{ ...STDERR, format }], env: { ...env, TERM: 'xterm' } });
    logger.log('warning', 'log', { msg: 'a\nb', task: 'ping' });
    await logger.close();
    assert.match(text(), line);
  }
});

test('what is wrong with another target is told to the journal', async (t) => {
  const sender = journal();
  const logger = await open(t, sender, new Hand(), fileTarget('/proc/nowhere/fate.log'));
  say(logger, 1);
  await until(() => sender.messages.length > 0);
  await logger.close();
  assert.match(sender.messages[0] ?? '', /^the log \/proc\/nowhere\/fate\.log cannot be written: /);
});
