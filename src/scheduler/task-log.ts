/** What a run writes to fd 2 becomes log records as it comes (SPEC 10); remembers its beginning for the run's own record. */
import { createRecordReader, type TaskLogRecord } from '../output/record.ts';
import type { Clock, Level, LogEvent, LogFields, Ms, Run } from '../types.ts';
import { HEAD_BYTES } from './head.ts';

/** How long bytes are held back in which neither NUL nor lines are seen to rule (SPEC 10). */
const HOLD: Ms = 200;

export interface TaskLog {
  push(chunk: Buffer): void;
  end(): void;
  /** The first bytes of fd 2 as text. */
  head(): string;
}

export function logTaskRecords(
  run: Run,
  parts: { readonly clock: Clock; log(level: Level, event: LogEvent, fields: LogFields): void },
): TaskLog {
  const { formatLog: format, separator } = run.task;
  const reader = createRecordReader({ format, separator });
  let cancelHold: (() => void) | null = null;
  let head = Buffer.alloc(0);
  const emit = (records: readonly TaskLogRecord[]): void => {
    for (const record of records) parts.log(record.level, 'log', fieldsOf(record, run));
  };
  const release = (): void => {
    cancelHold?.();
    cancelHold = null;
  };
  return {
    push(chunk) {
      if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk.subarray(0, HEAD_BYTES - head.length)]);
      emit(reader.push(chunk));
      if (!reader.undecided) release();
      else
        cancelHold ??= parts.clock.after(HOLD, () => {
          cancelHold = null;
          emit(reader.settle());
        });
    },
    end() {
      release();
      emit(reader.end());
    },
    head: () => head.toString('utf8'),
  };
}

function fieldsOf(record: TaskLogRecord, run: Run): LogFields {
  return {
    // A structured record without `msg` says all it has to say in its fields.
    msg: record.msg ?? (Object.keys(record.fields).length === 0 ? record.text : undefined),
    task: run.task.name,
    run: run.id,
    own: record.fields,
    size: record.size,
    encoding: record.encoding,
    warning: record.warning,
  };
}
