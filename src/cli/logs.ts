/** What `fate logs` does: finds out where the log is, and has it shown. */
import { DEFAULT_LOG } from '../conf/log-targets.ts';
import { FateError } from '../errors.ts';
import type { Configuration, EpochMs } from '../types.ts';
import type { LogsArguments } from './commands/logs.ts';
import { loadOptionsFor, pathsFor } from './context.ts';
import { chooseSource, lookAround, schedulerUid } from './logs-source.ts';
import { parseSince } from './moments.ts';
import { demandTask, readConfiguration, withRecorded } from './recorded.ts';

/** What is shown unless it is said how much; journalctl(1) follows from the last 10 on as well. */
const [USUAL, FOLLOWED] = [100, 10];

export async function logs(args: LogsArguments): Promise<number> {
  const { since, number } = wantedBy(args, Date.now());
  const paths = pathsFor(args);
  const options = loadOptionsFor(paths);
  const { configuration, failure } = await readConfiguration(options);
  // What is not there has no log; one with errors must not keep anybody from the log that tells them.
  if (failure?.code === 'CONF_MISSING') throw failure;
  if (failure !== null) process.stderr.write(`fate: ${failure.message}; the standard error is taken for the log\n`);
  const task = args.task ?? null;
  if (task !== null) await demandKnown(task, args, configuration);
  const targets = configuration?.log ?? DEFAULT_LOG;
  const source = chooseSource(targets, lookAround(paths, options));
  const question = { task, since, number, follow: args.follow, json: args.json };
  switch (source?.kind) {
    case 'journal': {
      const { showJournal } = await import('./logs-journal.ts');
      return showJournal({ ...question, uid: schedulerUid(paths, options) });
    }
    case 'file': {
      const { showFile } = await import('./logs-file.ts');
      return showFile({ ...question, file: source.file });
    }
    default: {
      const why = targets.some(({ kind }) => kind === 'stderr')
        ? 'it goes to the standard error of the scheduler, and there is no journalctl here'
        : 'path.log names neither a file nor /dev/stderr';
      throw new FateError('FATAL', `the log cannot be shown: ${why}`);
    }
  }
}

/** @throws FateError USAGE */
export function wantedBy(
  args: Pick<LogsArguments, 'lines' | 'since' | 'follow'>,
  now: EpochMs,
): { readonly since: EpochMs | null; readonly number: number } {
  const since = args.since === undefined ? null : parseSince(args.since, now);
  if (args.since !== undefined && since === null) {
    throw new FateError('USAGE', `--since: expected a time such as 2026-03-29T02:30 or 2h, found ${args.since}`);
  }
  const usual = since !== null ? Number.POSITIVE_INFINITY : args.follow ? FOLLOWED : USUAL;
  const number = args.lines === undefined ? usual : args.lines === 'all' ? Number.POSITIVE_INFINITY : +args.lines;
  const known = number === Number.POSITIVE_INFINITY || (Number.isSafeInteger(number) && number >= 0);
  if (!known || args.lines?.trim() === '') {
    throw new FateError('USAGE', `--lines: expected a whole number, or all, found ${args.lines}`);
  }
  return { since, number };
}

/**
 * The log is for more people than the ledger is: that is asked only where the configuration does not know the task.
 * @throws FateError TASK_UNKNOWN
 */
async function demandKnown(task: string, args: LogsArguments, configuration: Configuration | null): Promise<void> {
  const known = [...(configuration?.tasks ?? []), ...(configuration?.invalid ?? [])];
  if (known.some(({ name }) => name === task)) return;
  try {
    await withRecorded(args, (recorded) => demandTask(task, recorded));
  } catch (error) {
    if (!(error instanceof FateError) || error.code !== 'NOT_PERMITTED') throw error;
    // Neither can be read: nobody can say that there is no such task.
    if (configuration === null) return;
    throw new FateError('TASK_UNKNOWN', `no task of the name ${task} in the configuration`, { cause: error });
  }
}
