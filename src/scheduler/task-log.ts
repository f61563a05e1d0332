/** What a run writes to fd 2 becomes log records as it comes (SPEC 10); keeps its beginning and end for the run's own record. */
import type { ForJournal } from '../log/record.ts';
import { createRecordReader, type TaskLogRecord } from '../output/record.ts';
import type { Clock, Excerpt, Level, LogEvent, LogFields, Ms, Run } from '../types.ts';
import { collectExcerpt } from './excerpt.ts';

/** How long bytes are held back in which neither NUL nor lines are seen to rule (SPEC 10). */
const HOLD: Ms = 200;

export interface TaskLog {
  push(chunk: Buffer): void;
  end(): void;
  /** What came so far. */
  excerpt(): Excerpt;
}

export function logTaskRecords(
  run: Run,
  parts: { readonly clock: Clock; log(level: Level, event: LogEvent, fields: LogFields): void },
): TaskLog {
  const { formatLog: format, separator } = run.task;
  const reader = createRecordReader({ format, separator });
  let cancelHold: (() => void) | null = null;
  const collector = collectExcerpt();
  const emit = (records: readonly TaskLogRecord[]): void => {
    for (const record of records) parts.log(record.level, 'log', fieldsOf(record, run));
  };
  const release = (): void => {
    cancelHold?.();
    cancelHold = null;
  };
  return {
    push(chunk) {
      collector.push(chunk);
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
    excerpt: collector.excerpt,
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
    ...(record.msg === null ? { journal: { message: record.text } satisfies ForJournal } : {}),
  };
}
