/** A machine that is switched off and on again: the enabled daemon comes up, and makes up for what was missed, once. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../../src/state/store.ts';
import { type FateBox, scenario } from '../fate-box.ts';

const HOUR = 3_600_000;
const TASKS = `
[minutely]
schedule = "* * * * *"
exec = ["true"]
[forgotten]
schedule = { expression = "* * * * *", missed = "skip" }
exec = ["true"]
[boot]
schedule = "@reboot"
exec = ["true"]
[long]
schedule = { expression = "* * * * * *", missed = "skip" }
if = "env.LONG"
shell = "echo ready >&2; exec sleep 600"
`;

export function rebooting(box: () => FateBox): void {
  scenario(
    'a reboot in the middle of a run, and an hour off: Terminated, and what was missed is made up once',
    box,
    async (fate) => {
      await fate.start({ tasks: TASKS, dropIn: 'Environment=LONG=1' });
      await fate.sh('systemctl enable fated');
      await fate.ready('long');
      const boots = (await fate.runs('boot')).length;
      await fate.shutDown();
      await anHourAgo(fate.root);
      await fate.boot();
      assert.equal(await fate.sh('systemctl is-active fated'), 'active', 'it was enabled');

      await fate.waitFor("journalctl -q -b FATE_TASK=boot FATE_EVENT=ended -o cat | grep -q ''");
      assert.equal((await fate.runs('boot')).length, boots + 1, '@reboot: once more');
      await fate.waitFor("journalctl -q -b FATE_TASK=minutely FATE_EVENT=ended -o cat | grep -q ''");
      const made = (await fate.runs('minutely')).filter(({ absent, status }) => absent === 'off' && status === 'OK');
      assert.equal(made.length, 1, 'one run for all that was missed');
      assert.ok((made[0]?.count ?? 0) >= 59, JSON.stringify(made));
      const forgotten = (await fate.runs('forgotten')).filter(({ absent }) => absent === 'off');
      assert.ok(
        forgotten.length > 0 && forgotten.every(({ status }) => status === 'skipped'),
        JSON.stringify(forgotten),
      );
      assert.match(await fate.sh('fate why minutely'), /the last of \d+ due times.*no scheduler was running/s);
      const ended = (await fate.runs('long')).filter(({ ended_by }) => ended_by === 'stop');
      assert.deepEqual(
        ended.map(({ status }) => status),
        ['Terminated'],
      );
    },
  );
}

/** Moves the time when each task was last seen back, as if the machine had been off for an hour. */
async function anHourAgo(root: string): Promise<void> {
  const states = join(root, 'var/lib/fate');
  const [folder = ''] = readdirSync(states).filter((name) => /-[0-9a-f]{32}$/.test(name));
  const store = openStore(join(states, folder));
  const cursors = [...store.cursors()].map(
    ([name, cursor]) => [name, { ...cursor, seen: cursor.seen - HOUR }] as const,
  );
  await store.write({ cursors: new Map(cursors) });
  await store.close();
}
