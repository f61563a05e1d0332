/** What `fate debug` was asked for, checked and opened before anything runs: a mistake on the command line has no effect. */
import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { parseResultFormat } from '../conf/schema.ts';
import { FateError, messageOf } from '../errors.ts';
import type { ResultFormat } from '../types.ts';
import type { DebugArguments } from './commands/debug.ts';

/** Where an output goes besides the report. */
export interface Destination {
  readonly path: string;
  /** Writes the whole file. @throws FateError FATAL */
  take(file: string): Promise<void>;
}

export interface DebugRequest {
  /** Null: the task's own. */
  readonly formatResult: ResultFormat | null;
  /** Null: the task's parameters. */
  readonly input: Buffer | null;
  readonly stdout: Destination | null;
  readonly stderr: Destination | null;
  readonly report: boolean;
  readonly propagate: boolean;
}

/** @throws FateError USAGE */
export async function readRequest(args: DebugArguments): Promise<DebugRequest> {
  const given = args['format-result'];
  const formatResult = given === undefined ? null : parseResultFormat(given);
  if (given !== undefined && formatResult === null) {
    throw new FateError(
      'USAGE',
      `--format-result: expected auto, mixed, archive, csv, json, tar, toml or yaml, found ${given}`,
    );
  }
  return {
    formatResult,
    input: args.stdin === undefined ? null : await readInput(args.stdin),
    stdout: await openDestination(args.stdout, process.stdout),
    stderr: await openDestination(args.stderr, process.stderr),
    report: !args['no-report'],
    propagate: args.propagate,
  };
}

/** `-` is standard input; text that starts with `{` or has a newline is itself; what has a `/` or names a file is read. */
async function readInput(value: string): Promise<Buffer> {
  if (value === '-') return buffer(process.stdin);
  const isText = value.startsWith('{') || value.includes('\n');
  if (isText || !(value.includes('/') || existsSync(value))) return Buffer.from(value);
  try {
    return await readFile(value);
  } catch (error) {
    throw new FateError('USAGE', `cannot read the standard input from ${value}: ${messageOf(error)}`);
  }
}

/** Opened as a shell's `>` would: links are followed, devices and pipes are written to, a new file gets the umask's mode. */
async function openDestination(path: string | undefined, stream: NodeJS.WriteStream): Promise<Destination | null> {
  if (path === undefined) return null;
  if (path === '-') {
    return { path, take: (file) => pipeline(createReadStream(file), stream, { end: false }).catch(ignoreClosed(path)) };
  }
  let handle: FileHandle;
  try {
    handle = await open(path, 'w');
  } catch (error) {
    throw new FateError('USAGE', `cannot write ${path}: ${messageOf(error)}`);
  }
  return {
    path,
    take: (file) => pipeline(createReadStream(file), handle.createWriteStream()).catch(ignoreClosed(path)),
  };
}

/** Whoever closes the other end of a pipe has seen enough. */
function ignoreClosed(path: string): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE') return;
    throw new FateError('FATAL', `cannot write ${path}: ${messageOf(error)}`, { cause: error });
  };
}
