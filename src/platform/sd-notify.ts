/**
 * The protocol of sd_notify(3), which is stable and may be spoken by anybody, with nothing but the C library: the spare way for a
 * daemon whose sd-notify package is not there or does not load, so that systemd is not left waiting for a readiness that
 * nobody tells. Asks for no libsystemd, which not every machine has where the loader looks.
 */
import { closeSync } from 'node:fs';
import { failed, koffi, systemError } from './libc.ts';

interface Datagrams {
  socket(domain: number, type: number, protocol: number): number;
  sendto(fd: number, data: Buffer, size: number, flags: number, address: Buffer, addressSize: number): number;
}

// <sys/socket.h>, <sys/un.h>: the same on every architecture that koffi and Node both run on.
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const SUN_PATH_SIZE = 108;
const ENAMETOOLONG = 36;
const EAFNOSUPPORT = 97;

let loaded: Datagrams | null = null;

/** Sends assignments, one a line; does nothing without NOTIFY_SOCKET. @throws a system error of `syscall` sd_notify */
export function spareNotify(state: string): void {
  const name = process.env.NOTIFY_SOCKET;
  if (!name) return;
  const address = addressOf(name);
  loaded ??= load();
  const fd = loaded.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw failed('sd_notify');
  try {
    const data = Buffer.from(state);
    // The kernel adds our process id, which is what NotifyAccess=main of the unit looks at.
    if (loaded.sendto(fd, data, data.length, MSG_NOSIGNAL, address, address.length) < 0) throw failed('sd_notify');
  } finally {
    closeSync(fd);
  }
}

/** A struct sockaddr_un. A path, or `@` and an abstract name; not the sockets of virtual machines (`vsock:`), nor those of others. */
function addressOf(name: string): Buffer {
  if (!/^[/@]./.test(name)) throw systemError(EAFNOSUPPORT, 'sd_notify');
  const path = Buffer.from(name.startsWith('@') ? `\0${name.slice(1)}` : `${name}\0`);
  if (path.length > SUN_PATH_SIZE) throw systemError(ENAMETOOLONG, 'sd_notify');
  return Buffer.concat([new Uint8Array(Uint16Array.of(AF_UNIX).buffer), path]);
}

function load(): Datagrams {
  const c = koffi().load(null);
  return {
    socket: c.func('int socket(int domain, int type, int protocol)'),
    sendto: c.func(
      'long sendto(int fd, const void *data, size_t size, int flags, const void *address, unsigned int addressSize)',
    ),
  };
}
