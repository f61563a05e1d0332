/**
 * sd_notify(3) of libsystemd through koffi: the spare way for a daemon whose sd-notify package does not load, so that a
 * new version of Node does not leave systemd waiting for a readiness that nobody tells.
 */
import { koffi, systemError } from './libc.ts';

type SdNotify = (unsetEnvironment: number, state: string) => number;
let loaded: SdNotify | null = null;

/**
 * Sends assignments, one a line; does nothing without NOTIFY_SOCKET. @throws a system error of `syscall` sd_notify; an error
 * where there is no libsystemd
 */
export function spareNotify(state: string): void {
  loaded ??= load();
  const result = loaded(0, state);
  // Of this library a failure is a negative errno.
  if (result < 0) throw systemError(-result, 'sd_notify');
}

function load(): SdNotify {
  return koffi().load('libsystemd.so.0').func('int sd_notify(int unset_environment, const char *state)');
}
