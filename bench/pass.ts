/** One pass over 200 due tasks at tenancy 8 against a bare loop that spawns the same programs, 8 at a time. */
import { cpuOf, measure, measurePass, median, pause, ratio, seconds, tell, withPrefix } from './measure.ts';

const TASKS = 200;
const TENANCY = 8;

const bareLoop = `
const { spawn } = require('node:child_process');
let left = ${TASKS};
const next = () => { if (left-- > 0) spawn('true', { stdio: 'ignore' }).once('exit', next); };
for (let i = 0; i < ${TENANCY}; i += 1) next();
`;

const tasks = Array.from(
  { length: TASKS },
  (_, i) => `[t${i}]\nschedule = "* * * * *"\nexec = ["true"]\nscheduling.tenancy = ${TENANCY}\n`,
).join('');

const passes: number[] = [];
const loops: number[] = [];
await withPrefix({ 'tasks.toml': tasks }, async (prefix) => {
  for (let i = 0; i < 5; i += 1) {
    passes.push((await measurePass(prefix)).wall);
    loops.push((await measure(process.execPath, ['-e', bareLoop])).wall);
  }
});
const [pass, loop] = [median(passes), median(loops)];
tell(
  `a pass over ${TASKS} due tasks / a bare spawn loop of the same`,
  `${seconds(pass)} / ${seconds(loop)} = ${ratio(pass / loop)}`,
);

// What it costs to wait while tasks merely sleep.
const sleepers = Array.from(
  { length: TENANCY },
  (_, i) => `[s${i}]\nschedule = "* * * * *"\nexec = ["sleep", "600"]\nscheduling.tenancy = ${TENANCY}\n`,
).join('');
await withPrefix({ 'tasks.toml': sleepers }, async (prefix) => {
  await prefix.run('fates');
  await prefix.backdate(3_600_000);
  const daemon = prefix.daemon();
  await daemon.until({ event: 'started' }, TENANCY);
  // Past what is left to do of the start.
  await pause(1_000);
  const before = cpuOf(daemon.child.pid ?? 0);
  await pause(10_000);
  const used = cpuOf(daemon.child.pid ?? 0) - before;
  tell(`CPU of the daemon in 10 s in which ${TENANCY} tasks sleep`, seconds(used));
  await daemon.stop();
});
