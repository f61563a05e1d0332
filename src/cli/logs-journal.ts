/** `fate logs` from the journal: journalctl(1) with the right matches does it. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { promisify } from 'node:util';
import { FateError, messageOf } from '../errors.ts';
import type { EpochMs } from '../types.ts';

export interface JournalQuestion {
  readonly task: string | null;
  readonly since: EpochMs | null;
  /** Infinity for all. */
  readonly number: number;
  readonly follow: boolean;
  readonly json: boolean;
  /** Of the scheduler. Anybody may call himself fated there; who sent an entry is the kernel's word (systemd.journal-fields(7)). */
  readonly uid: number;
}

/**
 * Matches of one field are joined by or, of several by and (journalctl(1)). Pure.
 * @param cursor of the first entry to show; null: as far back as the question says
 */
export function journalArguments(question: JournalQuestion, cursor: string | null = null): readonly string[] {
  const { since, number, follow, json } = question;
  const all = cursor !== null || number === Number.POSITIVE_INFINITY;
  return [
    ...matches(question),
    ...(cursor === null ? [] : [`--cursor=${cursor}`]),
    ...(cursor === null && number !== 0 ? sinceArguments(since) : []),
    `--lines=${all ? 'all' : number}`,
    ...(follow ? ['--follow'] : []),
    ...(json ? ['--output=json'] : []),
  ];
}

function matches({ task, uid }: JournalQuestion): readonly string[] {
  return [
    ...['fated', 'fates', 'fate'].map((program) => `SYSLOG_IDENTIFIER=${program}`),
    ...(task === null ? [] : [`FATE_TASK=${task}`]),
    `_UID=${uid}`,
  ];
}

/** systemd.time(7): seconds since the epoch. */
function sinceArguments(since: EpochMs | null): readonly string[] {
  return since === null ? [] : [`--since=@${since / 1000}`];
}

/** Bytes: for some million cursors. */
const CURSORS_LIMIT = 1024 * 1024 * 1024;

/**
 * The latest so many since a time: without --reverse, journalctl of systemd 252 takes the earliest. Null where there
 * is nothing to look for, or to find.
 */
async function firstCursor(question: JournalQuestion): Promise<string | null> {
  const { since, number } = question;
  if (since === null || number === 0 || number === Number.POSITIVE_INFINITY) return null;
  const back = [...matches(question), ...sinceArguments(since), '--reverse', `--lines=${number}`];
  const options = ['--output=json', '--output-fields=PRIORITY', '--quiet', '--no-pager'];
  const { stdout } = await promisify(execFile)('journalctl', [...back, ...options], { maxBuffer: CURSORS_LIMIT });
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  return last === '' ? null : (JSON.parse(last).__CURSOR ?? null);
}

/** Lends it the terminal. Answers its exit status, and for a signal what a shell would. @throws FateError */
export async function showJournal(question: JournalQuestion): Promise<number> {
  // Where that fails, the next call says why.
  const cursor = await firstCursor(question).catch(() => null);
  const child = spawn('journalctl', journalArguments(question, cursor), { stdio: 'inherit' });
  const pass = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  // A terminal sends it to both: journalctl, or its pager, makes of it what it does.
  const leave = (): void => {};
  process.on('SIGINT', leave).on('SIGQUIT', leave).on('SIGTERM', pass).on('SIGHUP', pass);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } catch (error) {
    throw new FateError('FATAL', `journalctl cannot be started: ${messageOf(error)}`, { cause: error });
  } finally {
    process.off('SIGINT', leave).off('SIGQUIT', leave).off('SIGTERM', pass).off('SIGHUP', pass);
  }
}
