/** systemctl reload: waits for the new configuration, or tells why the old one stays. */
import assert from 'node:assert/strict';
import { EVERY_SECOND, type FateBox, scenario } from '../fate-box.ts';

const A = `[a]\nschedule = "${EVERY_SECOND}"\nexec = ["true"]\n`;

export function reloading(box: () => FateBox): void {
  scenario('a good reload: the new task runs, in the same daemon', box, async (fate) => {
    await fate.start({ tasks: A });
    const pid = await fate.show('MainPID');
    fate.configure({ tasks: `${A}[b]\nschedule = "${EVERY_SECOND}"\nexec = ["true"]\n` });
    await fate.sh('systemctl reload fated');
    assert.ok((await fate.sh('fate list --json')).includes('"b"'), 'it is in force when the reload returns');
    await fate.ended('b');
    assert.deepEqual([await fate.show('MainPID'), await fate.show('ActiveState')], [pid, 'active']);
  });

  for (const [what, bad, message] of [
    ['an invalid task', `${A}[b]\nschedule = "99 * * * *"\nexec = ["true"]\n`, /tasks\.toml:5.*b\.schedule/],
    ['a file that cannot be parsed', `${A}[b`, /tasks\.toml:4/],
    ['no configuration', null, /no tasks in \/etc\/fate/],
  ] as const) {
    scenario(
      `a reload of ${what} fails, the journal has the problems, and the old configuration goes on`,
      box,
      async (fate) => {
        await fate.start({ tasks: A });
        const pid = await fate.show('MainPID');
        if (bad === null) await fate.sh('rm /etc/fate/tasks.toml');
        else fate.configure({ tasks: bad });
        assert.notEqual((await fate.run('systemctl reload fated')).status, 0);
        const errors = await fate.journal('_SYSTEMD_UNIT=fated.service', 'PRIORITY=3');
        assert.match(errors.map(({ MESSAGE }) => MESSAGE).join('\n'), message);
        const before = (await fate.journal('FATE_TASK=a', 'FATE_EVENT=ended')).length;
        await fate.waitFor(
          `test "$(journalctl -q FATE_TASK=a FATE_EVENT=ended _PID=${pid} -o cat | wc -l)" -gt ${before}`,
        );
        assert.deepEqual([await fate.show('MainPID'), await fate.show('ActiveState')], [pid, 'active']);
        fate.configure({ tasks: A });
        await fate.sh('systemctl reload fated');
      },
    );
  }
}
