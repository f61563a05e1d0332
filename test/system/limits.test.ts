/** limits.memory, processes and cpu of a run where systemd has every controller to delegate. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { boxFolder } from './box.ts';
import { install, type JournalRecord, parseJournal, type RunRecord } from './fate-box.ts';
import { unpackRoot, whyNot } from './root-folder.ts';
import { bootOnce } from './user-mode-linux.ts';

const MIB = 1024 * 1024;
const TASKS = `
[hog]
schedule = "@reboot"
limits = { memory = "48M" }
shell = "head -c 200M /dev/zero | tail -c 190M >/dev/null; echo survived; exit 3"
[modest]
schedule = "@reboot"
limits = { memory = "128M" }
shell = "head -c 60M /dev/zero | tail -c 32M | wc -c"
[forks]
schedule = "@reboot"
limits = { processes = 4 }
shell = "for n in 1 2 3 4 5 6; do sleep 2 & done; wait"
[slow]
schedule = "@reboot"
limits = { cpu = "30%" }
shell = 'cat "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/cpu.max" >&2'
`;

// Commands take seconds on such a machine: the tasks start by themselves, with the daemon.
const SCRIPT = `set -x
systemctl start fated
systemctl show -P MainPID fated >/root/pid-before
until [ "$(journalctl -q FATE_EVENT=ended -o cat | wc -l)" -ge 4 ]; do sleep 1; done
fate runs -n all --json >/root/runs.json
systemctl show -P MainPID fated >/root/pid-after
journalctl --sync; journalctl -q -u fated -o json --all >/root/journal.json
`;

const why = process.arch === 'x64' ? await whyNot('bookworm', 'linux.uml') : 'user-mode-linux is for x86-64 only';

describe('under a kernel that gives Fate all controllers', { skip: why ?? false }, () => {
  const { folder, root } = boxFolder('user-mode-linux');
  const read = (name: string): string => readFileSync(join(root, 'root', name), 'utf8');
  let runs: Record<string, RunRecord> = {};
  let journal: readonly JournalRecord[] = [];

  before(
    async () => {
      await unpackRoot('bookworm', root);
      await install(root);
      mkdirSync(join(root, 'etc/fate'), { recursive: true });
      writeFileSync(join(root, 'etc/fate/tasks.toml'), TASKS);
      await bootOnce(root, SCRIPT, 120);
      const all = JSON.parse(read('runs.json')) as RunRecord[];
      runs = Object.fromEntries(all.map((run) => [run.task, run]));
      journal = parseJournal(read('journal.json'));
    },
    { timeout: 400_000 },
  );
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('memory: the run that wants more is ended, its record and the journal say so, and the daemon lives', () => {
    assert.notEqual(runs.hog?.status, 'OK', JSON.stringify(runs.hog));
    assert.match(runs.hog?.reason ?? '', /memory/);
    assert.ok(journal.some(({ FATE_TASK, MESSAGE }) => FATE_TASK === 'hog' && /memory/.test(MESSAGE ?? '')));
    assert.equal(read('pid-after'), read('pid-before'));
  });

  test('a run within its limit has its peak memory and its CPU time recorded', () => {
    assert.equal(runs.modest?.status, 'OK', JSON.stringify(runs.modest));
    const memory = Number(runs.modest?.memory);
    assert.ok(memory > 32 * MIB && memory <= 128 * MIB, `peak memory ${memory}`);
    assert.ok(Number(runs.modest?.cpu_ms) > 0, JSON.stringify(runs.modest));
  });

  test('processes: one more than allowed cannot be started', () => {
    assert.equal(runs.forks?.status, 'Error', JSON.stringify(runs.forks));
    const told = journal.filter(({ FATE_TASK }) => FATE_TASK === 'forks').map(({ MESSAGE }) => MESSAGE);
    assert.match(told.join('\n'), /[Cc]annot fork/);
  });

  test('cpu: the group of the run has the quota', () => {
    const told = journal.filter(({ FATE_TASK, FATE_EVENT }) => FATE_TASK === 'slow' && FATE_EVENT === 'log');
    assert.deepEqual(
      told.map(({ MESSAGE }) => MESSAGE),
      ['30000 100000'],
    );
  });
});
