/** What `fate pause` and `fate resume` do. A scheduler that runs sees it at the next due time of the task. */
import { statSync } from 'node:fs';
import { errnoOf, FateError, messageOf } from '../errors.ts';
import { parseDuration } from '../schedule/duration.ts';
import { pause, pausedTasks, resume } from '../state/pauses.ts';
import type { PauseArguments } from './commands/pause.ts';
import type { ResumeArguments } from './commands/resume.ts';
import { printJson } from './json.ts';
import { wallOf } from './moments.ts';
import { demandTask, withRecorded } from './recorded.ts';
import { table } from './table.ts';

export async function pauseTask(args: PauseArguments): Promise<number> {
  const now = Date.now();
  const { task } = args;
  const length = args.for === undefined ? null : parseDuration(args.for);
  if (args.for !== undefined && (length === null || length === 0)) {
    throw new FateError('USAGE', `--for: expected a length of time such as 2h30m, found ${args.for}`);
  }
  if (task === undefined && length !== null) throw new FateError('USAGE', '--for needs the name of a task');
  return withRecorded(args, async (recorded) => {
    const { folder, configuration, zones } = recorded;
    if (task !== undefined) {
      await demandTask(task, recorded);
      change(folder, () =>
        pause(folder, task, { from: now, until: length === null ? Number.POSITIVE_INFINITY : now + length }),
      );
    }
    const found = pausedTasks(folder, now).filter((one) => task === undefined || one.task === task);
    if (args.json) {
      const rows = found.map(({ task, until }) => ({
        task,
        until: until === Number.POSITIVE_INFINITY ? null : new Date(until).toISOString(),
      }));
      printJson(rows);
    } else if (task === undefined && found.length > 0) {
      const rows = found.map(({ task, until }) => {
        const at =
          until === Number.POSITIVE_INFINITY ? 'it is resumed' : wallOf(task, configuration, zones).long(until);
        return [task, at];
      });
      process.stdout.write(`${table([['TASK', 'PAUSED UNTIL'], ...rows], process.stdout.columns || null)}\n`);
    }
    return 0;
  });
}

export async function resumeTask(args: ResumeArguments): Promise<number> {
  return withRecorded(args, async (recorded) => {
    await demandTask(args.task, recorded);
    const paused = change(recorded.folder, () => resume(recorded.folder, args.task, Date.now()));
    if (!paused) process.stderr.write(`fate: ${args.task} is not paused\n`);
    return 0;
  });
}

/** @throws FateError NOT_PERMITTED for who does not own the state */
function change<T>(folder: string, work: () => T): T {
  try {
    return asOwnerOf(folder, work);
  } catch (error) {
    const code = ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '') ? 'NOT_PERMITTED' : 'FATAL';
    throw new FateError(code, `the state in ${folder} cannot be changed: ${messageOf(error)}`, { cause: error });
  }
}

/** The files are to be the scheduler's, and where that is not root, nothing is done with root's rights in a folder of its own. */
function asOwnerOf<T>(folder: string, work: () => T): T {
  const owner = process.geteuid?.() === 0 ? statSync(folder, { throwIfNoEntry: false }) : undefined;
  if (owner === undefined || owner.uid === 0) return work();
  process.setegid?.(owner.gid);
  process.seteuid?.(owner.uid);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
