/** What an administrator may do besides, and what goes wrong on the way: nothing starts by surprise, and nobody waits untold. */
import assert from 'node:assert/strict';
import { EVERY_SECOND, NEVER } from '../../system/fate-box.ts';
import { scenario, type Theme } from '../deb-box.ts';
import { laterPackage, tinyPackage } from '../package.ts';

const EACH = `[each]\nschedule = "${EVERY_SECOND}"\nshell = "true"\n`;

export function administrator(theme: Theme): void {
  const stopped =
    'a daemon that was stopped stays so after dpkg-reconfigure and an upgrade that fails; an install starts it';
  scenario(theme, stopped, {}, async (fate) => {
    await fate.install();
    await fate.start(EACH);
    await fate.sh('systemctl stop fated; dpkg-reconfigure fate');
    assert.equal(await fate.state('is-active'), 'inactive', 'dpkg-reconfigure');

    const broken = fate.place(await tinyPackage('fate', { 'DEBIAN/preinst': '#!/bin/sh\nexit 1\n' }));
    assert.notEqual((await fate.run(`dpkg -i ${broken}`)).status, 0);
    assert.equal(await fate.status('fate'), 'installed');
    assert.equal(await fate.state('is-active'), 'inactive', 'an upgrade that fails');

    // One that was broken off, by a crash of the machine for one, and then another decision.
    await fate.sh(`dpkg --unpack ${fate.place(await laterPackage())}; dpkg -r fate`, 60);
    await fate.install();
    assert.equal(await fate.state('is-active'), 'active', 'removed and installed anew');

    await fate.sh('dpkg-reconfigure fate');
    assert.notEqual((await fate.run(`dpkg -i ${broken}`)).status, 0);
    assert.equal(await fate.state('is-active'), 'active', 'one that runs is left alone');
  });

  scenario(theme, 'remove says which tasks it waits for', {}, async (fate) => {
    await fate.install();
    await fate.start(`[stubborn]\nschedule = "${NEVER}"\ngrace = "3s"
shell = "trap '' TERM; echo ready >&2; while :; do sleep 1; done"\n[day]\nschedule = "${NEVER}"\nshell = "true"\n`);
    await fate.sh('fate run stubborn');
    await fate.told('FATE_TASK=stubborn', 'MESSAGE=ready');
    assert.match(await fate.apt('remove', 'fate'), /^fate: tells these tasks to end, .*: stubborn$/m);
    await fate.install();
    assert.doesNotMatch(await fate.apt('remove', 'fate'), /^fate: /m);
  });

  const mounted = 'purge on a terminal says no more than elsewhere, and of a mount point that it is one';
  scenario(theme, mounted, {}, async (fate) => {
    await fate.install();
    await fate.sh('mkdir -p /var/lib/fate /var/log/fate/result; mount -t tmpfs none /var/lib/fate');
    await fate.sh('touch "/var/log/fate/result/a\nb" /var/log/fate/result/c /var/log/fate/old');
    await fate.start(EACH);
    const screen = await fate.sh("script -qec 'dpkg --purge fate' /dev/null </dev/null", 60);
    const told = screen.split('\n').map((line) => line.trimEnd());
    assert.deepEqual(
      told.filter((line) => /fate: |find|warning/.test(line) && !line.includes('to end, and waits')),
      [
        'fate: /var/lib/fate is left: Device or resource busy',
        'fate: /var/log/fate/result is left, with the results of tasks: 2 files',
      ],
    );
    assert.equal(await fate.sh('ls -A /var/lib/fate; ls /var/log/fate'), 'result');
  });

  const packages = ['libpam-systemd', 'dbus-user-session'];
  scenario(
    theme,
    "a user's own daemon runs from the packaged unit, and goes on when others decide",
    { packages },
    async (fate) => {
      await fate.install();
      await fate.sh('useradd -m eve; loginctl enable-linger eve');
      const eve = (words: string): Promise<string> =>
        fate.sh(`runuser -u eve -- env -C /home/eve XDG_RUNTIME_DIR=/run/user/$(id -u eve) sh -ec '${words}'`);
      await fate.waitFor('test -S /run/user/$(id -u eve)/systemd/private');
      assert.match(
        await eve('fate init --user --no-prompt'),
        /^there already \/usr\/lib\/systemd\/user\/fated.service/m,
      );
      await fate.sh(`printf '${EACH.replaceAll('\n', '\\n')}' >/home/eve/.config/fate/tasks.toml`);
      await eve('systemctl --user enable --now fated');
      const runs = 'systemctl --user is-active fated; fate status --user | grep -o "process [0-9]*"';
      const before = await eve(runs);
      assert.match(before, /^active\nprocess \d+$/);
      const upgrade = await fate.install(await laterPackage());
      assert.match(upgrade, /^fate: .*\(fate restart --user --when-idle\): eve$/m);
      assert.equal(await eve(runs), before);
      const removal = await fate.apt('remove', 'fate');
      assert.match(removal, /^fate: .*\(systemctl --user stop fated\).*: eve$/m);
      await eve('systemctl --user is-active fated; systemctl --user stop fated');
    },
  );
}
