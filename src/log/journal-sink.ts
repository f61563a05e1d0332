/** The journal as a target of the log: when it is one, and how entries come to it, one after the other. */
import { fstatSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import type { JournalSender } from '../types.ts';
import type { JournalEntry } from './journal-entry.ts';
import type { Sink } from './outlet.ts';

/**
 * Whether what is written to a descriptor goes to the journal: JOURNAL_STREAM is `device:inode` of the stream that the
 * service manager made, and is inherited by programs whose stderr is another one by then (systemd.exec(5)).
 */
export function isJournal(fd: number, stream: string | undefined): boolean {
  if (stream === undefined || stream === '') return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** Refused for what it is, so that it would be refused again: it must not keep those behind it. */
const HOPELESS = new Set(['EINVAL', 'E2BIG', 'EMSGSIZE']);

export function journalSink(sender: JournalSender): Sink<JournalEntry> {
  let left: JournalEntry[] = [];
  let closed = false;
  return {
    dead: false,
    async write(entries) {
      left = left.length === 0 ? [...entries] : [...left, ...entries];
      let sent = 0;
      try {
        for (; sent < left.length && !closed; sent += 1) {
          await sender.send((left[sent] ?? []).map((field) => Buffer.from(field))).catch(unlessHopeless);
        }
      } finally {
        left = left.slice(sent);
      }
    },
    async close() {
      closed = true;
    },
  };
}

function unlessHopeless(error: unknown): void {
  if (!HOPELESS.has(errnoOf(error) ?? '')) throw error;
}
