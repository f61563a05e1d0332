/** A user's own instance, with lingering, in XDG folders. */
import assert from 'node:assert/strict';
import { type FateBox, NEVER, scenario } from '../fate-box.ts';

export function userInstance(box: () => FateBox): void {
  scenario("a user's own instance: enabled, in the user's folders, reloaded, and stopped", box, async (fate) => {
    await fate.fresh({});
    await fate.sh('id single 2>/dev/null || useradd -m -s /bin/bash single; loginctl enable-linger single');
    const uid = await fate.sh('id -u single');
    await fate.waitFor(`test -S /run/user/${uid}/bus && systemctl is-active user@${uid}.service`);
    const environment = `XDG_RUNTIME_DIR=/run/user/${uid} DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/${uid}/bus`;
    const as = (command: string): Promise<string> =>
      fate.sh(`cd /home/single; runuser -u single -- env ${environment} ${command}`);

    const tasks = `[mine]\nschedule = "${NEVER}"\nshell = "id -un; echo ready >&2"\n`;
    fate.write('/home/single/.config/fate/tasks.toml', tasks);
    await fate.sh('chown -R single: /home/single/.config');
    await as('systemctl --user enable --now fated');
    assert.equal(await as('systemctl --user is-active fated'), 'active');
    assert.match(await as('systemctl --user show -P StatusText fated'), /^0 running/);
    const pid = await as('systemctl --user show -P MainPID fated');
    await as('fate --user restart');
    assert.equal(await as('systemctl --user show -P MainPID fated'), pid, 'it starts anew in its own place');
    assert.match(await fate.sh(`cat /proc/${pid}/cgroup`), /\/fated\.service\/main$/m);
    await as('fate --user run --wait mine');
    assert.equal(await fate.sh('cat /home/single/.local/share/fate/result/*-mine'), 'single');
    await as('systemctl --user reload fated');
    fate.write('/home/single/.config/fate/tasks.toml', '[mine');
    await assert.rejects(as('systemctl --user reload fated'));
    const told = await fate.journal('FATE_TASK=mine', `_UID=${uid}`, 'MESSAGE=ready');
    assert.deepEqual(
      told.map(({ _SYSTEMD_USER_UNIT }) => _SYSTEMD_USER_UNIT),
      ['fated.service'],
    );
    await as('systemctl --user stop fated');
    assert.equal(await as('systemctl --user show -P Result fated'), 'success');
    await fate.sh('loginctl disable-linger single');
  });
}
