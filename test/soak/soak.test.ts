/** The short form of `make soak`: what a daemon must not leave, and what may not grow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growth, type Sample, soak } from './soak.ts';

test('a thousand runs leave nothing in the spool and the run folder, and the ledger keeps what its history says', async () => {
  const { problems, samples } = await soak({ runs: 1_000, tasks: 80, kept: 5, memory: false, tell: () => {} });
  assert.deepEqual(problems, []);
  assert.ok((samples.at(-1)?.runs ?? 0) >= 1_000);
});

test('what grows is seen, and what goes up and down is not', () => {
  const sample = (i: number, changes: Partial<Sample> = {}): Sample => {
    return { runs: i * 100, memory: 90 + (i % 5), descriptors: 30 + (i % 4), ledger: 3, spool: 0, ...changes };
  };
  const many = (change: (i: number) => Partial<Sample>): Sample[] =>
    Array.from({ length: 90 }, (_, i) => sample(i, change(i)));
  assert.deepEqual(
    growth(
      many(() => ({})),
      true,
    ),
    [],
  );
  assert.match(
    growth(
      many((i) => ({ memory: 90 + i / 3 })),
      true,
    ).join(),
    /^memory/,
  );
  assert.match(
    growth(
      many((i) => ({ descriptors: 30 + Math.floor(i / 5) })),
      true,
    ).join(),
    /^descriptors/,
  );
  assert.match(
    growth(
      many((i) => ({ ledger: 3 + i / 30 })),
      true,
    ).join(),
    /^the ledger/,
  );
});
