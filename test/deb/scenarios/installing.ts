/** `apt install ./fate.deb` on machines of several kinds. */
import assert from 'node:assert/strict';
import { NEVER } from '../../system/fate-box.ts';
import { type DebBox, scenario, type Theme } from '../deb-box.ts';
import { packageFile, THIS } from '../package.ts';

const HELLO = `[hello]\nschedule = "${NEVER}"\nshell = 'echo said >&2; echo "{\\"a\\": 1}"'\n`;

/** The package does what it is for: a task runs, and the journal, the ledger and the result folder have it. */
async function works(fate: DebBox): Promise<void> {
  assert.equal(await fate.state('is-enabled'), 'enabled');
  assert.equal(await fate.state('is-active'), 'active');
  await fate.sh('fate run hello --wait');
  const [run] = await fate.ended('hello');
  assert.equal(run?.status, 'OK', JSON.stringify(run));
  assert.equal((await fate.told('FATE_TASK=hello', 'MESSAGE=said')).length, 1);
  assert.match(await fate.sh('cat /var/log/fate/result/result-*-hello.json'), /^\{"a": 1\}$/);
  assert.equal(await fate.sh('systemctl is-system-running || systemctl --failed'), 'running');
}

export function installing(theme: Theme): void {
  scenario(
    theme,
    'apt installs it on a plain Debian: enabled, nothing has failed, and with a configuration it runs',
    { short: true },
    async (fate) => {
      await fate.install();
      assert.equal(await fate.state('is-enabled'), 'enabled');
      assert.equal(await fate.state('is-active'), 'inactive', 'there is nothing to run yet');
      assert.equal(await fate.sh('systemctl is-system-running || systemctl --failed'), 'running');
      assert.match(await fate.sh('fate --version'), new RegExp(`${THIS.fate}$`));
      assert.equal(await fate.sh('getent passwd fate | cut -d : -f 6,7'), '/var/lib/fate:/usr/sbin/nologin');
      await fate.sh('fate init --system --no-prompt; test -f /etc/fate/tasks.toml; systemctl start fated');
      assert.equal(await fate.state('is-active'), 'active');
      fate.configure(HELLO);
      await fate.sh('systemctl reload fated');
      await works(fate);
    },
  );

  scenario(theme, 'where a configuration is there before it, the daemon runs at the end', {}, async (fate) => {
    fate.configure(HELLO);
    await fate.install();
    await works(fate);
    assert.equal(await fate.sh('cat /etc/fate/tasks.toml; ls /etc/fate'), `${HELLO}tasks.toml`);
  });

  scenario(
    theme,
    'a configuration that is refused is told by the unit, and does not make apt fail',
    {},
    async (fate) => {
      fate.write('/etc/fate/defaults.toml', 'no toml\n');
      fate.configure(HELLO);
      await fate.sh(`DEBIAN_FRONTEND=noninteractive apt-get -y install ${fate.place(packageFile())}`, 120);
      assert.equal(await fate.status('fate'), 'installed');
      assert.equal(await fate.show('ExecMainStatus'), '65');
      await fate.sh('rm /etc/fate/defaults.toml; systemctl start fated');
      await works(fate);
    },
  );

  scenario(
    theme,
    "Debian's own Node, and a broken one first in PATH, change nothing",
    { packages: ['nodejs'] },
    async (fate) => {
      const own = await fate.sh('/usr/bin/node --version');
      assert.match(own, theme.suite === 'bookworm' ? /^v18\./ : /^v20\./);
      fate.write('/usr/local/bin/node', '#!/bin/sh\necho broken >&2\nexit 1\n', 0o755);
      fate.configure(HELLO);
      await fate.install();
      await works(fate);
      await fate.sh('fate check && fates --help >/dev/null');
      assert.equal(await fate.sh('/usr/bin/node --version'), own);
    },
  );

  scenario(theme, 'what it lacks on a machine with a network comes from apt', { network: true }, async (fate) => {
    fate.configure(HELLO);
    await fate.install();
    await works(fate);
    assert.equal(await fate.sh('apt-get -q check 2>&1 | grep -c "^E:" || true'), '0');
  });

  scenario(theme, 'it runs, and its commands run, where there is no network', {}, async (fate) => {
    fate.configure(HELLO);
    await fate.install();
    await fate.sh('unshare -n fate check; unshare -n fate next -n 3; unshare -n fate list');
    await fate.sh('systemctl stop fated; unshare -n fates');
    await fate.sh('test ! -e /root/.npm -a ! -e /root/.cache');
  });

  const unbooted = 'in a folder that is not booted, the install ends well, and the next boot starts the daemon';
  scenario(theme, unbooted, { boot: false }, async (fate) => {
    const { execFileSync } = await import('node:child_process');
    const deb = fate.place(packageFile());
    const install = `mount -t proc proc /proc && DEBIAN_FRONTEND=noninteractive apt-get -y install ${deb} 2>&1`;
    const inside = ['--mount', '--pid', '--fork', 'chroot', fate.root, 'sh', '-ec', install];
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' };
    const screen = execFileSync('unshare', inside, { env, encoding: 'utf8' });
    assert.match(screen, /Setting up fate/);
    fate.configure(HELLO);
    await fate.boot();
    await works(fate);
  });

  scenario(theme, 'policy-rc.d that forbids services keeps it from starting, until the next boot', {}, async (fate) => {
    fate.write('/usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n', 0o755);
    fate.configure(HELLO);
    await fate.sh(`DEBIAN_FRONTEND=noninteractive apt-get -y install ${fate.place(packageFile())}`, 120);
    assert.equal(await fate.state('is-active'), 'inactive');
    await fate.shutDown();
    await fate.boot();
    await works(fate);
  });
}
