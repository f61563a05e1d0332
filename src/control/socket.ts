/**
 * The socket in the file system: `<run>/run-<pid>/control.sock`, and the link to it for people. Promises that nobody whom its
 * mode keeps out can connect at any moment, that its path may be of any length, and that what it removes is its own.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import type { Server } from 'node:net';
import { basename, dirname, join, relative } from 'node:path';
import { errnoOf, FateError, messageOf } from '../errors.ts';

export const SOCKET = 'control.sock';
const MODE = 0o660;
const KEEP = -1;

export interface Place {
  readonly path: string;
  /** Removes socket and link, as far as they are ours. Never throws. */
  remove(): void;
}

export interface Wanted {
  /** The daemon's own folder. */
  readonly folder: string;
  readonly link: string;
  /** Null: the one that it is born with. */
  readonly group: number | null;
  /** What could not be done, and is no reason not to go on. */
  warn(message: string): void;
}

/** Listens. @throws FateError FATAL */
export async function listenAt(server: Server, { folder, link, group, warn }: Wanted): Promise<Place> {
  const path = join(folder, SOCKET);
  let birth: string | null = null;
  let fd: number | null = null;
  const close = (): void => {
    if (fd !== null) closeSync(fd);
    fd = null;
  };
  try {
    // A socket is born with the mode that the umask leaves: until it has its own, a closed folder is around it.
    birth = mkdtempSync(join(folder, '.control-'));
    // sockaddr_un of unix(7) has room for 107 bytes: by the folder's descriptor every path is short. That stays open while
    // the server lives, since libuv removes the name that it has bound when it closes.
    fd = openSync(birth, constants.O_RDONLY | constants.O_DIRECTORY);
    await listening(server, `/proc/self/fd/${fd}/${SOCKET}`);
    const born = join(birth, SOCKET);
    if (group !== null) giveToGroup(born, group, warn);
    chmodSync(born, MODE);
    renameSync(born, path);
    rmdirSync(birth);
  } catch (error) {
    server.close();
    close();
    if (birth !== null) rmSync(birth, { recursive: true, force: true });
    throw new FateError('FATAL', `the control socket ${path} cannot be made: ${messageOf(error)}`, { cause: error });
  }
  const target = makeLink(link, path, warn);
  return {
    path,
    remove() {
      if (target !== null) removeLink(link, target);
      rmSync(path, { force: true });
      server.close(close);
    },
  };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function giveToGroup(path: string, group: number, warn: Wanted['warn']): void {
  try {
    chownSync(path, KEEP, group);
  } catch (error) {
    warn(`the control socket could not be given to the group ${group}: ${messageOf(error)}`);
  }
}

/** Replaces it at once, whoever's it was: of several daemons with one run folder the latest has it. */
function makeLink(link: string, path: string, warn: Wanted['warn']): string | null {
  const target = relative(dirname(link), path);
  const beside = join(dirname(link), `.${basename(link)}-${process.pid}`);
  try {
    rmSync(beside, { force: true });
    symlinkSync(target, beside);
    renameSync(beside, link);
    return target;
  } catch (error) {
    rmSync(beside, { force: true });
    warn(`${link} could not be made a link to the control socket: ${messageOf(error)}`);
    return null;
  }
}

function removeLink(link: string, target: string): void {
  try {
    if (readlinkSync(link) === target) rmSync(link, { force: true });
  } catch (error) {
    // EINVAL: no link. Whatever else there is, is not ours.
    if (!['ENOENT', 'EINVAL', 'EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')) throw error;
  }
}
