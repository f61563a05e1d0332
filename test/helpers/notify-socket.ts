/**
 * The other end of sd_notify(3): a real datagram socket, which Node cannot open and python3 can. Tells a test what a service
 * manager would have heard.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Cleanup } from './prefix.ts';

export interface NotifySocket {
  /** What NOTIFY_SOCKET is to be. */
  readonly path: string;
  /** In the order in which they came. */
  readonly messages: readonly string[];
  /** The first message, of those already there or still to come, that is like this. */
  until(pattern: RegExp): Promise<string>;
}

const RECEIVER = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('', flush=True)
while True:
    print(json.dumps(s.recv(65536).decode()), flush=True)
`;

/** Null where it can be opened; else why not. */
export function whyNoNotifySocket(): string | null {
  return spawnSync('python3', ['-c', '']).status === 0 ? null : 'there is no python3 to open a datagram socket with';
}

/** @throws where there is no python3 */
export async function openNotifySocket(t: Cleanup): Promise<NotifySocket> {
  const folder = mkdtempSync(join(tmpdir(), 'fate-notify-'));
  const path = join(folder, 'notify');
  const messages: string[] = [];
  const waiting = new Set<() => void>();
  const child = spawn('python3', ['-c', RECEIVER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === '') return resolve();
      messages.push(JSON.parse(line) as string);
      for (const look of waiting) look();
    });
  });
  return {
    path,
    messages,
    until: (pattern) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = messages.find((message) => pattern.test(message));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}
