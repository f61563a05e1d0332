/** One target of the log, with all that is between it and the logger: how records look there, their queue, their sink. */
import { isatty } from 'node:tty';
import { messageOf } from '../errors.ts';
import type { Clock, JournalSender, Level, LogTarget, Ms } from '../types.ts';
import { FileSink } from './file-sink.ts';
import { journalEntry } from './journal-entry.ts';
import { isJournal, journalSink } from './journal-sink.ts';
import { Outlet, type Sink } from './outlet.ts';
import type { LogRecord } from './record.ts';
import { openStream } from './stream-sink.ts';
import {
  type Formatter,
  jsonFormatter,
  priorityFormatter,
  type TerminalEnv,
  terminalFormatter,
  textFormatter,
} from './text.ts';

export interface Channel {
  /** Never blocks or throws. */
  push(record: LogRecord): void;
  /** Writes what waits, for at most `limit`. Never rejects. */
  close(limit: Ms): Promise<void>;
}

export interface ChannelOptions {
  /** Names the program to the journal. */
  readonly program: string;
  /** The journal, for a stderr that goes to it; null where it cannot be reached but by stderr. */
  readonly journal: JournalSender | null;
  readonly clock: Clock;
  readonly env: TerminalEnv & { readonly JOURNAL_STREAM?: string | undefined };
  /** File descriptors; 1 and 2 unless given. */
  readonly stdout?: number;
  readonly stderr?: number;
  /** Says something about the log itself. */
  tell(level: Level, msg: string): void;
  recordOf(level: Level, msg: string): LogRecord;
}

export function openChannel(target: LogTarget, options: ChannelOptions): Channel {
  const { file, kind } = target;
  if (file !== null) {
    const sink = new FileSink({ ...target, file }, options.clock, (message) => options.tell('warning', message));
    return linesTo(sink, `the log ${file}`, lookOf(target, options), false, options);
  }
  const fd = descriptorOf(kind, options);
  const toJournal = kind === 'stderr' && isJournal(fd, options.env.JOURNAL_STREAM);
  const { journal, program } = options;
  if (toJournal && journal !== null) {
    const sizeOf = (entry: readonly string[]): number => entry.reduce((size, field) => size + field.length, 0);
    return queue(journalSink(journal), 'the journal', (record) => journalEntry(record, program), sizeOf, true, options);
  }
  const look = toJournal ? priorityFormatter(unnumbered(target)) : lookOf(target, options);
  return linesTo(openStream(fd), `the log /dev/${kind}`, look, kind === 'stderr', options);
}

/** As a target looks to a program, without a number in front. */
function unnumbered({ format }: LogTarget): Formatter {
  return format === 'json' ? jsonFormatter() : textFormatter({ numbered: false });
}

function lookOf(target: LogTarget, options: ChannelOptions): Formatter {
  if (target.format === 'json' || target.kind === 'file') return unnumbered(target);
  if (isatty(descriptorOf(target.kind, options))) return terminalFormatter(options.env);
  return textFormatter({ numbered: target.kind === 'stderr' });
}

function descriptorOf(kind: LogTarget['kind'], { stdout = 1, stderr = 2 }: ChannelOptions): number {
  return kind === 'stdout' ? stdout : stderr;
}

function linesTo(sink: Sink, name: string, format: Formatter, last: boolean, options: ChannelOptions): Channel {
  return queue(sink, name, format, (line) => line.length, last, options);
}

/** @param last whether there is nobody to tell of what is wrong with it */
function queue<T>(
  sink: Sink<T>,
  name: string,
  shape: (record: LogRecord) => T,
  sizeOf: (shaped: T) => number,
  last: boolean,
  { clock, tell, recordOf }: ChannelOptions,
): Channel {
  const outlet = new Outlet<T>({
    sink,
    sizeOf,
    clock,
    onFailure: (error) => {
      if (!last) tell('error', `${name} cannot be written: ${messageOf(error)}`);
    },
    onRecovery: (lost, failed) => {
      const why = failed ? `${name} can be written again` : `${name} was not read fast enough`;
      const msg = lost === 0 ? why : `${why}; records lost: ${lost}`;
      if (failed && !last) tell('warning', msg);
      return shape(recordOf('warning', msg));
    },
  });
  return { push: (record) => outlet.push(shape(record)), close: (limit) => outlet.close(limit) };
}
