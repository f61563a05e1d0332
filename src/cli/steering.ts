/** What `fate reload`, `fate run` and `fate kill` do: they ask the daemon, and say what it answers. */
import { errorOf, follow } from '../control/client.ts';
import type { AskedJson, EndedJson, ErrorJson, LiveJson } from '../control/json.ts';
import { FateError } from '../errors.ts';
import { describeWaited } from '../scheduler/waited.ts';
import { asked, demandDaemon } from './attendance.ts';
import type { KillArguments } from './commands/kill.ts';
import type { ReloadArguments } from './commands/reload.ts';
import type { RunArguments } from './commands/run.ts';
import { printJson } from './json.ts';
import { endText, plain } from './words.ts';

/** A reload reads and validates everything, which takes time where there is much of it. */
const RELOAD_PATIENCE = 30_000;
/** As a shell tells of a command that SIGINT ended. */
const INTERRUPTED = 130;

/** Quiet when it is done. @throws FateError with the problems for which it is refused */
export async function reload(args: ReloadArguments): Promise<number> {
  const socket = await demandDaemon(args);
  try {
    const done = await asked(socket, 'POST', '/v1/reload', {}, RELOAD_PATIENCE);
    if (args.json) printJson({ ok: true, status: 0, ...done });
    return 0;
  } catch (error) {
    if (!(error instanceof FateError && args.json && error.code.startsWith('CONF_'))) throw error;
    const { exitStatus: status, message, problems } = error;
    printJson({ ok: false, status, message, problems });
    return status;
  }
}

/** With `--wait`: 0 when the run ended OK, 1 when it did not, or was not run. */
export async function runTask(args: RunArguments): Promise<number> {
  const socket = await demandDaemon(args);
  const { task } = args;
  if (args.wait) return runAndWait(socket, args);
  const run = await asked<AskedJson>(socket, 'POST', '/v1/run', { task });
  if (args.json) printJson(run);
  else tellAsked(run);
  return 0;
}

async function runAndWait(socket: string, { task, json }: RunArguments): Promise<number> {
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  process.once('SIGINT', leave);
  let run: AskedJson | null = null;
  try {
    const records = follow(socket, 'POST', '/v1/run', { task, wait: true }, leaving.signal);
    for await (const record of records as AsyncIterable<AskedJson | EndedJson | ErrorJson>) {
      if (record !== null && 'error' in record) throw errorOf(record);
      if (run === null) {
        run = record as AskedJson;
        if (!json) tellAsked(run);
      } else return tellEnd(run, record as EndedJson, json);
    }
    throw new FateError('TEMPORARY', 'the daemon has ended its answer early');
  } catch (error) {
    if (leaving.signal.aborted) {
      const which = run === null ? 'whether the run was asked for is not known' : `the run ${run.run} goes on`;
      process.stderr.write(`fate: ${which}\n`);
      return INTERRUPTED;
    }
    if (run === null || !(error instanceof FateError)) throw error;
    throw new FateError(error.code, `${error.message}; what becomes of the run: fate show ${run.run}`);
  } finally {
    process.off('SIGINT', leave);
  }
}

function tellAsked({ run, task, waited }: AskedJson): void {
  process.stdout.write(`${run}\n`);
  if (waited !== null) process.stderr.write(`fate: ${plain(`${task} waits for ${describeWaited(waited)}`)}\n`);
}

function tellEnd(run: AskedJson, end: EndedJson, json: boolean): number {
  if (json) printJson({ ...run, ended: end });
  else if (end.status !== 'OK') process.stderr.write(`fate: ${plain(`${end.task} ${end.run}: ${endWords(end)}`)}\n`);
  return end.status === 'OK' ? 0 : 1;
}

/** In a line, as `fate runs` has it. */
export function endWords({ status, skipped, exitcode, signal, ended_by: by, reason }: EndedJson): string {
  if (skipped !== null) return `not run: ${skipped.reason}${skipped.detail === '' ? '' : `: ${skipped.detail}`}`;
  const how = endText({ code: exitcode, signal, endedBy: by ?? 'itself' });
  return `${status}${[how, reason ?? '']
    .map((text) => (text === '' ? '' : `; ${text}`))
    .join('')
    .replace('; ', ': ')}`;
}

/** Says what it has ended. @throws FateError RUN_UNKNOWN where nothing of the kind goes or waits */
export async function kill(args: KillArguments): Promise<number> {
  const socket = await demandDaemon(args);
  const rows = await asked<readonly LiveJson[]>(socket, 'POST', '/v1/kill', { what: args.what });
  if (args.json) printJson(rows);
  else
    for (const { task, run, status } of rows) {
      process.stdout.write(
        plain(`${task} ${run} ${status === 'running' ? 'is told to end' : 'will not run'}`).concat('\n'),
      );
    }
  return 0;
}
