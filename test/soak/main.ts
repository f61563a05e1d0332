/** `make soak`: RUNS runs through one daemon, its figures, and exit status 1 where anything grew or was left over. */
import { median, type Sample, soak } from './soak.ts';

const runs = Number(process.env.RUNS || 100_000);
const tasks = Number(process.env.TASKS || 150);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const describe = ({ memory, descriptors, ledger, spool }: Sample): string =>
  `${memory.toFixed(1)} MiB, ${descriptors} descriptors, ledger ${ledger.toFixed(2)} MiB, ${spool} in the spool`;

let told = 0;
const tell = (sample: Sample): void => {
  if (sample.runs < told + runs / 50) return;
  told = sample.runs;
  say(`${String(sample.runs).padStart(8)} runs  ${describe(sample)}`);
};

say(`${runs} runs of ${tasks} tasks, each due every second`);
const { samples, seconds, entries, problems } = await soak({ runs, tasks, kept: 20, memory: true, tell });

const figure = (name: string, value: number | string): void => say(`${name.padEnd(52)} ${value}`);
const ended = samples.at(-1)?.runs ?? 0;
say('');
figure('runs', ended);
figure('runs per second', (ended / seconds).toFixed(0));
const thirds = [0, 1, 2].map((i) => samples.slice((i * samples.length) / 3, ((i + 1) * samples.length) / 3));
const each = (of: (part: readonly Sample[]) => number, digits = 0): string =>
  thirds.map((part) => of(part).toFixed(digits)).join(', ');
figure(
  'memory in each third, median, MiB',
  each((part) => median(part.map(({ memory }) => memory)), 1),
);
figure(
  'descriptors in each third, least',
  each((part) => Math.min(...part.map(({ descriptors }) => descriptors))),
);
figure(
  'ledger in each third, median, MiB',
  each((part) => median(part.map(({ ledger }) => ledger)), 2),
);
figure('entries in the ledger', entries);
for (const problem of problems.slice(0, 20)) say(`PROBLEM: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
