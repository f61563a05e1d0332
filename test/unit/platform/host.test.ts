/** What is known of the machine, and of its last start. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readBoot, readHost } from '../../../src/platform/host.ts';

const NOW = Date.UTC(2026, 2, 29);
const BOOT_ID = 'sys/kernel/random/boot_id';

/** A line as proc_pid_stat(5) has it, of a process with a name that is hard to read. */
const stat = (ticks: number): string =>
  `1 (a ) S (b) S 0 1 1 0 -1 4194560 95581 161512553 0 16077 720 4159 548089 410600 10 -10 14 0 ${ticks} 50106368 4146\n`;

/** A folder with files of /proc. */
function proc(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-proc-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

test('this machine has been started, before now, and says the same when it is asked again', () => {
  const { boot, uid, cpus, memory } = readHost();
  assert.equal(boot.kernel, readFileSync(`/proc/${BOOT_ID}`, 'utf8').trim());
  assert.ok(boot.id.startsWith(`${boot.kernel}:`));
  const now = Date.now();
  assert.ok(boot.at <= now && boot.at > now - 100 * 366 * 86_400_000);
  const again = readBoot(now);
  assert.equal(again.id, boot.id);
  assert.ok(Math.abs(again.at - boot.at) < 1000, `${again.at - boot.at} ms`);
  assert.ok(uid >= 0 && cpus >= 1);
  const total = /^MemTotal: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  assert.equal(memory, Number(total) * 1024);
});

test('a machine was booted when its first process was started', (t) => {
  const folder = proc(t, { [BOOT_ID]: 'k\n', '1/stat': stat(14), uptime: '3600.50 7000.00\n' });
  assert.deepEqual(readBoot(NOW, folder), { kernel: 'k', id: 'k:14', at: NOW - 3_600_500 + 140 });
});

test('a container that starts again is another boot of the same kernel', (t) => {
  const files = { [BOOT_ID]: 'k\n', uptime: '86400.00 1.00\n' };
  const first = readBoot(NOW, proc(t, { ...files, '1/stat': stat(100_000) }));
  const second = readBoot(NOW, proc(t, { ...files, '1/stat': stat(8_639_000) }));
  assert.equal(first.kernel, second.kernel);
  assert.notEqual(first.id, second.id);
  assert.equal(second.at, NOW - 10_000);
});

test('where a container is shown an uptime of its own, that is the time since its start', (t) => {
  const folder = proc(t, { [BOOT_ID]: 'k\n', '1/stat': stat(8_640_000), uptime: '20.00 1.00\n' });
  assert.deepEqual(readBoot(NOW, folder), { kernel: 'k', id: 'k:8640000', at: NOW - 20_000 });
});

test('where the first process is hidden, the boot of the kernel counts', (t) => {
  const folder = proc(t, { [BOOT_ID]: 'k\n', uptime: '20.00 1.00\n' });
  assert.deepEqual(readBoot(NOW, folder), { kernel: 'k', id: 'k:', at: NOW - 20_000 });
});

test('where nothing can be read nothing is known', (t) => {
  assert.deepEqual(readBoot(NOW, proc(t, {})), { kernel: '', id: '', at: NOW });
  const nonsense = proc(t, { [BOOT_ID]: '\n', '1/stat': 'x', uptime: 'y' });
  assert.deepEqual(readBoot(NOW, nonsense), { kernel: '', id: '', at: NOW });
});
