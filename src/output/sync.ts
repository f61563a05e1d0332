/** fsync(2) of files and folders, so that a long one holds up nobody but who waits for it. */
import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../errors.ts';

/** A sync may hold one of Node's four file threads for seconds: no more than two at once, others want them too. */
let syncs: readonly [Promise<unknown>, Promise<unknown>] = [Promise.resolve(), Promise.resolve()];

export function synced(file: FileHandle): Promise<void> {
  const mine = syncs[0].then(() => file.sync());
  syncs = [syncs[1], mine.catch(() => {})];
  return mine;
}

/** Makes a folder's entries durable. Some file systems cannot, and need not. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await synced(handle);
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}
