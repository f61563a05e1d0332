/** Each run has a control group of its own: what it starts is ended with it, however it hides. */
import assert from 'node:assert/strict';
import { type FateBox, NEVER, scenario } from '../fate-box.ts';

const HIDE = "setsid sh -c 'setsid env -u FATE_RUN_ID sleep 7401 & setsid sleep 7402 &'; echo ready >&2";
const TASKS = `
[forks]
schedule = "${NEVER}"
shell = "${HIDE}; exec sleep 7403"
[slow]
schedule = "${NEVER}"
timeout = "2s"
shell = "${HIDE}; exec sleep 7403"
[leaves]
schedule = "${NEVER}"
shell = "${HIDE}; until pgrep -fx 'sleep 7401' && pgrep -fx 'sleep 7402'; do sleep 0.1; done >/dev/null"
`;

export function groups(box: () => FateBox): void {
  const left = async (fate: FateBox): Promise<number> =>
    (await Promise.all([7401, 7402, 7403].map((n) => fate.processes(`sleep ${n}`)))).reduce((a, b) => a + b);

  scenario(
    'a task that forks away, twice and with sessions of their own, is ended whole by fate kill',
    box,
    async (fate) => {
      await fate.start({ tasks: TASKS });
      await fate.sh('fate run forks');
      await fate.ready('forks');
      await fate.waitFor("pgrep -fx 'sleep 7401' && pgrep -fx 'sleep 7402'");
      await fate.sh('fate kill forks');
      const [run] = await fate.ended('forks');
      assert.deepEqual([run?.status, run?.ended_by, await left(fate)], ['Terminated', 'kill', 0]);
    },
  );

  scenario('and so it is by its timeout', box, async (fate) => {
    await fate.start({ tasks: TASKS });
    const run = await fate.runTask('slow');
    assert.deepEqual([run.status, run.ended_by, await left(fate)], ['Timeout', 'timeout', 0]);
  });

  scenario(
    'what a task that ends by itself leaves running is counted and left, until the unit stops',
    box,
    async (fate) => {
      await fate.start({ tasks: TASKS });
      const run = await fate.runTask('leaves');
      assert.deepEqual([run.status, run.left, await left(fate)], ['OK', 2, 2]);
      await fate.sh('systemctl stop fated');
      assert.equal(await left(fate), 0);
    },
  );

  scenario('scheduling.cgroup = false switches the groups off', box, async (fate) => {
    const where = `[where]\nschedule = "${NEVER}"\nshell = "cat /proc/self/cgroup >&2"\nformat.separator = "nul"\n`;
    const told: string[] = [];
    for (const cgroup of [true, false]) {
      await fate.start({ tasks: where, defaults: `[scheduling]\ncgroup = ${cgroup}\n` });
      const { run } = await fate.runTask('where');
      const [record] = await fate.journal('FATE_TASK=where', 'FATE_EVENT=log');
      told.push(/^0::(.*)$/m.exec(record?.MESSAGE ?? '')?.[1]?.replace(run, 'RUN') ?? '');
    }
    assert.match(told[0] ?? '', /^\/system\.slice\/fated\.service\/.*RUN/);
    assert.doesNotMatch(told[1] ?? '', /RUN/);
    assert.match(told[1] ?? '', /^\/system\.slice\/fated\.service/);
  });
}
