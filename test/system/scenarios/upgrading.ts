/** New files under a running daemon and its tasks: an upgrade of Fate, and one of a library that it has loaded. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repo } from '../../helpers/repo.ts';
import { type FateBox, NEVER, scenario } from '../fate-box.ts';

const TASKS = `
[long]
schedule = "${NEVER}"
shell = '''
echo ready >&2
until [ -e /var/tmp/go-on ]; do sleep 0.1; done
seq 100000
echo {} >&4
'''
[csv]
schedule = "${NEVER}"
format.result = "csv"
shell = 'echo a,b; echo 1,2; echo "<3>said" >&2'
[toml]
schedule = "${NEVER}"
shell = 'echo "a = 1"; echo "b: [2]" >&4'
[where]
schedule = "${NEVER}"
shell = "cat /proc/self/cgroup; echo {} >&4"
format.result = ""
path.result = "/var/lib/fate/where"
path.on_conflict = "replace"
`;

/** What a new start in the same place leaves as it is. */
const lifeOf = async (fate: FateBox): Promise<string[]> => {
  // While it starts, systemd sees a reload.
  await fate.waitFor('test "$(systemctl show -P SubState fated)" = running');
  return Promise.all(['MainPID', 'NRestarts', 'ActiveState', 'InvocationID', 'ActiveEnterTimestamp'].map(fate.show));
};

/** The daemon and a run are where they belong below its control group. */
async function placed(fate: FateBox): Promise<void> {
  const { run, status } = await fate.runTask('where');
  assert.equal(status, 'OK');
  const own = '/system.slice/fated.service';
  const pid = await fate.show('MainPID');
  assert.match(await fate.sh(`cat /proc/${pid}/cgroup`), new RegExp(`^0::${own}/main$`, 'm'));
  assert.match(await fate.sh('cat /var/lib/fate/where'), new RegExp(`^0::${own}/runs/${run}$`, 'm'));
}

export function upgrading(box: () => FateBox): void {
  scenario(
    'an upgrade under a running task: the task ends well, the old daemon goes on, a restart takes the new',
    box,
    async (fate) => {
      await fate.start({ tasks: TASKS });
      await fate.sh('rm -f /var/tmp/go-on; fate run long');
      await fate.ready('long');
      const pid = await fate.show('MainPID');
      await fate.install();
      await fate.sh('systemctl daemon-reload; touch /var/tmp/go-on');
      const [long] = await fate.ended('long');
      assert.equal(long?.status, 'OK', JSON.stringify(long));
      assert.equal((await fate.runTask('csv')).status, 'OK', 'with what is loaded only when it is needed');
      assert.equal((await fate.runTask('toml')).status, 'OK');
      await fate.sh('systemctl reload fated');
      assert.equal(await fate.show('MainPID'), pid);
      const troubles = await fate.journal('_SYSTEMD_UNIT=fated.service', 'PRIORITY=3');
      assert.deepEqual(
        troubles.map(({ MESSAGE }) => MESSAGE),
        [],
      );
      await fate.sh('systemctl restart fated');
      assert.notEqual(await fate.show('MainPID'), pid);
      assert.equal((await fate.runTask('csv')).status, 'OK');
    },
  );

  scenario(
    'fate restart --when-idle after an upgrade: when the task has ended, the same process is the new version',
    box,
    async (fate) => {
      await fate.start({ tasks: TASKS, dropIn: 'WatchdogSec=3s' });
      await fate.sh('rm -f /var/tmp/go-on; fate run long');
      await fate.ready('long');
      const before = await lifeOf(fate);
      await fate.install();
      const about = join(fate.root, 'usr/local/lib/fate/package.json');
      const written = readFileSync(about, 'utf8');
      writeFileSync(about, written.replace(/"version": "[^"]*"/, '"version": "9.9.9"'));
      try {
        assert.equal(await fate.sh('fate restart --when-idle'), 'fated restarts when what runs has ended: long');
        await fate.sh('touch /var/tmp/go-on');
        await fate.told('FATE_EVENT=start', 'FATE_VERSION=9.9.9');
      } finally {
        writeFileSync(about, written);
      }
      const [long] = await fate.ended('long');
      assert.equal(long?.status, 'OK', JSON.stringify(long));
      await fate.waitFor('fate status | grep -q "fated 9.9.9"');
      assert.deepEqual(await lifeOf(fate), before);
      await placed(fate);
      // A restart while something waits for nothing else, and the watchdog in between.
      await fate.sh('fate restart && fate status && sleep 4 && fate restart && fate restart && sleep 4');
      assert.deepEqual(await lifeOf(fate), before);
      await placed(fate);
      // The line follows what goes on within a second.
      await fate.waitFor('systemctl show -P StatusText fated | grep -q "^0 running"');
      await fate.sh('systemctl reload fated');
      const troubles = [
        ...(await fate.journal('_SYSTEMD_UNIT=fated.service', 'PRIORITY=3')),
        ...(await fate.journal('_SYSTEMD_UNIT=fated.service', 'PRIORITY=4')),
        ...(await fate.journal('UNIT=fated.service', '_PID=1')).filter(({ PRIORITY }) => Number(PRIORITY) < 6),
      ];
      assert.deepEqual(
        troubles.map(({ MESSAGE }) => MESSAGE),
        [],
      );
      await fate.sh('systemctl stop fated');
      assert.deepEqual([await fate.show('Result'), await fate.show('ExecMainStatus')], ['success', '0']);
    },
  );

  for (const [name, dropIn] of [
    [
      'as a user of its own',
      async (fate: FateBox) => {
        await fate.sh('id scheduler 2>/dev/null || useradd --system scheduler');
        return 'User=scheduler';
      },
    ],
    [
      'with hardening.conf',
      async () => readFileSync(join(repo, 'systemd/hardening.conf'), 'utf8').replace(/^[\s\S]*\[Service\]\n/, ''),
    ],
  ] as const) {
    scenario(`${name} it starts anew as well`, box, async (fate) => {
      await fate.start({ tasks: TASKS, dropIn: await dropIn(fate) });
      const before = await lifeOf(fate);
      await placed(fate);
      await fate.sh('fate restart; fate restart --when-idle');
      await fate.waitFor(
        'test "$(journalctl -q -u fated FATE_EVENT=start -o cat | wc -l)" -ge 3; fate status | grep -q fated',
      );
      assert.deepEqual(await lifeOf(fate), before);
      await placed(fate);
      assert.equal((await fate.journal('_SYSTEMD_UNIT=fated.service', 'PRIORITY=3')).length, 0);
    });
  }

  scenario('a new program that does not run leaves the daemon as it is, and the unit with it', box, async (fate) => {
    await fate.start({ tasks: TASKS });
    const before = await lifeOf(fate);
    const program = '/usr/local/lib/fate/dist/fated.js';
    await fate.sh(`mv ${program} ${program}.aside; echo 'process.exit(3)' >${program}`);
    try {
      const refused = await fate.run('fate restart');
      assert.equal(refused.status, 1, refused.stderr);
      assert.match(refused.stderr, /the daemon goes on as it is: .*exit status 3/);
    } finally {
      await fate.sh(`mv ${program}.aside ${program}`);
    }
    assert.deepEqual(await lifeOf(fate), before);
    await placed(fate);
  });

  scenario('one that cannot become the new program after all ends, and systemd starts it again', box, async (fate) => {
    const node = await fate.sh(`sed -n 's/^exec "\\([^"]*\\)".*/\\1/p' /usr/local/bin/fated; rm -rf /var/tmp/fate`);
    await fate.sh(`cp -R /usr/local/lib/fate /var/tmp/fate; cp ${node} /var/tmp/fate/node`);
    const command = '/var/tmp/fate/node /var/tmp/fate/dist/fated.js --system --foreground --no-banner';
    await fate.start({ tasks: TASKS, dropIn: `ExecStart=\nExecStart=${command}\nRestartSec=1` });
    const pid = await fate.show('MainPID');
    // Whoever asks it for its version takes the program away.
    fate.write(
      '/var/tmp/fate/dist/fated.js',
      `import { renameSync } from 'node:fs';
      if (process.argv.includes('--version')) {
        renameSync(process.execPath, process.execPath + '.aside');
        console.log('fated 9.9.9');
      } else await import('../fated.js');\n`,
    );
    await fate.sh('cp /usr/local/lib/fate/dist/fated.js /var/tmp/fate/dist/real.js');
    await fate.sh("sed -i 's#../fated.js#./real.js#' /var/tmp/fate/dist/fated.js; fate restart --when-idle");
    await fate.told('FATE_EVENT=restart', 'PRIORITY=2');
    await fate.sh('mv /var/tmp/fate/node.aside /var/tmp/fate/node');
    await fate.waitFor('systemctl is-active --quiet fated && test "$(systemctl show -P NRestarts fated)" -ge 1');
    assert.notEqual(await fate.show('MainPID'), pid);
    assert.equal((await fate.runTask('csv')).status, 'OK');
    await fate.sh('systemctl stop fated; rm -rf /var/tmp/fate');
  });

  scenario('needrestart leaves it alone, though a library that it uses was replaced', box, async (fate) => {
    await fate.start({ tasks: TASKS });
    const pid = await fate.show('MainPID');
    // As dpkg does it: a new file takes the name; what is mapped is a deleted file from then on.
    await fate.sh(`for lib in $(awk '$6 ~ /libstdc\\+\\+|libgcc_s/ { print $6 }' /proc/${pid}/maps | sort -u); do
      cp -p "$lib" "$lib.new" && mv "$lib.new" "$lib" || exit 1; done; grep -q 'libstdc++.*(deleted)' /proc/${pid}/maps`);
    const found = await fate.sh('needrestart -b -r l');
    assert.match(found, /^NEEDRESTART-VER/m);
    await fate.sh('needrestart -q -r a', 60);
    assert.deepEqual([await fate.show('MainPID'), await fate.show('ActiveState')], [pid, 'active']);
  });
}
