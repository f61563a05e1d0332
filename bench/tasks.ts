/** 10,000 tasks: load and first pass, idling, and the cost of one due task among 10 and among 10,000. */
import { join } from 'node:path';
import { repo } from '../test/helpers/repo.ts';
import { cpuOf, measure, pause, seconds, tell, withPrefix } from './measure.ts';

const MANY = 10_000;
const RUNS = 20;

const crowd = (count: number): string =>
  Array.from({ length: count }, (_, i) => `[t${i}]\nschedule = "H H * 1 *"\nexec = ["true"]\n`).join('');
const busy = '[busy]\nschedule = "* * * * * *"\nexec = ["true"]\n';

await withPrefix({ 'tasks.toml': crowd(MANY) }, async (prefix) => {
  const pass = await measure(process.execPath, [join(repo, 'dist/fates.js')], { env: prefix.env, cwd: prefix.root });
  tell(`load and first pass of ${MANY} tasks`, `${seconds(pass.wall)}, ${pass.peak.toFixed(0)} MB`);
  const daemon = prefix.daemon();
  await daemon.until({ event: 'start' });
  await pause(3_000);
  const before = cpuOf(daemon.child.pid ?? 0);
  await pause(20_000);
  tell(`CPU of 20 s of idling with ${MANY} tasks`, seconds(cpuOf(daemon.child.pid ?? 0) - before));
  await daemon.stop();
});

for (const count of [10, MANY]) {
  await withPrefix({ 'tasks.toml': busy + crowd(count - 1) }, async (prefix) => {
    const daemon = prefix.daemon();
    await daemon.until({ event: 'ended' }, 3);
    const before = cpuOf(daemon.child.pid ?? 0);
    await daemon.until({ event: 'ended' }, 3 + RUNS);
    const used = cpuOf(daemon.child.pid ?? 0) - before;
    tell(`CPU of one due task among ${count}`, `${((used / RUNS) * 1000).toFixed(1)} ms`);
    await daemon.stop();
  });
}
