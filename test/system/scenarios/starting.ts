/** The start of the unit: what stops it, and that it is up when systemctl says so. */
import assert from 'node:assert/strict';
import { type Conf, EVERY_SECOND, type FateBox, NEVER, scenario } from '../fate-box.ts';

const GOOD = `[quick]\nschedule = "${NEVER}"\nexec = ["echo", "{}"]\n`;

const BAD: readonly (Conf & { readonly name: string; readonly status: number; readonly message: RegExp })[] = [
  { name: 'no configuration', status: 72, message: /no tasks in \/etc\/fate/ },
  { name: 'a file that cannot be parsed', tasks: `${GOOD}[more\n`, status: 65, message: /tasks\.toml:4/ },
  { name: 'bad defaults', tasks: GOOD, defaults: 'timeout = -1\n', status: 78, message: /defaults\.toml:1.*timeout/ },
];

export function starting(box: () => FateBox): void {
  for (const { name, status, message, ...conf } of BAD) {
    scenario(`a start with ${name} fails with ${status}, once, and the journal says why`, box, async (fate) => {
      await fate.fresh(conf);
      assert.notEqual((await fate.run('systemctl start fated')).status, 0);
      const properties = ['ActiveState', 'SubState', 'Result', 'ExecMainStatus', 'NRestarts'];
      const state = (await Promise.all(properties.map(fate.show))).join(' ');
      assert.equal(state, `failed failed exit-code ${status} 0`, 'and it is not tried again');
      const messages = await fate.journal('_SYSTEMD_UNIT=fated.service', 'SYSLOG_IDENTIFIER=fated');
      const why = messages.find(({ MESSAGE }) => message.test(MESSAGE ?? ''));
      assert.equal(why?.PRIORITY, '3', messages.map(({ MESSAGE }) => MESSAGE).join('\n'));
    });
  }

  scenario('a good start: systemctl returns when tasks can run, and status says what goes on', box, async (fate) => {
    await fate.fresh({ tasks: `${GOOD}[nightly]\nschedule = "30 2 * * *"\nexec = ["true"]\n` });
    await fate.sh('systemctl enable fated && systemctl start fated && fate run --wait quick');
    assert.equal(await fate.show('Type'), 'notify');
    assert.equal(await fate.sh('systemctl is-active fated; systemctl is-enabled fated'), 'active\nenabled');
    assert.match(await fate.show('StatusText'), /^0 running, .*next nightly at .*02:30:00/);
    assert.deepEqual(
      (await fate.runs('quick')).map(({ status }) => status),
      ['OK'],
    );
  });

  scenario('only what the daemon says makes it active: where it cannot, the start is given up', box, async (fate) => {
    const start = 'ExecStart=/usr/bin/env -u NOTIFY_SOCKET /usr/local/bin/fated --system --foreground';
    await fate.fresh({ tasks: GOOD, dropIn: `ExecStart=\n${start}\nTimeoutStartSec=3s\nRestart=no` });
    assert.notEqual((await fate.run('systemctl start fated')).status, 0);
    assert.equal(await fate.show('Result'), 'timeout');
  });

  scenario('the status line tells what runs', box, async (fate) => {
    await fate.start({ tasks: `[long]\nschedule = "${EVERY_SECOND}"\nshell = "echo ready >&2; exec sleep 600"\n` });
    await fate.ready('long');
    assert.match(await fate.waitFor('systemctl show -P StatusText fated | grep "1 running"'), /^1 running, /);
    const status = JSON.parse(await fate.sh('fate status --json'));
    assert.equal(JSON.stringify(status).includes('"long"'), true);
  });

  scenario('the units are right by systemd-analyze verify', box, async (fate) => {
    // make install puts no man pages anywhere.
    const verify = 'systemd-analyze verify --man=no';
    const { status, stdout, stderr } = await fate.run(
      `${verify} fated.service && XDG_RUNTIME_DIR=/tmp ${verify} --user fated.service`,
    );
    assert.deepEqual([status, stdout + stderr], [0, '']);
  });
}
