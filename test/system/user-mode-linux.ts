/**
 * A machine whose kernel is a process (user-mode-linux): slow, but with every controller of control groups, which the
 * containers of a machine that keeps them for itself do not have. It boots a root folder, runs one script and is off.
 */
import { execFile } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BOUND } from './box.ts';
import { PATH } from './root-folder.ts';

const UNIT = `[Unit]
After=multi-user.target
[Service]
Type=oneshot
Environment=HOME=/root LC_ALL=C.UTF-8
ExecStart=/bin/sh /root/script
StandardOutput=file:/root/script.log
StandardError=inherit
ExecStopPost=systemctl poweroff --no-block
`;

/**
 * Boots the folder, runs the script as root once all is up, and shuts down. What it wrote is in the folder.
 * @throws the end of the console, where it did not come to its end within `seconds`
 */
export async function bootOnce(root: string, script: string, seconds: number): Promise<void> {
  writeFileSync(join(root, 'root/script'), script);
  writeFileSync(join(root, 'etc/systemd/system/script.service'), UNIT);
  symlinkSync('../script.service', join(root, 'etc/systemd/system/multi-user.target.wants/script.service'));
  const kernel = ['mem=1G', 'root=/dev/root', 'rootfstype=hostfs', `rootflags=${root}`, 'rw'];
  const screen = ['con=null', 'con0=null,fd:1', 'quiet', 'systemd.unified_cgroup_hierarchy=1'];
  const command = [...BOUND, 'timeout', '-k', '1', String(seconds), 'linux.uml', ...kernel, ...screen];
  const { stdout } = await promisify(execFile)('setpriv', command, { env: { PATH, HOME: root, TMPDIR: '/tmp' } }).catch(
    (error) => {
      throw new Error(`no orderly end within ${seconds} s:\n${String(error.stdout).slice(-4000)}`);
    },
  );
  if (!stdout.includes('System halted')) throw new Error(`it did not shut down:\n${stdout.slice(-4000)}`);
}
