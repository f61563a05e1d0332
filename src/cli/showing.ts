/** What `fate show` does: one run in full, or what is kept of what it wrote. */
import { FateError } from '../errors.ts';
import { formatDuration } from '../schedule/duration.ts';
import { formatSize } from '../schedule/size.ts';
import { describeWaited } from '../scheduler/waited.ts';
import type { LedgerReader } from '../state/looking.ts';
import type { Ending, Entry, EpochMs, Excerpt, Output } from '../types.ts';
import type { ShowArguments } from './commands/show.ts';
import { entryJson } from './entry-json.ts';
import { printJson } from './json.ts';
import { type Wall, wallOf } from './moments.ts';
import { withRecorded } from './recorded.ts';
import { beforeLast, durationOf, endText, lastOf, latenessOf, plain, standingOf, waitOf } from './words.ts';

export async function show(args: ShowArguments): Promise<number> {
  const now = Date.now();
  return withRecorded(args, ({ ledger, folder, configuration, zones }) => {
    if (ledger === null) {
      throw new FateError('RUN_UNKNOWN', `no run of the id ${args.run}: nothing is recorded yet in ${folder}`);
    }
    const entry = findRun(ledger, args.run);
    const wall = wallOf(entry.task, configuration, zones);
    const output = args.output ? ledger.output(entry.id) : null;
    if (args.json) {
      const written = args.output ? { output: output === null ? null : outputJson(output) } : {};
      const json = { ...entryJson(entry, wall.timezone, now), ...written };
      printJson(json);
    } else if (args.output) printOutput(entry, output);
    else process.stdout.write(`${aligned(linesOf(entry, wall, now))}\n`);
    return 0;
  });
}

const SHORTEST = 4;
const LISTED = 5;

/** @throws FateError USAGE unless it is the id of a run, or begins that of one only */
export function findRun(ledger: Pick<LedgerReader, 'entry' | 'idsFrom'>, written: string): Entry {
  const id = written.trim().toLowerCase();
  const exact = ledger.entry(id);
  if (exact !== null) return exact;
  if (id.length < SHORTEST) {
    throw new FateError(
      'USAGE',
      `expected the id of a run, or at least ${SHORTEST} of its characters, found ${written}`,
    );
  }
  const ids = ledger.idsFrom(id, LISTED + 1);
  if (ids.length > 1) {
    const more = ids.length > LISTED ? ', …' : '';
    throw new FateError(
      'RUN_UNKNOWN',
      `several runs have an id that begins with ${id}: ${ids.slice(0, LISTED).join(', ')}${more}`,
    );
  }
  const entry = ids[0] === undefined ? null : ledger.entry(ids[0]);
  if (entry === null) throw new FateError('RUN_UNKNOWN', `no run of the id ${written} is recorded`);
  return entry;
}

type Line = readonly [key: string, value: string];

/** Keys and values for people; what there is nothing of is left out. */
export function linesOf(entry: Entry, wall: Wall, now: EpochMs): Line[] {
  const { skipped, results, resultCount, count } = entry;
  const last = lastOf(entry);
  const late = latenessOf(entry);
  const duration = durationOf(entry, now);
  const started = last?.startedAt ?? entry.startedAt;
  const wait = waitOf(entry, now);
  const lines: (readonly [string, string | null])[] = [
    ['run', entry.id],
    ['task', entry.task],
    ['status', standingOf(entry)],
    ['exit', last === null || endText(last) === '' ? null : endText(last)],
    ['reason', last?.reason ?? null],
    ['not run', skipped === null ? null : `${skipped.reason}: ${skipped.detail}`],
    ['given up', skipped === null ? null : wall.long(skipped.at)],
    [entry.byHand ? 'asked for' : 'due', wall.long(entry.due)],
    ['stands for', count > 1 ? `${count} due times from ${wall.long(entry.first)} on` : null],
    ['missed', entry.absent === null ? null : ABSENT[entry.absent]],
    ['arrived', entry.queuedAt === null ? null : wall.long(entry.queuedAt)],
    [
      'waited',
      entry.waited === null
        ? null
        : `for ${describeWaited(entry.waited)}${wait === null ? '' : `, ${formatDuration(wait)}`}`,
    ],
    ['attempt', entry.attempt > 1 ? String(entry.attempt) : null],
    ['started', started === null ? null : wall.long(started)],
    ['late', late === null ? null : formatDuration(late)],
    ['ended', last === null ? null : wall.long(last.endedAt)],
    ['duration', duration === null ? null : formatDuration(Math.round(duration))],
    ['memory', last === null || last.memory === null ? null : `${formatSize(last.memory)} at most`],
    ['cpu', last === null || last.cpu === null ? null : formatDuration(last.cpu)],
    ['process', entry.pid === null ? null : String(entry.pid)],
    ['next attempt', entry.retryAt === null ? null : wall.long(entry.retryAt)],
    ...beforeLast(entry).map((attempt) => [`attempt ${attempt.attempt}`, attemptText(attempt, wall)] as const),
    ['output', last === null ? null : bytes(entry.stdoutBytes)],
    ...results.map(({ path, size }) => ['result', `${path} (${bytes(size)})`] as const),
    ['results', resultCount > results.length ? `${resultCount}, of which the first ${results.length} are named` : null],
    ['left running', entry.left > 0 ? `${entry.left} ${entry.left === 1 ? 'process' : 'processes'}` : null],
    ['kept in', entry.kept],
  ];
  return lines.flatMap(([key, value]) => (value === null ? [] : [[key, plain(value)] as const]));
}

const ABSENT = {
  off: 'no scheduler was running',
  clock: 'the clock jumped over it, or the machine slept',
  invalid: 'the task was invalid then',
} as const;

function attemptText(attempt: Ending, wall: Wall): string {
  const words = [attempt.status, endText(attempt), attempt.reason ?? ''].filter((text) => text !== '').join('; ');
  return `${wall.long(attempt.startedAt)}, ${formatDuration(Math.round(attempt.duration))}: ${words}`;
}

const bytes = (size: number): string => (size === 1 ? '1 byte' : `${size} bytes`);

function aligned(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(([key]) => key.length));
  return lines.map(([key, value]) => `${key.padEnd(width)}  ${value}`).join('\n');
}

/** Both streams as the run wrote them, each to ours of the same name; where both meet on a terminal, with headings. */
function printOutput(entry: Entry, output: Output | null): void {
  if (output === null) {
    process.stderr.write(`fate: ${whyNoOutput(entry)}\n`);
    return;
  }
  const together = process.stdout.isTTY && process.stderr.isTTY;
  for (const name of ['stdout', 'stderr'] as const) {
    const excerpt = output[name];
    if (together) process.stdout.write(`==> ${name}, ${bytes(excerpt.size)} <==\n`);
    for (const part of partsOf(excerpt)) process[name].write(part);
    if (together && excerpt.size > 0 && (excerpt.tail.at(-1) ?? excerpt.head.at(-1)) !== NEWLINE) {
      process.stdout.write('\n');
    }
  }
  if (!together && output.stdout.size + output.stderr.size === 0) process.stderr.write('fate: the run wrote nothing\n');
  if (entry.kept !== null) process.stderr.write(`fate: all of its standard output is in ${plain(entry.kept)}\n`);
}

const NEWLINE = 10;

/** Head and tail, with a line between them that says how much is missing where something is. */
export function partsOf({ head, tail, size }: Excerpt): (Buffer | string)[] {
  const missing = size - head.length - tail.length;
  if (missing <= 0) return [head, tail];
  return [head, `${head.at(-1) === NEWLINE || head.length === 0 ? '' : '\n'}… ${bytes(missing)} left out …\n`, tail];
}

/** Why nothing is kept of what a run wrote. */
export function whyNoOutput(entry: Entry): string {
  const { phase, ending, results, resultCount, kept } = entry;
  if (kept !== null) return `all of its standard output is in ${plain(kept)}`;
  if (phase === 'skipped' && ending === null)
    return 'it was not run, so there is no output; see fate show without --output';
  if (phase !== 'ended' && phase !== 'skipped')
    return `it has not ended (${standingOf(entry)}), and nothing of its output is kept yet`;
  if (ending?.status !== 'OK') return 'nothing is kept of what this run wrote';
  if (resultCount === 0) return 'the run was OK and recorded no result; output is kept of runs that were not OK';
  const more = resultCount > results.length ? ` and ${resultCount - results.length} more` : '';
  const where = results.map(({ path }) => plain(path)).join(', ');
  return `the run was OK: its output is its ${resultCount === 1 ? 'result' : 'results'}: ${where}${more}`;
}

function outputJson({ stdout, stderr }: Output): Record<string, unknown> {
  return { stdout: excerptJson(stdout), stderr: excerptJson(stderr) };
}

/** Bytes that are no UTF-8 become U+FFFD; `left_out` bytes were between head and tail. */
function excerptJson({ head, tail, size }: Excerpt): Record<string, unknown> {
  const missing = Math.max(0, size - head.length - tail.length);
  // Decoded as one where nothing is missing: a character may lie across the two.
  const texts =
    missing > 0
      ? { head: head.toString('utf8'), tail: tail.toString('utf8') }
      : { head: Buffer.concat([head, tail]).toString('utf8'), tail: '' };
  return { ...texts, size, left_out: missing };
}
