/**
 * Who schedules the configuration in use, and where he can be asked: found by the lock of its state, which names its owner; where
 * the state is not ours to see, by the link in the run folder. Starts and writes nothing.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { join, sep } from 'node:path';
import { configurationStems, type LoadOptions } from '../conf/load.ts';
import { accepted, ask, type Method } from '../control/client.ts';
import type { StatusJson } from '../control/json.ts';
import { errnoOf, FateError } from '../errors.ts';
import { lockOwner, type Owner } from '../platform/lock.ts';
import type { Paths } from '../platform/paths.ts';
import { stateName } from '../state/folder.ts';
import type { Ms } from '../types.ts';
import { type CommonArguments, loadOptionsFor, pathsFor } from './context.ts';
import { folderOf } from './recorded.ts';

const SOCKET = 'control.sock';

export type Attendance =
  /** The state is ours, and nobody has its lock. */
  | { readonly kind: 'none' }
  /** Somebody has it who has no control socket, such as a pass of `fates`. */
  | { readonly kind: 'mute'; readonly owner: Owner }
  | { readonly kind: 'daemon'; readonly socket: string }
  /** The state is not ours to see: if there is a daemon, it is to be asked there. */
  | { readonly kind: 'hidden'; readonly socket: string };

export function attendanceOf({ run }: Pick<Paths, 'run'>, folder: string): Attendance {
  try {
    accessSync(join(folder, 'lock'), constants.R_OK);
  } catch (error) {
    const hidden = ['EACCES', 'EPERM'].includes(errnoOf(error) ?? '');
    return hidden ? { kind: 'hidden', socket: join(run, SOCKET) } : { kind: 'none' };
  }
  const owner = lockOwner(folder);
  if (owner === null) return { kind: 'none' };
  // Written by who knows which version.
  const socket = typeof owner.run === 'string' ? join(owner.run, SOCKET) : null;
  return socket !== null && existsSync(socket) ? { kind: 'daemon', socket } : { kind: 'mute', owner };
}

/** Who schedules the configuration in use. */
export function findAttendance(args: CommonArguments): {
  readonly attendance: Attendance;
  readonly options: LoadOptions;
} {
  const paths = pathsFor(args);
  const options = loadOptionsFor(paths);
  const folder = folderOf(paths.state, stateName(configurationStems(options)));
  return { attendance: attendanceOf(paths, folder), options };
}

/** Where its daemon can be asked. @throws FateError TEMPORARY where there is none */
export async function demandDaemon(args: CommonArguments): Promise<string> {
  const { attendance, options } = findAttendance(args);
  const { conf } = options;
  switch (attendance.kind) {
    case 'none':
      throw new FateError('TEMPORARY', `no daemon runs the configuration in ${conf}`);
    case 'mute': {
      const { program, pid } = attendance.owner;
      throw new FateError('TEMPORARY', `${program} (pid ${pid}) runs this configuration, and has no control socket`);
    }
    case 'daemon':
      return attendance.socket;
    case 'hidden':
      await demandSame(attendance.socket, options);
      return attendance.socket;
  }
}

/**
 * The link in the run folder leads to the daemon that made it last, whichever configuration that runs.
 * @throws FateError TEMPORARY where it is another, as `ask` where nobody answers
 */
export async function demandSame(
  socket: string,
  { conf, packaged }: Pick<LoadOptions, 'conf' | 'packaged'>,
): Promise<void> {
  const { files } = await asked<StatusJson>(socket, 'GET', '/v1/status');
  const folders = [conf, packaged].filter((folder) => folder !== null).map((folder) => folder + sep);
  if (files.length === 0 || files.some((file) => folders.some((folder) => file.startsWith(folder)))) return;
  throw new FateError('TEMPORARY', `no daemon runs the configuration in ${conf}; the one at ${socket} runs another`);
}

/** What the daemon answers, or the error that it refuses with. @throws FateError */
export async function asked<T extends object>(
  socket: string,
  method: Method,
  path: string,
  body?: unknown,
  patience?: Ms,
): Promise<T> {
  const answered = accepted(await ask(socket, method, path, body, patience));
  if (typeof answered === 'object' && answered !== null) return answered as T;
  throw new FateError('FATAL', `the daemon at ${socket} answered something else than expected`);
}
