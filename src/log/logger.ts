/**
 * Fate's own log (SPEC 10), over winston, which picks the targets of each record by level. Promises everybody that to
 * log never throws, never blocks and never ends the process, whatever becomes of disk, terminal, journal or reader.
 */
import winston from 'winston';
import Transport from 'winston-transport';
import { LEVELS, type Level, type Logger, type LogTarget, type Ms } from '../types.ts';
import { type Channel, type ChannelOptions, openChannel } from './channel.ts';
import { type LogRecord, makeRecord } from './record.ts';

export interface LoggerOptions extends Omit<ChannelOptions, 'tell' | 'recordOf'> {
  readonly targets: readonly LogTarget[];
  /** Overrides the level of every target. */
  readonly level: Level | null;
  /** Names this run of the scheduler in every record. */
  readonly session: string;
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
  const channels: { readonly kind: LogTarget['kind']; readonly channel: Channel }[] = [];
  const levelOf = (target: LogTarget): Level => options.level ?? target.level;
  let spare: Channel | null = null;

  const recordOf = (level: Level, msg: string): LogRecord =>
    makeRecord({ level, time: clock.now(), event: 'log', session }, { msg });

  /** Says something about the log itself, on stderr. */
  const tell = (level: Level, msg: string): void => {
    const there = channels.filter(({ kind }) => kind === 'stderr');
    for (const { channel } of there) channel.push(recordOf(level, msg));
    if (there.length > 0) return;
    spare ??= openChannel(STDERR, parts);
    spare.push(recordOf(level, msg));
  };
  const parts: ChannelOptions = { ...options, tell, recordOf };

  const transportFor = (target: LogTarget): Transport => {
    const channel = openChannel(target, parts);
    channels.push({ kind: target.kind, channel });
    return new Transport({
      level: levelOf(target),
      log(info: Info, next: () => void) {
        if (info.record !== undefined) channel.push(info.record);
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
    async close(limit = CLOSE_LIMIT) {
      if (closed) return;
      closed = true;
      logger.close();
      // stderr last: what the others have to say at their end goes there.
      const first = channels.filter(({ kind }) => kind !== 'stderr');
      const last = channels.filter(({ kind }) => kind === 'stderr');
      await Promise.all(first.map(({ channel }) => channel.close(limit)));
      await Promise.all([...last.map(({ channel }) => channel.close(limit)), spare?.close(limit)]);
    },
  };
}

const STDERR: LogTarget = {
  kind: 'stderr',
  level: 'info',
  format: 'text',
  file: null,
  rotation: null,
  retention: null,
  compression: null,
};
