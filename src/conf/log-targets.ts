/** `path.log` of the defaults file (SPEC 10), as targets of Fate's own log. For resolve. Pure: what is a directory comes in. */
import { isAbsolute, join, normalize } from 'node:path';
import { LEVELS, type Level, type LogTarget, type Rotation } from '../types.ts';
import type { Issue } from './issues.ts';
import { describe, type KeyPath, mismatch } from './problems.ts';
import type { LogInput } from './schema.ts';
import { parseLength, parseSize, parseTimeOfDay } from './sizes.ts';

export interface LogContext {
  /** Relative paths are below it. */
  readonly data: string;
  kindOf(path: string): 'directory' | 'other' | null;
  report(issue: Issue): void;
}

type Item = Exclude<LogInput, readonly unknown[]>;
type Mapping = Exclude<Item, string>;

export const DEFAULT_LOG: readonly LogTarget[] = Object.freeze([stream('stderr', {})]);

const PATH: KeyPath = ['path', 'log'];

/** Reports what is wrong; the answer counts only where nothing was. */
export function logTargets(log: LogInput, context: LogContext): readonly LogTarget[] {
  const items: readonly Item[] = Array.isArray(log) ? log : [log];
  const files = new Set<string>();
  const targets = items.map((item, index) => {
    const path = Array.isArray(log) ? [...PATH, index] : PATH;
    const target = targetOf(item, path, context);
    const id = target.file ?? target.kind;
    // Two writers would rotate the file under each other.
    if (files.has(id)) context.report({ path, at: 'value', message: `expected each target once, found ${id} again` });
    files.add(id);
    return target;
  });
  return Object.freeze(targets);
}

function targetOf(item: Item, path: KeyPath, context: LogContext): LogTarget {
  const input: Mapping = typeof item === 'string' ? {} : item;
  const kind = streamOf(typeof item === 'string' ? item : input.file);
  const place = placeOf(item, path, context);
  if (kind === null) return fileTarget(place, input);
  for (const key of ['rotation', 'retention', 'compression'] as const) {
    const value = input[key];
    if (value === undefined || value === null) continue;
    const message = `expected ${key} for a file only, found it for /dev/${kind}`;
    context.report({ path: [...path, key], at: 'key', message });
  }
  return stream(kind, input);
}

function streamOf(path: string | undefined): 'stdout' | 'stderr' | null {
  if (path === '/dev/stdout') return 'stdout';
  return path === '/dev/stderr' ? 'stderr' : null;
}

/** The file to write, absolute. */
function placeOf(item: Item, path: KeyPath, context: LogContext): string {
  const absolute = (text: string) => normalize(isAbsolute(text) ? text : join(context.data, text));
  const within = (folder: string) => join(folder, 'fate.log');
  if (typeof item === 'string') {
    const target = absolute(item);
    const kind = context.kindOf(target);
    const last = target.slice(target.lastIndexOf('/') + 1);
    const directory = kind === 'directory' || (kind === null && (target.endsWith('/') || !last.includes('.')));
    return directory ? within(target) : target;
  }
  const { file, directory } = item;
  if ((file === undefined) === (directory === undefined)) {
    const found = file === undefined ? 'neither' : 'both';
    context.report({ path, at: 'value', message: `expected file or directory, found ${found}` });
  }
  if (file?.includes('\0') || directory?.includes('\0')) {
    context.report({ path, at: 'value', message: mismatch('a path', file ?? directory) });
  }
  if (file === undefined) return within(absolute(directory ?? '.'));
  if (context.kindOf(absolute(file)) === 'directory') {
    const message = `expected a file, found the directory ${describe(file).replace('the string ', '')}; write directory`;
    context.report({ path: [...path, 'file'], at: 'value', message });
  }
  return absolute(file);
}

function levelOf(input: Mapping): Level {
  const level = input.level?.toLowerCase();
  return LEVELS.find((known) => known === level) ?? 'info';
}

function stream(kind: 'stdout' | 'stderr', input: Mapping): LogTarget {
  return Object.freeze({
    kind,
    file: null,
    level: levelOf(input),
    format: input.format ?? 'text',
    rotation: null,
    retention: null,
    compression: null,
  });
}

function fileTarget(file: string, input: Mapping): LogTarget {
  return Object.freeze({
    kind: 'file',
    file,
    level: levelOf(input),
    format: input.format ?? 'text',
    rotation: typeof input.rotation === 'string' ? rotationOf(input.rotation) : null,
    retention: retentionOf(input.retention ?? null),
    compression: input.compression ?? null,
  });
}

function rotationOf(text: string): Rotation {
  const at = parseTimeOfDay(text);
  const interval = parseLength(text);
  return Object.freeze({ at, interval, size: at === null && interval === null ? parseSize(text) : null });
}

function retentionOf(value: string | number | null): LogTarget['retention'] {
  if (value === null) return null;
  return Object.freeze(
    typeof value === 'number' ? { age: null, count: value } : { age: parseLength(value), count: null },
  );
}
