/** The other end of the control socket, for the commands. Promises that what the daemon refuses comes as the error it is. */
import { closeSync, constants, openSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { basename, dirname } from 'node:path';
import { ERRORS, type ErrorCode, errnoOf, FateError, messageOf } from '../errors.ts';
import { O_PATH } from '../modes.ts';
import type { Ms, Problem } from '../types.ts';

export type Method = 'GET' | 'POST';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export const PATIENCE: Ms = 10_000;

/** sun_path of unix(7), less the NUL at its end. */
const LONGEST = 107;
const MOST = 256 * 1024 * 1024;

/**
 * Asks, and waits for the whole answer.
 * @throws FateError TEMPORARY where nobody answers, or not within `patience` ms; NOT_PERMITTED where the socket is not for us
 */
export async function ask(
  socket: string,
  method: Method,
  path: string,
  body?: unknown,
  patience: Ms = PATIENCE,
): Promise<Answer> {
  const late = AbortSignal.timeout(patience);
  const response = await send(socket, method, path, body, late);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      size += chunk.length;
      if (size > MOST) throw new Error('the answer is too large');
      chunks.push(chunk);
    }
  } catch (error) {
    throw unreachable(socket, error, late);
  }
  return { status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString('utf8')) };
}

/**
 * Asks for records, and answers each as it comes; a refusal is thrown. Waits as long as it takes, or until `signal`.
 * @throws FateError as `ask`; TEMPORARY where the daemon goes away in the middle
 */
export async function* follow(
  socket: string,
  method: Method,
  path: string,
  body: unknown,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const response = await send(socket, method, path, body, signal);
  const { statusCode: status = 0 } = response;
  let text = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      text += chunk;
      if (status >= 400) continue;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      yield* lines.map(parse);
    }
  } catch (error) {
    throw unreachable(socket, error, signal);
  }
  if (status >= 400) throw errorOf(parse(text));
}

/** What was answered. @throws FateError that the daemon refused with */
export function accepted({ status, body }: Answer): unknown {
  if (status >= 200 && status < 300) return body;
  throw errorOf(body);
}

/** The error that a body of the daemon tells, also one of another version. */
export function errorOf(body: unknown): FateError {
  const error = asMapping(asMapping(body)?.error);
  const message =
    typeof error?.message === 'string' ? error.message : 'the daemon answered something else than expected';
  const code =
    typeof error?.code === 'string' && Object.hasOwn(ERRORS, error.code) ? (error.code as ErrorCode) : 'FATAL';
  const problems = Array.isArray(error?.problems) ? (error.problems as Problem[]) : [];
  return new FateError(code, message, { problems });
}

function asMapping(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function send(
  socket: string,
  method: Method,
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const text = body === undefined ? null : JSON.stringify(body);
  const headers =
    text === null ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) };
  let folder: number | null = null;
  try {
    const long = Buffer.byteLength(socket) > LONGEST;
    if (long) folder = openSync(dirname(socket), O_PATH | constants.O_DIRECTORY);
    const socketPath = folder === null ? socket : `/proc/self/fd/${folder}/${basename(socket)}`;
    return await new Promise((resolve, reject) => {
      const asking = request({ socketPath, method, path, headers, agent: false, signal }, resolve);
      asking.on('error', reject);
      asking.end(text ?? undefined);
    });
  } catch (error) {
    throw unreachable(socket, error, signal);
  } finally {
    if (folder !== null) closeSync(folder);
  }
}

function unreachable(socket: string, error: unknown, signal: AbortSignal): FateError {
  if (error instanceof FateError) return error;
  const errno = errnoOf(error) ?? '';
  if (errno === 'EACCES' || errno === 'EPERM') {
    const who = 'root and the members of its group may ask there';
    return new FateError('NOT_PERMITTED', `the control socket ${socket} is not for you (${errno}): ${who}`);
  }
  const why = signal.aborted
    ? 'it did not answer in time'
    : errno === 'ENOENT' || errno === 'ECONNREFUSED'
      ? `nobody listens at ${socket}`
      : errno === 'ECONNRESET' || errno === 'EPIPE'
        ? 'it closed the connection'
        : messageOf(error);
  return new FateError('TEMPORARY', `the daemon cannot be reached: ${why}`, { cause: error });
}
