/** How a file that is there differs from what would replace it, for people. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { messageOf } from '../../errors.ts';
import { plain } from '../words.ts';
import type { Wanted } from './wanted.ts';

/** Lines without their ends, `-` what is there, `+` what would be; nothing in them steers a terminal. */
export function differences({ path, content }: Pick<Wanted, 'path' | 'content'>): string[] {
  if ('link' in content) return [`-${path} ${plain(was(path))}`, `+${path} a link to ${plain(content.link)}`];
  const labels = ['--label', plain(path), '--label', `${plain(path)} (new)`];
  const { status, stdout } = spawnSync('diff', ['-u', ...labels, '--', path, '-'], {
    input: content.text,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  });
  // 1: they differ (diff(1)).
  if (status === 1) return linesOf(stdout).map(visible);
  try {
    return ownDiff(linesOf(readFileSync(path, 'utf8')), linesOf(content.text)).map(visible);
  } catch (error) {
    return [`cannot read ${path}: ${messageOf(error)}`];
  }
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
