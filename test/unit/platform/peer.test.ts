import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { peerOf } from '../../../src/platform/peer.ts';
import type { Peer } from '../../../src/types.ts';

const ROOT = process.getuid?.() === 0;

/** Who connects when a program does. */
async function peerWhen(
  t: { after(work: () => void): void },
  words: (path: string) => string[],
): Promise<[Peer | null, number]> {
  const folder = mkdtempSync(join(tmpdir(), 'fate-peer-'));
  chmodSync(folder, 0o755);
  const path = join(folder, 's');
  const server = createServer().listen(path);
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await once(server, 'listening');
  chmodSync(path, 0o666);
  const connected = once(server, 'connection') as Promise<[Socket & { readonly _handle: { readonly fd: number } }]>;
  const [program = '', ...args] = words(path);
  const child = spawn(program, args, { stdio: 'ignore' });
  const [socket] = await connected;
  const peer = peerOf(socket._handle.fd);
  socket.destroy();
  if (child.exitCode === null) await once(child, 'exit');
  return [peer, child.pid ?? -1];
}

const connecting = (path: string): string[] => [
  process.execPath,
  '-e',
  `require('node:net').connect(${JSON.stringify(path)}).on('close', () => {})`,
];

test('the peer of a socket is the process that connected, as the kernel knows it', async (t) => {
  const [peer, pid] = await peerWhen(t, connecting);
  assert.equal(peer?.pid, pid);
  assert.equal(peer?.uid, process.getuid?.());
  assert.equal(peer?.gid, process.getgid?.());
});

test('its user and all its groups are told, also hundreds of them', {
  skip: ROOT ? false : 'only root can be somebody else',
}, async (t) => {
  for (const count of [1, 64, 65, 300]) {
    const groups = Array.from({ length: count }, (_, at) => 2000 + at);
    const who = ['setpriv', '--reuid', '1234', '--regid', '4321', '--groups', groups.join(',')];
    const [peer] = await peerWhen(t, (path) => [...who, ...connecting(path)]);
    assert.deepEqual([peer?.uid, peer?.gid], [1234, 4321]);
    assert.deepEqual([...(peer?.groups ?? [])].sort(), groups.map(Number).sort());
  }
});

test('what is no unix socket has no peer', () => {
  const fd = openSync('/dev/null', 'r');
  assert.equal(peerOf(fd), null);
  closeSync(fd);
  assert.equal(peerOf(fd), null);
  assert.equal(peerOf(-1), null);
});
