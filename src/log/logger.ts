/**
 * Fate's own log (SPEC 10), over winston, which picks the targets of each record by level. Promises everybody that to
 * log never throws, never blocks and never ends the process, whatever becomes of disk, terminal or reader.
 */
import { isatty } from 'node:tty';
import winston from 'winston';
import Transport from 'winston-transport';
import { messageOf } from '../errors.ts';
import { type Clock, LEVELS, type Level, type Logger, type LogTarget, type Ms } from '../types.ts';
import { FileSink } from './file-sink.ts';
import { Outlet } from './outlet.ts';
import { type LogRecord, makeRecord } from './record.ts';
import { openStream } from './stream-sink.ts';
import { type Formatter, jsonFormatter, type TerminalEnv, terminalFormatter, textFormatter } from './text.ts';

export interface LoggerOptions {
  readonly targets: readonly LogTarget[];
  /** Overrides the level of every target. */
  readonly level: Level | null;
  /** Names this run of the scheduler in every record. */
  readonly session: string;
  readonly clock: Clock;
  readonly env: TerminalEnv;
  /** File descriptors; 1 and 2 unless given. */
  readonly stdout?: number;
  readonly stderr?: number;
}

/** How long a close waits for those that take nothing. */
const CLOSE_LIMIT: Ms = 1000;

/** As winston wants them: the smaller, the more important. */
const RANKS = Object.fromEntries(LEVELS.toReversed().map((level, rank) => [level, rank]));

const rankOf = (level: Level): number => LEVELS.indexOf(level);

/** What winston carries from `log` to the transports. */
interface Info {
  level: string;
  message: string;
  record?: LogRecord;
}

/** Opens every target. A target that cannot be written is told on stderr, once, and tried again; it is no error here. */
export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const { targets, session, clock } = options;
  const outlets: { target: LogTarget; outlet: Outlet; format: Formatter }[] = [];
  const levelOf = (target: LogTarget): Level => options.level ?? target.level;
  let spare: Outlet | null = null;

  const recordOf = (level: Level, msg: string): LogRecord =>
    makeRecord({ level, time: clock.now(), event: 'log', session }, { msg });

  /** Says something about the log itself, on stderr. */
  const tell = (level: Level, msg: string): void => {
    const there = outlets.filter(({ target }) => target.kind === 'stderr');
    for (const { outlet, format } of there) outlet.push(format(recordOf(level, msg)));
    if (there.length > 0) return;
    const target: LogTarget = { ...NO_FILE, kind: 'stderr', level: 'info', format: 'text' };
    spare ??= outletFor(target, formatterFor(target, options));
    spare.push(formatterFor(target, options)(recordOf(level, msg)));
  };

  const outletFor = (target: LogTarget, format: Formatter): Outlet => {
    const { file, kind } = target;
    const name = file ?? `/dev/${kind}`;
    const sink =
      file === null
        ? openStream(descriptorOf(kind, options))
        : new FileSink({ ...target, file }, clock, (message) => tell('warning', message));
    return new Outlet({
      sink,
      clock,
      onFailure: (error) => {
        // Of stderr itself there is nobody to tell.
        if (kind !== 'stderr') tell('error', `the log ${name} cannot be written: ${messageOf(error)}`);
      },
      onRecovery: (lost, failed) => {
        const why = failed ? `the log ${name} can be written again` : `the log ${name} was not read fast enough`;
        const msg = lost === 0 ? why : `${why}; records lost: ${lost}`;
        if (failed && kind !== 'stderr') tell('warning', msg);
        return format(recordOf('warning', msg));
      },
    });
  };

  const transportFor = (target: LogTarget): Transport => {
    const format = formatterFor(target, options);
    const outlet = outletFor(target, format);
    outlets.push({ target, outlet, format });
    return new Transport({
      level: levelOf(target),
      log(info: Info, next: () => void) {
        if (info.record !== undefined) outlet.push(format(info.record));
        next();
      },
    });
  };

  const lowest = Math.min(...targets.map((target) => rankOf(levelOf(target))));
  const logger = winston.createLogger({
    levels: RANKS,
    level: 'debug',
    format: winston.format((info) => info)(),
    transports: targets.map(transportFor),
  });
  let closed = false;

  return {
    enabled: (level) => !closed && rankOf(level) >= lowest,
    log(level, event, fields) {
      if (closed || rankOf(level) < lowest) return;
      const record = makeRecord({ level, time: clock.now(), event, session }, fields);
      const info: Info = { level, message: fields.msg ?? '', record };
      logger.log(info);
    },
    async close() {
      if (closed) return;
      closed = true;
      logger.close();
      // stderr last: what the others have to say at their end goes there.
      const first = outlets.filter(({ target }) => target.kind !== 'stderr');
      const last = outlets.filter(({ target }) => target.kind === 'stderr');
      await Promise.all(first.map(({ outlet }) => outlet.close(CLOSE_LIMIT)));
      await Promise.all([...last.map(({ outlet }) => outlet.close(CLOSE_LIMIT)), spare?.close(CLOSE_LIMIT)]);
    },
  };
}

const NO_FILE = { file: null, rotation: null, retention: null, compression: null } as const;

function descriptorOf(kind: LogTarget['kind'], { stdout = 1, stderr = 2 }: LoggerOptions): number {
  return kind === 'stdout' ? stdout : stderr;
}

function formatterFor(target: LogTarget, options: LoggerOptions): Formatter {
  if (target.format === 'json') return jsonFormatter();
  if (target.kind === 'file') return textFormatter({ numbered: false });
  if (isatty(descriptorOf(target.kind, options))) return terminalFormatter(options.env);
  return textFormatter({ numbered: target.kind === 'stderr' });
}
