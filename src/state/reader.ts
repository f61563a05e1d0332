/**
 * The ledger for commands that only look, beside a daemon or without one (SPEC 12). Promises that it makes no file and changes
 * no record, and that LMDB's lock is held while something is read.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { errnoOf, FateError, messageOf } from '../errors.ts';
import { type LedgerReader, ledgerReader } from './looking.ts';
import { checkFormat, openError } from './store-files.ts';
import { hasLedger, layoutIn, OPTIONS, openTables } from './tables.ts';

/**
 * Null: nothing was ever recorded here (no folder, no store, or one of the layout before the ledger).
 * @param version of this Fate, to be told where a newer one has written it
 * @throws FateError NOT_PERMITTED unless data.mdb may be read and lock.mdb written; FATAL as openStore
 */
export function openReader(
  folder: string,
  version: string | null = null,
): (LedgerReader & { close(): Promise<void> }) | null {
  if (!isThere(folder)) return null;
  let root: ReturnType<typeof open<string, string>> | null = null;
  const close = async (): Promise<void> => {
    await root?.close();
    root = null;
  };
  try {
    checkFormat(folder);
    root = open<string, string>({ path: folder, readOnly: true, ...OPTIONS });
    const meta = root.openDB<string, string>('meta', { encoding: 'string' });
    // lmdb-js answers undefined for a table that is not there, whatever its types say.
    const layout = meta === undefined ? null : layoutIn(meta, folder, version);
    const tables = hasLedger(layout) ? openTables(root) : null;
    if (tables !== null) return { ...ledgerReader(tables), close };
    close().catch(() => {});
    return null;
  } catch (error) {
    close().catch(() => {});
    throw openError(folder, error);
  }
}

/**
 * Whether there is a store. LMDB lets those in who may not write its lock, without it, and what they read may be torn
 * (mdb_env_open of lmdb.h, EACCES on a read-only environment): they are refused.
 */
function isThere(folder: string): boolean {
  const data = join(folder, 'data.mdb');
  try {
    accessSync(data, constants.R_OK);
    // Empty while a scheduler makes it.
    if (statSync(data).size === 0) return false;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return false;
    throw refused(folder, error);
  }
  try {
    accessSync(join(folder, 'lock.mdb'), constants.R_OK | constants.W_OK);
    return true;
  } catch (error) {
    throw refused(folder, error);
  }
}

function refused(folder: string, error: unknown): FateError {
  const errno = errnoOf(error) ?? '';
  if (['EACCES', 'EPERM'].includes(errno)) {
    return new FateError('NOT_PERMITTED', `the state in ${folder} is not yours to read: ${messageOf(error)}`);
  }
  const why =
    errno === 'ENOENT'
      ? 'its lock.mdb is missing, and comes with the next start of a scheduler'
      : errno === 'EROFS'
        ? 'its file system is read-only, and LMDB needs to write its lock'
        : messageOf(error);
  return new FateError('FATAL', `the state in ${folder} cannot be read: ${why}`, { cause: error });
}
