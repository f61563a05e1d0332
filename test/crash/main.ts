/** `make crash`: a whole campaign, its figures, and exit status 1 for any fault. KILLS and SEED say how long and which. */

import { runCampaign } from './campaign.ts';
import { SORTS } from './checker.ts';

const kills = Number(process.env.KILLS || 500);
const seed = Number(process.env.SEED || Math.floor(Math.random() * 2 ** 32));
const verbose = process.env.VERBOSE !== undefined && process.env.VERBOSE !== '';
const started = Date.now();

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const tell = (text: string): void => {
  const number = /^kill (\d+)/.exec(text)?.[1];
  if (number !== undefined && !verbose && Number(number) % 10 !== 0) return;
  say(`${((Date.now() - started) / 1000).toFixed(0).padStart(5)} s  ${text}`);
};

say(`${kills} kills, seed ${seed} (SEED=${seed} repeats them)`);
const { faults, figures, points, kept } = await runCampaign({ kills, seed, stopEvery: 25, share: 0.4, tell });

const figure = (name: string, value: number | string): void => say(`${name.padEnd(52)} ${value}`);
say('');
figure('kills', figures.kills);
figure(
  'of these at a point that the code names',
  [...points.values()].reduce((sum, times) => sum + times, 0),
);
figure(
  'points at which it was killed',
  `${[...points.values()].filter((times) => times > 0).length} of ${points.size}`,
);
figure('due times', figures.dues);
figure('entries in the ledger', figures.entries);
figure('starts, by the tasks themselves', figures.starts);
figure('runs that were going and ended as Lost', figures.lostRuns);
for (const sort of SORTS) figure(sort, faults.filter((fault) => fault.sort === sort).length);

const missed = [...points].filter(([, times]) => times === 0).map(([point]) => point);
if (missed.length > 0) say(`never killed at: ${missed.join(', ')}`);
for (const { sort, text } of faults.slice(0, 50)) say(`${sort}: ${text}`);
if (faults.length > 50) say(`and ${faults.length - 50} more`);
if (kept !== null) say(`all is kept in ${kept}; SEED=${seed}`);
process.exitCode = faults.length > 0 ? 1 : 0;
