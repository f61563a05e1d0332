/** The drop-ins of the documentation: a hardened daemon, and one that is not root. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repo } from '../../helpers/repo.ts';
import { type FateBox, NEVER, scenario } from '../fate-box.ts';

const TASKS = `
[who]
schedule = "${NEVER}"
shell = "id -un; echo {} >&4; echo ready >&2"
[worker]
schedule = "${NEVER}"
user = "nobody"
nice = 5
shell = "id -un"
`;

export function droppingIn(box: () => FateBox): void {
  const result = (fate: FateBox, task: string): Promise<string> => fate.sh(`cat /var/log/fate/result/*-${task}`);

  scenario('with hardening.conf tasks run, as root and as others, and all of Fate works', box, async (fate) => {
    const hardening = readFileSync(join(repo, 'systemd/hardening.conf'), 'utf8').replace(/^[\s\S]*\[Service\]\n/, '');
    await fate.start({ tasks: TASKS, dropIn: hardening });
    assert.equal((await fate.runTask('who')).status, 'OK');
    assert.equal((await fate.runTask('worker')).status, 'OK');
    assert.deepEqual([await result(fate, 'who'), await result(fate, 'worker')], ['root', 'nobody']);
    await fate.told('FATE_TASK=who', 'MESSAGE=ready');
    await fate.sh('systemctl reload fated');
  });

  scenario('as a user of its own: its tasks are that user, and another one is Failed', box, async (fate) => {
    await fate.sh('id scheduler 2>/dev/null || useradd --system scheduler');
    await fate.start({ tasks: TASKS, dropIn: 'User=scheduler' });
    assert.equal((await fate.runTask('who')).status, 'OK');
    assert.equal(await result(fate, 'who'), 'scheduler');
    const worker = await fate.runTask('worker');
    assert.equal(worker.status, 'Failed');
    assert.match(worker.reason ?? '', /nobody/);
    await fate.sh('systemctl reload fated');
  });
}
