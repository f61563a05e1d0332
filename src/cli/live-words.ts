/** Runs that go or wait, in words, for `fate status`. Pure. */
import type { LiveJson } from '../control/json.ts';
import { formatDuration } from '../schedule/duration.ts';
import { describeWaited } from '../scheduler/waited.ts';
import type { EpochMs } from '../types.ts';
import { plain } from './words.ts';

/** How long it goes, or waits for its turn; '-' for one whose time has not come. */
export function sinceWords({ status, started, due }: LiveJson, now: EpochMs): string {
  const since = status === 'running' ? started : status === 'waiting' ? due : null;
  return since === null ? '-' : formatDuration(Math.max(0, now - Date.parse(since)));
}

/** What there is to say of it besides. */
export function liveRemarks(row: LiveJson, now: EpochMs): string {
  const words: string[] = [];
  if (row.attempt > 1) words.push(`attempt ${row.attempt}`);
  if (row.retry !== null) {
    const wait = Date.parse(row.retry) - now;
    words.push(wait > 0 ? `in ${formatDuration(wait)}` : 'when it is its turn');
  }
  if (row.waited !== null) words.push(`for ${describeWaited(row.waited)}`);
  if (row.by_hand) words.push('by hand');
  if (row.pid !== null) words.push(`process ${row.pid}`);
  return plain(words.join('; '));
}
