/** Limits of a run's resources: held where systemd has the controllers to give, said once where it has not. */
import assert from 'node:assert/strict';
import { type FateBox, NEVER, scenario } from '../fate-box.ts';

const HOG = `[hog]\nschedule = "${NEVER}"\nlimits = { memory = "64M" }
shell = "head -c 200M /dev/zero | tail -c 190M >/dev/null"\n`;

export function limits(box: () => FateBox): void {
  scenario('a limit that cannot be held here is said once, and the task runs', box, async (fate) => {
    if ((await fate.sh('cat /sys/fs/cgroup/cgroup.controllers')).includes('memory')) return memory(fate);
    await fate.start({ tasks: HOG });
    const hog = await fate.runTask('hog');
    assert.equal(hog.status, 'OK');
    assert.ok(Number(hog.memory) > 100 * 1024 * 1024, `that of its largest process is told: ${hog.memory}`);
    assert.equal((await fate.runTask('hog')).status, 'OK');
    const warnings = await fate.journal('_SYSTEMD_UNIT=fated.service', 'PRIORITY=4');
    assert.equal(warnings.filter(({ MESSAGE }) => /limits?\.memory|memory/.test(MESSAGE ?? '')).length, 1);
  });
}

/** The whole of it, where there are all controllers. */
export async function memory(fate: FateBox): Promise<void> {
  await fate.start({ tasks: HOG });
  const pid = await fate.show('MainPID');
  const hog = await fate.runTask('hog');
  assert.notEqual(hog.status, 'OK');
  assert.match(hog.reason ?? '', /memory/);
  assert.equal(await fate.show('MainPID'), pid, 'the daemon lives');
}
