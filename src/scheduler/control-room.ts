/** Opens the control socket of a daemon (SPEC 12). Promises that a socket which cannot be made is told, and stops nothing. */
import { join } from 'node:path';
import { openControl } from '../control/server.ts';
import { messageOf } from '../errors.ts';
import { accounts } from '../platform/accounts.ts';
import { peerOf } from '../platform/peer.ts';
import type { Level, LogEvent, LogFields, Steering } from '../types.ts';

export interface ControlRoom {
  /** `<run>`, and the daemon's own folder in it. */
  readonly run: string;
  readonly folder: string;
  /** Whose members may connect, where there is a group of that name. */
  readonly group: string | null;
  readonly uid: number;
  readonly steering: Steering;
  /** The name of the group that may steer as well. */
  steerGroup(): string | null;
  log(level: Level, event: LogEvent, fields: LogFields): void;
}

/** The result closes it. */
export async function openControlRoom(room: ControlRoom): Promise<() => Promise<void>> {
  const { run, folder, group, uid, steering, steerGroup, log } = room;
  try {
    const control = await openControl({
      folder,
      link: join(run, 'control.sock'),
      group: group === null ? null : accounts.group(group),
      ownUid: uid,
      steerGid() {
        const name = steerGroup();
        return name === null ? null : accounts.group(name);
      },
      peerOf,
      steering,
      log: (level, fields) => log(level, 'control', fields),
    });
    return () => control.close();
  } catch (error) {
    log('error', 'control', { msg: `there is no control socket: ${messageOf(error)}` });
    return async () => {};
  }
}
