/** Where a result goes: its label and suffix, the default path, what `path.result` makes of it, numbers (SPEC 8). */
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { EpochMs, ResultScope, Scope, Task } from '../types.ts';

export interface Naming {
  readonly task: Task;
  readonly scope: Scope;
  readonly endedAt: EpochMs;
  /** `<data>/result`. */
  readonly resultFolder: string;
  /** `YYYYmmddTHHMMSS` in the task's time zone. */
  stamp(at: EpochMs): string;
}

export interface Place {
  /** Absolute. */
  readonly target: string;
  /** The end of the name, before which a number goes where the path is taken; '' for none. */
  readonly suffix: string;
}

/** Answers null where the result shall not be recorded. Throws what a template throws, and for a path that cannot be. */
export function placeResult(naming: Naming, label: string, ext: string): Place | null {
  const { task, endedAt, resultFolder } = naming;
  const labelExt = label === '' ? '' : `-${label.replaceAll('/', '-')}`;
  const name = `result-${Math.floor(endedAt / 1000)}-${naming.stamp(endedAt)}-${task.name}${labelExt}${ext}`;
  const defaultPath = join(resultFolder, name);
  const { resultPath } = task;
  if (resultPath.kind !== 'template') {
    return resultPath.kind === 'none' ? null : { target: resolve(defaultPath), suffix: ext };
  }
  const scope: ResultScope = { ...naming.scope, endedAt, label, ext, defaultPath };
  // A template from a block of YAML ends in a newline.
  const rendered = resultPath.template.render(scope).trim();
  if (rendered === '') return null;
  if (rendered.includes('\0')) throw new Error('path.result gives a path with a NUL in it');
  // A relative path, with folders or without, is one below the default folder.
  if (rendered.endsWith('/')) return { target: resolve(resultFolder, rendered, name), suffix: ext };
  const target = resolve(resultFolder, rendered);
  return { target, suffix: ext !== '' && target.endsWith(ext) ? ext : extname(target) };
}

/** The nth path to try when the target itself is taken. */
export function numbered({ target, suffix }: Place, n: number): string {
  const name = basename(target);
  return join(dirname(target), `${name.slice(0, name.length - suffix.length)}-${n}${suffix}`);
}

/** An archive member's name, split at the first dot of its last part that does not lead it. */
export function splitName(name: string): { label: string; ext: string } {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  const last = parts.pop() ?? '';
  const [, stem = last, ext = ''] = /^(\.*[^.]*)(.*)$/s.exec(last) ?? [];
  return { label: [...parts, stem].join('/'), ext };
}

/** Why a member of this name is refused, or null. */
export function faultOfName(name: string): string | null {
  if (name.startsWith('/')) return 'its path is absolute';
  const parts = name.split('/');
  if (parts.includes('..')) return 'its path climbs out with ..';
  if (parts.every((part) => part === '' || part === '.')) return 'it has no name';
  if (name.includes('\0')) return 'there is a NUL in its name';
  return null;
}
