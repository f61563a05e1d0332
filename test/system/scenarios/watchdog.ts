/** A daemon that hangs is ended and started anew by systemd, with what it ran. */
import assert from 'node:assert/strict';
import { type FateBox, NEVER, scenario } from '../fate-box.ts';

const LONG = `[long]\nschedule = "${NEVER}"\nshell = "echo ready >&2; exec sleep 7201"\n`;

/** The containers share a network. */
const DEBUGGER = `127.0.0.1:${20_000 + (process.pid % 10_000)}`;

/** Ways to hang; each a script that hangs the daemon of pid $pid. */
const HANGS = {
  'that is stopped': 'kill -STOP $pid',
  // A debugger has the loop evaluate what never ends.
  'whose loop is blocked': `node=$(sed -n 's/^exec "\\([^"]*\\)".*/\\1/p' /usr/local/bin/fated)
    { while sleep 0.5; do echo 'exec for (;;);'; done | timeout 15 "$node" inspect ${DEBUGGER}; } >/dev/null 2>&1 &`,
};

export function watchdog(box: () => FateBox): void {
  scenario('a daemon that turns outlives the time of its watchdog', box, async (fate) => {
    await fate.start({ tasks: LONG, dropIn: 'WatchdogSec=3s' });
    const pid = await fate.show('MainPID');
    await fate.sh('sleep 4');
    assert.deepEqual([await fate.show('MainPID'), await fate.show('NRestarts')], [pid, '0']);
  });

  scenario('SIGUSR1 opens no debugger, and neither it nor SIGUSR2 ends the daemon', box, async (fate) => {
    await fate.start({ tasks: LONG });
    const pid = await fate.show('MainPID');
    await fate.sh('for s in USR1 USR2; do systemctl kill --kill-whom=main -s $s fated; done; sleep 1; fate status');
    assert.equal(await fate.show('MainPID'), pid);
    const port = (9229).toString(16).toUpperCase();
    assert.equal(await fate.sh(`cat /proc/${pid}/net/tcp | grep -c ':${port} ' || true`), '0');
  });

  for (const [what, hang] of Object.entries(HANGS)) {
    scenario(`a daemon ${what} is restarted by the watchdog`, box, async (fate) => {
      await fate.start({
        tasks: LONG,
        dropIn: `WatchdogSec=3s\nRestartSec=0\nEnvironment=NODE_OPTIONS=--inspect=${DEBUGGER}`,
      });
      await fate.sh('fate run long');
      await fate.ready('long');
      const pid = await fate.show('MainPID');
      await fate.sh(`pid=${pid}; ${hang}`);
      await fate.waitFor('test "$(systemctl show -P NRestarts fated)" = 1 && systemctl is-active fated');
      const told = await fate.journal('UNIT=fated.service', '_PID=1');
      assert.match(told.map(({ MESSAGE }) => MESSAGE).join('\n'), /Watchdog timeout.*Failed with result 'watchdog'/s);
      const [run, ...more] = await fate.runs('long');
      assert.deepEqual([run?.status, run?.ended_by, more], ['Lost', 'lost', []]);
      assert.equal(await fate.processes('sleep 7201'), 0, 'nothing is left of its runs');
    });
  }
}
