/** An older package onto what a later one has written. */
import assert from 'node:assert/strict';
import { EVERY_SECOND } from '../../system/fate-box.ts';
import { scenario, type Theme } from '../deb-box.ts';
import { laterPackage, packageFile, THIS } from '../package.ts';

const TASKS = `[each]\nschedule = "${EVERY_SECOND}"\nshell = "true"\n`;
/** Every file of the store with its content; the lock names who had it last. */
const STORE = "cd /var/lib/fate && find . -type f ! -name 'lock*' -exec md5sum {} + | sort -k 2";

export function downgrading(theme: Theme): void {
  const name =
    'an older Fate refuses the ledger of a later one, runs nothing and leaves it as it is; the later one goes on';
  scenario(theme, name, {}, async (fate) => {
    await fate.install(await laterPackage({ ledger: true }));
    await fate.start(TASKS);
    await fate.ended('each');
    await fate.sh('systemctl stop fated');
    const runs = await fate.runs('each');
    const store = await fate.sh(STORE);

    await fate.apt('install', '--allow-downgrades', fate.place(packageFile()));
    assert.match(await fate.sh('fate --version'), new RegExp(`${THIS.fate}$`));
    assert.notEqual((await fate.run('systemctl start fated')).status, 0);
    assert.equal(await fate.show('ExecMainStatus'), '1');
    const told = (await fate.journal('_SYSTEMD_UNIT=fated.service')).map(({ MESSAGE }) => MESSAGE ?? '');
    const words = /was written by a newer version of Fate: layout 3, and this one knows 2/;
    assert.ok(
      told.some((line) => words.test(line)),
      told.join('\n'),
    );
    assert.match((await fate.run('fate runs')).stderr, words);
    await fate.sh('systemctl stop fated');
    assert.equal(await fate.sh(STORE), store);

    await fate.install(await laterPackage({ ledger: true }));
    await fate.sh('systemctl reset-failed fated; systemctl start fated');
    await fate.waitFor(`test "$(fate runs each -n all --json | grep -c '"run":')" -gt ${runs.length + 1}`);
    const ids = new Set((await fate.runs('each')).map(({ run }) => run));
    assert.deepEqual(
      runs.filter(({ run }) => !ids.has(run)),
      [],
    );
  });

  scenario(
    theme,
    'under a running task, too: it ends well, and then the unit says why it has stopped',
    {},
    async (fate) => {
      const blocked = `[long]\nschedule = "0 0 29 2 *"\nshell = "echo ready >&2; until [ -e /var/tmp/go-on ]; do sleep 0.1; done"\n`;
      await fate.install(await laterPackage({ ledger: true }));
      await fate.start(blocked);
      await fate.sh('fate run long');
      await fate.told('FATE_TASK=long', 'MESSAGE=ready');
      await fate.apt('install', '--allow-downgrades', fate.place(packageFile()));
      assert.equal(await fate.state('is-active'), 'active');
      await fate.sh('touch /var/tmp/go-on');
      await fate.told('FATE_TASK=long', 'FATE_EVENT=ended', 'FATE_STATUS=OK');
      await fate.waitFor('! systemctl is-active --quiet fated');
      assert.match(await fate.sh('journalctl -q -u fated -o cat'), /written by a newer version of Fate/);
      await fate.install(await laterPackage({ ledger: true }));
      await fate.sh('systemctl reset-failed fated; systemctl restart fated');
      assert.deepEqual(
        (await fate.runs('long')).map(({ status }) => status),
        ['OK'],
      );
    },
  );
}
