/** The short form of `make crash` (SPEC 11, crash safety): every point that the code names once, and a few random moments. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCampaign } from './campaign.ts';

test('killed at every point between two writes: no due time is lost or run twice, nothing is torn or left over', async (t) => {
  const seed = Number(process.env.SEED || Math.floor(Math.random() * 2 ** 32));
  const said: string[] = [];
  const tell = (text: string): void => void said.push(text);
  const campaign = await runCampaign({ kills: 60, rounds: 1, seed, stopEvery: 20, share: 0.1, tell });
  const { faults, figures, points, kept } = campaign;
  const told = faults.map(({ sort, text }) => `${sort}: ${text}`);
  assert.deepEqual(told, [], `SEED=${seed}; all is kept in ${kept}\n${said.join('\n')}`);
  const missed = [...points].filter(([, times]) => times === 0).map(([point]) => point);
  assert.deepEqual(missed, [], `SEED=${seed}: never killed there\n${said.join('\n')}`);
  assert.ok(figures.starts > figures.kills, 'there was no load');
  t.diagnostic(
    `${figures.kills} kills, ${figures.dues} due times, ${figures.starts} starts, ${figures.lostRuns} lost runs`,
  );
});
