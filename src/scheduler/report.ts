/** What the scheduler tells, as records of Fate's own log (SPEC 10). */
import type { ForJournal } from '../log/record.ts';
import { formatDuration } from '../schedule/duration.ts';
import type { LogFields, Logger, Ms, Run, Summary, TaskEvent } from '../types.ts';
import { endedSentence, skippedSentence, startedSentence, summarySentence } from './sentences.ts';

/** More results of one run than this are counted, not named. */
const NAMED_RESULTS = 20;

const iso = (at: number): string => new Date(at).toISOString();

/** The journal has sentences for people, and lengths as numbers. */
const journal = (message: string, lengths: Readonly<Record<string, Ms>> = {}): ForJournal => ({ message, lengths });

function occurrence({ attempt, collapsed, due }: Run): LogFields {
  return {
    due: iso(due),
    ...(attempt > 1 ? { attempt } : {}),
    // The due times before this one that it stands for as well.
    ...(collapsed > 0 ? { collapsed } : {}),
  };
}

function endFields(event: Extract<TaskEvent, { type: 'ended' }>): LogFields {
  const { run, exit, results, reason } = event;
  const paths = results.slice(0, NAMED_RESULTS).map((result) => result.path);
  return {
    msg: reason ?? undefined,
    task: run.task.name,
    run: run.id,
    status: event.status,
    exitcode: exit.code ?? undefined,
    signal: exit.signal ?? undefined,
    duration: formatDuration(Math.round(exit.duration)),
    ended_by: exit.endedBy,
    ...occurrence(run),
    retry_at: event.retryAt === null ? undefined : iso(event.retryAt),
    left: exit.left > 0 ? exit.left : undefined,
    result: paths.length === 1 ? paths[0] : paths.length > 1 ? paths : undefined,
    results: results.length > NAMED_RESULTS ? results.length : undefined,
    stdout: event.stdout || undefined,
    stderr: event.stderr || undefined,
    journal: journal(endedSentence(event), { duration: exit.duration }),
  };
}

export function reportEvent(log: Logger['log'], event: TaskEvent): void {
  switch (event.type) {
    case 'started': {
      const { id } = event.run;
      const task = event.run.task.name;
      const late = Math.max(0, event.at - event.run.due);
      log('info', 'started', {
        task,
        run: id,
        pid: event.pid,
        ...occurrence(event.run),
        late: formatDuration(late),
        journal: journal(startedSentence(event), { late }),
      });
      break;
    }
    case 'ended':
      log(event.level, 'ended', endFields(event));
      break;
    case 'skipped': {
      const { id, task, due, count, reason, detail } = event;
      const kind = reason === 'missed' ? 'missed' : 'skipped';
      const counted = count > 1 ? { count } : {};
      const sentence = journal(skippedSentence(event));
      log(event.level, kind, {
        msg: detail,
        task,
        run: id,
        due: iso(due),
        reason,
        ...counted,
        journal: sentence,
      });
      break;
    }
  }
}

export function reportSummary(log: Logger['log'], summary: Summary): void {
  log('info', 'pass', {
    execution_count: summary.executions,
    ...(summary.failures > 0 ? { failure_count: summary.failures } : {}),
    ...(summary.next === null ? {} : { scheduled_next: iso(summary.next.at), scheduled_next_task: summary.next.task }),
    journal: journal(summarySentence(summary)),
  });
}
