/** The end of the daemon, by systemctl and by force, under running tasks. */
import assert from 'node:assert/strict';
import { type FateBox, NEVER, scenario } from '../fate-box.ts';

const POLITE = `[polite]\nschedule = "${NEVER}"\nshell = "echo ready >&2; exec sleep 7301"\n`;
const STUBBORN = `[stubborn]\nschedule = "${NEVER}"\ngrace = "2s"
shell = "trap '' TERM; setsid sleep 7302 & echo ready >&2; while :; do sleep 0.1; done"\n`;

export function stopping(box: () => FateBox): void {
  scenario(
    'a stop ends running tasks, with their grace, within TimeoutStopSec, and is a success',
    box,
    async (fate) => {
      await fate.start({ tasks: POLITE + STUBBORN });
      await fate.sh('fate run polite; fate run stubborn');
      await fate.ready('polite');
      await fate.ready('stubborn');
      const begin = Date.now();
      await fate.sh('systemctl stop fated');
      const seconds = (Date.now() - begin) / 1000;
      assert.ok(seconds > 1.9 && seconds < 8, `the stop took ${seconds} s`);
      assert.deepEqual([await fate.show('ActiveState'), await fate.show('Result')], ['inactive', 'success']);
      const ends = [...(await fate.runs('polite')), ...(await fate.runs('stubborn'))];
      assert.deepEqual(
        ends.map(({ status, ended_by }) => [status, ended_by]),
        [
          ['Terminated', 'stop'],
          ['Killed', 'stop'],
        ],
      );
      assert.equal((await fate.processes('sleep 7301')) + (await fate.processes('sleep 7302')), 0);
    },
  );

  scenario('a grace longer than TimeoutStopSec: the unit says how long it takes, and is let', box, async (fate) => {
    await fate.start({ tasks: STUBBORN.replace('2s', '5s'), dropIn: 'TimeoutStopSec=2s' });
    await fate.sh('fate run stubborn');
    await fate.ready('stubborn');
    await fate.sh('systemctl stop fated');
    assert.equal(await fate.show('Result'), 'success');
    assert.deepEqual(
      (await fate.runs('stubborn')).map(({ status }) => status),
      ['Killed'],
    );
  });

  scenario(
    'kill -9 of the daemon: it is started again, the run is Lost, and nothing of it is left',
    box,
    async (fate) => {
      await fate.start({ tasks: POLITE + STUBBORN, dropIn: 'RestartSec=0' });
      await fate.sh('fate run polite; fate run stubborn');
      await fate.ready('polite');
      await fate.ready('stubborn');
      await fate.sh('kill -9 "$(systemctl show -P MainPID fated)"');
      await fate.waitFor('test "$(systemctl show -P NRestarts fated)" = 1 && systemctl is-active fated');
      for (const task of ['polite', 'stubborn']) {
        assert.deepEqual(
          (await fate.runs(task)).map(({ status }) => status),
          ['Lost'],
        );
      }
      assert.equal((await fate.processes('sleep 7301')) + (await fate.processes('sleep 7302')), 0);
      const lost = await fate.journal('FATE_TASK=polite', 'FATE_STATUS=Lost');
      assert.deepEqual(
        lost.map(({ PRIORITY }) => PRIORITY),
        ['3'],
      );
    },
  );
}
