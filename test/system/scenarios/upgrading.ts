/** New files under a running daemon and its tasks: an upgrade of Fate, and one of a library that it has loaded. */
import assert from 'node:assert/strict';
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
`;

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
