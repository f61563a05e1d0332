/**
 * The journal's native protocol, by libsystemd (sd_journal_sendv(3)). Promises the log that entries come in the order in
 * which they were sent, and that a journal that is behind, and makes its senders wait, holds up no loop.
 */
import { existsSync } from 'node:fs';
import type { JournalSender } from '../types.ts';
import { koffi, systemError } from './libc.ts';

interface IoVector {
  readonly iov_base: Buffer;
  readonly iov_len: number;
}
type Done = (error: unknown, result: number) => void;
interface SendVector {
  async(fields: readonly IoVector[], count: number, done: Done): void;
}

/** Where it listens (systemd-journald.service(8)). */
const SOCKET = '/run/systemd/journal/socket';

let loaded: SendVector | null | undefined;

/** Null where the machine has no libsystemd. */
function library(): SendVector | null {
  if (loaded === undefined) {
    const k = koffi();
    try {
      const systemd = k.load('libsystemd.so.0');
      // A type without a name: names are unique in a process.
      const vector = k.struct({ iov_base: 'void *', iov_len: 'size_t' });
      loaded = systemd.func('sd_journal_sendv', 'int', [k.pointer(vector), 'int']);
    } catch {
      loaded = null;
    }
  }
  return loaded;
}

/**
 * Null where nothing can be sent: without libsystemd; and where the socket is not to be seen, as in a service with
 * RootDirectory=, since sd_journal_sendv(3) answers 0 then and drops what it was given.
 */
export function openJournal(socket = SOCKET): JournalSender | null {
  const sendv = existsSync(socket) ? library() : null;
  if (sendv === null) return null;
  let last: Promise<void> = Promise.resolve();
  return {
    send(fields) {
      const sent = last.then(() => call(sendv, fields));
      last = sent.catch(() => {});
      return sent;
    },
  };
}

/** What is being sent: its memory must stay until then. */
const inFlight = new Set<readonly IoVector[]>();

/** In a thread of koffi's pool: the socket blocks while the journal is behind. What is large goes in a memory file. */
function call(sendv: SendVector, fields: readonly Buffer[]): Promise<void> {
  const vectors = fields.map((field) => ({ iov_base: field, iov_len: field.length }));
  inFlight.add(vectors);
  return new Promise((resolve, reject) => {
    sendv.async(vectors, vectors.length, (error, result) => {
      inFlight.delete(vectors);
      if (error === null && result >= 0) resolve();
      else reject(error ?? systemError(-result, 'sd_journal_sendv'));
    });
  });
}

/**
 * Ends this process at once, with this status, where an entry is still being sent: the thread that sends it waits for a journal
 * that stands still, and Node waits for the thread (also in process.exit). Else it returns. All that matters must be done.
 */
export function leaveJournal(status: number): void {
  if (inFlight.size > 0) koffi().load(null).func('void _exit(int status)')(status);
}
