/** How a file that is there differs from what would replace it, for people. */
import { spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { plain } from '../words.ts';
import type { Wanted } from './wanted.ts';

/** Bytes. Nobody reads more, and diff(1) would take minutes over it. */
const MOST = 1 << 20;

/** Lines without their ends, `-` what is there, `+` what would be; nothing in them steers a terminal. */
export function differences({ path, content }: Pick<Wanted, 'path' | 'content'>): string[] {
  const name = plain(path);
  if ('link' in content) return [`-${name} ${plain(was(path))}`, `+${name} a link to ${plain(content.link)}`];
  try {
    // What it is now need not be what it was when it was asked about: a fifo must not hold us up.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      if (!fstatSync(file).isFile()) return [`${name} leads to something that is no file`];
      const old = textOf(file);
      if (old === null) return [`${name} is no text, or longer than ${MOST >> 20} MiB: not shown`];
      return compared(file, old, name, content.text).map(visible);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return [`cannot read ${name}: ${plain(messageOf(error))}`];
  }
}

/** Null for what is too long or has a NUL; the file's own position stays. */
function textOf(file: number): string | null {
  const bytes = Buffer.alloc(MOST + 1);
  let length = 0;
  for (let got = 1; got > 0 && length < bytes.length; length += got) {
    got = readSync(file, bytes, length, bytes.length - length, length);
  }
  const read = bytes.subarray(0, length);
  return length > MOST || read.includes(0) ? null : read.toString();
}

function compared(file: number, old: string, name: string, now: string): string[] {
  const { status, stdout } = spawnSync(
    'diff',
    ['-a', '-u', '--label', name, '--label', `${name} (new)`, '/dev/fd/3', '-'],
    { input: now, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore', file], maxBuffer: 1 << 26 },
  );
  // 1: they differ (diff(1)).
  return status === 1 ? linesOf(stdout) : ownDiff(linesOf(old), linesOf(now));
}

function was(path: string): string {
  try {
    return `a link to ${readlinkSync(path)}`;
  } catch {
    return 'a file';
  }
}

/** Where there is no diff(1): what both begin and end with is left out, the rest stands one after the other. */
export function ownDiff(old: readonly string[], now: readonly string[]): string[] {
  const most = Math.min(old.length, now.length);
  let start = 0;
  while (start < most && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < most - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  const gone = old.slice(start, old.length - end);
  const come = now.slice(start, now.length - end);
  const place = `@@ -${start + 1},${gone.length} +${start + 1},${come.length} @@`;
  return [place, ...gone.map((line) => `-${line}`), ...come.map((line) => `+${line}`)];
}

const linesOf = (text: string): string[] => text.replace(/\n$/, '').split('\n');

/** A tab stays one. */
const visible = (line: string): string => line.split('\t').map(plain).join('\t');
