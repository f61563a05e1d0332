/** What tasks write, and what Fate tells, in a real journal. */
import assert from 'node:assert/strict';
import { type FateBox, NEVER, scenario } from '../fate-box.ts';

const BURST = 10_000;
const TASKS = `
[talk]
schedule = "${NEVER}"
format.separator = "nul"
shell = '''
printf '<3>first line\\n  second line\\nthird = é\\0' >&2
printf '%s\\0' '{"msg": "odd", "disk free %": 12, "_systemd_unit": "forged", "9lives": "x", "größe": 3, "level": "error"}' >&2
printf '<1>too low to be kept\\0<5>worst\\0' >&2
'''
[burst]
schedule = "${NEVER}"
shell = "seq -f 'record %.0f' ${BURST} >&2"
[steady]
schedule = "${NEVER}"
shell = "for i in $(seq 200); do seq -f \\"$i.%.0f\\" 10 >&2; [ $i -ne 20 ] || echo ready >&2; sleep 0.01; done"
`;

export function journal(box: () => FateBox): void {
  scenario('records are found by task, whole, with their own fields and priorities', box, async (fate) => {
    await fate.start({ tasks: TASKS });
    const run = await fate.runTask('talk');
    const [lines, odd, worst, ...more] = await fate.journal('FATE_TASK=talk', 'FATE_EVENT=log');
    assert.deepEqual(
      [lines?.MESSAGE, lines?.PRIORITY, lines?.SYSLOG_IDENTIFIER, lines?.FATE_RUN_ID, lines?._SYSTEMD_UNIT],
      ['first line\n  second line\nthird = é', '4', 'fated', run.run, 'fated.service'],
    );
    assert.deepEqual([odd?.MESSAGE, odd?.PRIORITY, odd?._SYSTEMD_UNIT], ['odd', '3', 'fated.service']);
    const own = Object.entries(odd ?? {}).filter(([name]) => name.startsWith('FATE_FIELD_'));
    assert.deepEqual(own.map(([, value]) => value).sort(), ['12', '3', 'forged', 'x']);
    assert.ok(
      own.every(([name]) => /^[A-Z0-9_]{1,64}$/.test(name)),
      JSON.stringify(own),
    );
    assert.deepEqual([worst?.MESSAGE, worst?.PRIORITY, more], ['worst', '2', []]);

    const [end] = await fate.journal('FATE_TASK=talk', 'FATE_EVENT=ended');
    assert.deepEqual([end?.FATE_STATUS, end?.FATE_EXITCODE, end?.PRIORITY], ['OK', '0', '6']);
    assert.match(end?.FATE_DURATION_USEC ?? '', /^\d+$/);
    assert.equal((await fate.journal('_SYSTEMD_UNIT=fated.service', `FATE_RUN_ID=${run.run}`)).length >= 4, true);
  });

  scenario(`${BURST} records in a burst: none is lost, and their order is kept`, box, async (fate) => {
    await fate.start({ tasks: TASKS });
    await fate.runTask('burst');
    const all = await settled(fate, 'burst', BURST);
    assert.deepEqual(
      all,
      Array.from({ length: BURST }, (_, i) => `record ${i + 1}`),
    );
  });

  scenario('a journal that stands still holds up neither the loop nor a stop', box, async (fate) => {
    await fate.start({ tasks: TASKS });
    await fate.sh(`journald=$(systemctl show -P MainPID systemd-journald)
      kill -STOP $journald; trap 'kill -CONT $journald' EXIT
      fate run --wait burst && fate status >/dev/null && timeout 40 systemctl stop fated`);
    assert.equal(await fate.show('Result'), 'success');
  });

  scenario('fate logs shows the records of a task', box, async (fate) => {
    await fate.start({ tasks: TASKS });
    await fate.runTask('talk');
    const all = await fate.waitFor('fate logs talk | grep -q worst && fate logs talk');
    assert.match(all, /first line\n.*second line[\s\S]*odd/);
    const last = await fate.sh('fate logs talk -n 1');
    assert.equal(last.split('\n').length, 1);
    await fate.sh(`fate logs talk -f -n 0 >/run/followed & pid=$!
      until grep -q worst /run/followed; do fate run --wait talk; done; kill $pid`);
    assert.match(await fate.sh('fate logs talk --since 1h'), /worst/);
  });

  scenario('journald restarted while a task writes: the daemon goes on, and nothing is lost', box, async (fate) => {
    await fate.start({ tasks: TASKS });
    const pid = await fate.show('MainPID');
    await fate.sh('fate run steady');
    await fate.ready('steady');
    await fate.sh('systemctl restart systemd-journald');
    await fate.ended('steady');
    const all = await settled(fate, 'steady', 2001);
    assert.equal(await fate.show('MainPID'), pid);
    assert.deepEqual([all[0], all.at(-1)], ['1.1', '200.10']);
    assert.equal(all.length, 2001);
  });
}

/** The messages of a task, once as many as expected are there or no more come: journald is behind the daemon. */
async function settled(fate: FateBox, task: string, expected: number): Promise<(string | undefined)[]> {
  for (let before = -1; ; ) {
    const found = (await fate.journal(`FATE_TASK=${task}`, 'FATE_EVENT=log')).map(({ MESSAGE }) => MESSAGE);
    if (found.length >= expected || found.length === before) return found;
    before = found.length;
    await fate.sh('sleep 1');
  }
}
