/** `fate logs` from a log file and what was rotated out of it, as it stands there or as JSON. */
import { once } from 'node:events';
import { errnoOf, FateError, messageOf } from '../errors.ts';
import { headOf, jsonLine, spelling, tomlOf } from '../log/line.ts';
import { pastRecords } from '../log/past.ts';
import { followLines, openPresent, type Watch, watchFolder } from '../log/tail.ts';
import { parseText } from '../output/formats.ts';
import type { EpochMs } from '../types.ts';
import { escapeJson, ownJson } from './json.ts';
import { plain } from './words.ts';

export interface FileQuestion {
  readonly file: string;
  readonly task: string | null;
  readonly since: EpochMs | null;
  /** Infinity for all. */
  readonly number: number;
  readonly follow: boolean;
  readonly json: boolean;
}

/** @throws FateError NOT_PERMITTED, FATAL */
export async function showFile(question: FileQuestion): Promise<number> {
  const { file } = question;
  let watching: Watch | null = null;
  let unwritten: Error | null = null;
  // Whoever closes the other end of a pipe has seen enough, and is to be waited for no longer.
  const leave = (error: Error): void => {
    unwritten = error;
    watching?.close();
  };
  process.stdout.on('error', leave);
  const tell = async (text: string): Promise<void> => {
    if (unwritten !== null) throw unwritten;
    if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
  };
  try {
    if (question.follow) watching = watchFolder(file);
    await show(question, watching, tell);
  } catch (error) {
    if (error === unwritten) {
      if (errnoOf(error) === 'EPIPE') return 0;
      throw new FateError('FATAL', `cannot write the standard output: ${messageOf(error)}`, { cause: error });
    }
    const code = ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '') ? 'NOT_PERMITTED' : 'FATAL';
    throw new FateError(code, `the log ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  } finally {
    process.stdout.off('error', leave);
    watching?.close();
  }
  return 0;
}

async function show(
  { file, task, since, number, json }: FileQuestion,
  watching: Watch | null,
  tell: (text: string) => Promise<void>,
): Promise<void> {
  const wants = (line: string): boolean => isOf(line, task);
  const present = await openPresent(file);
  try {
    let told = false;
    for await (const line of pastRecords(file, present, { wants, since, number }, tellUnread)) {
      await tell(shown(line, json));
      told = true;
    }
    if (present === null && !told) process.stderr.write(`fate: nothing is logged yet in ${file}\n`);
    else if (!told && watching === null) process.stderr.write('fate: nothing of the kind is logged\n');
    if (watching === null) return;
    for await (const line of followLines(file, present, watching, tellUnread)) {
      if (wants(line)) await tell(shown(line, json));
    }
  } finally {
    await present?.handle.close().catch(() => {});
  }
}

/** The others are shown all the same. */
function tellUnread(path: string, error: unknown): void {
  process.stderr.write(
    plain(`fate: the rotated log ${path} cannot be read, or not to its end: ${messageOf(error)}`).concat('\n'),
  );
}

/** Without a task everything, also what is no record. */
function isOf(line: string, task: string | null): boolean {
  if (task === null) return true;
  const head = headOf(line);
  return head !== null && head.task === spelling(task, head.format);
}

/** As it was written; on a terminal without what would steer it, which other programs may have written there. */
function shown(line: string, json: boolean): string {
  if (json) return asJson(line);
  return process.stdout.isTTY ? plain(line) : line;
}

/** One line of JSON; of a line that is no record, its text as `msg`. */
export function asJson(line: string): string {
  const format = headOf(line)?.format;
  const own = format === 'json' ? ownJson(line.slice(line.indexOf('{'))) : null;
  if (own !== null) return own;
  const parsed = format === 'text' ? parseText('toml', tomlOf(line)) : null;
  return escapeJson(jsonLine(parsed?.ok ? parsed.value : { msg: line }));
}
