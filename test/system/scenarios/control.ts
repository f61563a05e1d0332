/** Who may read and who may steer through the control socket. */
import assert from 'node:assert/strict';
import { type FateBox, NEVER, scenario } from '../fate-box.ts';

const TASKS = `[quick]\nschedule = "${NEVER}"\nexec = ["true"]\n`;
const USERS = `getent group fate >/dev/null || groupadd --system fate
  for user in reader stranger steerer; do id $user >/dev/null 2>&1 || useradd -m $user; done
  getent group operators >/dev/null || groupadd operators
  usermod -aG fate reader; usermod -aG fate,operators steerer`;

export function control(box: () => FateBox): void {
  const as = (fate: FateBox, user: string, command: string) =>
    fate.run(`cd /; setpriv --reuid ${user} --regid ${user} --init-groups --reset-env ${command}`);

  scenario('the group fate reads, root steers, a stranger does neither', box, async (fate) => {
    await fate.sh(USERS);
    await fate.start({ tasks: TASKS });
    assert.equal((await as(fate, 'reader', 'fate --system status')).status, 0);
    assert.equal((await as(fate, 'reader', 'fate --system list --json')).status, 0);
    for (const command of ['run quick', 'kill quick', 'reload']) {
      assert.equal((await as(fate, 'reader', `fate --system ${command}`)).status, 77, command);
    }
    assert.equal((await as(fate, 'stranger', 'fate --system status')).status, 77);
    assert.deepEqual(await fate.runs('quick'), []);
    await fate.sh('fate run --wait quick');
  });

  scenario('control.steer_group adds a group that steers', box, async (fate) => {
    await fate.sh(USERS);
    await fate.start({ tasks: TASKS, defaults: '[control]\nsteer_group = "operators"\n' });
    assert.equal((await as(fate, 'steerer', 'fate --system run --wait quick')).status, 0);
    assert.equal((await as(fate, 'reader', 'fate --system run --wait quick')).status, 77);
    assert.equal((await fate.runs('quick')).length, 1);
  });

  scenario(
    'reading and steering without a daemon: what can be told is told, steering is exit 75',
    box,
    async (fate) => {
      await fate.fresh({ tasks: TASKS });
      assert.equal((await fate.run('fate list')).status, 0);
      for (const command of ['run quick', 'reload'])
        assert.equal((await fate.run(`fate ${command}`)).status, 75, command);
    },
  );
}
