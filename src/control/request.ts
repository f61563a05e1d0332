/** What a client sent: its body within bounds, as a mapping with the keys that are expected. */
import type { IncomingMessage } from 'node:http';
import type { Bytes } from '../types.ts';
import { Refusal } from './refusal.ts';

/** Where to, without the query, which means nothing here. */
export const pathOf = (request: IncomingMessage): string => (request.url ?? '').replace(/[?#].*$/s, '');

/** How long the body is. @throws Refusal 411 where that is not told, 413 past the limit */
export function bodySize({ headers }: IncomingMessage, limit: Bytes): Bytes {
  if (headers['transfer-encoding'] !== undefined) throw new Refusal(411, 'expected a body with its Content-Length');
  const size = Number(headers['content-length'] ?? 0);
  if (size > limit) throw new Refusal(413, `expected a body of at most ${limit} bytes`);
  return size;
}

/** The whole body. @throws Refusal 400 where it breaks off */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const brokenOff = (): void => reject(new Refusal(400, 'the body breaks off'));
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', brokenOff);
    request.on('close', brokenOff);
  });
}

const JSON_TYPE = /^application\/(\S+\+)?json\s*(;|$)/i;

/** Texts must be there, switches may. */
export type Wanted = Readonly<Record<string, 'string' | 'boolean'>>;

/** No name is as long. */
const LONGEST = 256;

/** @throws Refusal unless the body is a mapping of JSON, of no other keys than these, of these types */
export function fieldsOf(request: IncomingMessage, body: Buffer, wanted: Wanted): Record<string, unknown> {
  const type = request.headers['content-type'];
  if (body.length > 0 && type !== undefined && !JSON_TYPE.test(type)) {
    throw new Refusal(415, 'expected a body of application/json');
  }
  const fields = body.length === 0 ? {} : parse(body);
  const unknown = Object.keys(fields).find((key) => !Object.hasOwn(wanted, key));
  if (unknown !== undefined) {
    const keys = Object.keys(wanted).join(', ') || 'none';
    throw new Refusal(400, `unknown key ${JSON.stringify(unknown.slice(0, 60))}; known: ${keys}`);
  }
  for (const [key, expected] of Object.entries(wanted)) {
    const value = fields[key];
    if (value === undefined && expected === 'boolean') continue;
    const found = value === undefined ? 'nothing' : value === null ? 'null' : `a ${typeof value}`;
    if (found !== `a ${expected}`) throw new Refusal(400, `${key}: expected a ${expected}, found ${found}`);
    if (typeof value === 'string' && (value === '' || value.length > LONGEST)) {
      throw new Refusal(400, `${key}: expected 1 to ${LONGEST} characters, found ${value.length}`);
    }
  }
  return fields;
}

function parse(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new Refusal(400, 'the body is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal(400, 'expected a mapping as the body');
  }
  return value as Record<string, unknown>;
}
