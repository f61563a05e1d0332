/** SPEC 7, `retry`: when the next attempt comes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nextAttempt } from '../../../src/schedule/retry.ts';
import { RETRY_CAUSES, type Retry } from '../../../src/types.ts';
import { runs } from '../../helpers/runs.ts';

const RETRY: Retry = { limit: 3, delay: 30_000, backoff: 2, maxDelay: 600_000, on: ['retry', 'error', 'timeout'] };
const AT = Date.UTC(2026, 2, 29);

const retries = fc.record<Retry>({
  limit: fc.integer({ min: 1, max: 1_000_000 }),
  delay: fc.oneof(fc.nat({ max: 1000 }), fc.nat({ max: 86_400_000 })),
  backoff: fc.oneof(fc.constantFrom(1, 2, 10), fc.double({ min: 1, max: 10, noNaN: true })),
  maxDelay: fc.integer({ min: 1000, max: 30 * 86_400_000 }),
  on: fc.subarray([...RETRY_CAUSES], { minLength: 1 }),
});
const attempts = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 1_000_001 }));

test('as many retries as the limit says, and no more', () => {
  const answers = [1, 2, 3, 4, 5].map((attempt) => nextAttempt(RETRY, { id: 'r', attempt, at: AT, cause: 'error' }));
  assert.deepEqual(
    answers.map((answer) => answer === null),
    [false, false, false, true, true],
  );
});

test('only after the ends that are named, and never without retry', () => {
  for (const cause of RETRY_CAUSES) {
    const ended = { id: 'r', attempt: 1, at: AT, cause };
    assert.equal(nextAttempt(RETRY, ended) !== null, RETRY.on.includes(cause), cause);
    assert.equal(nextAttempt(null, ended), null);
  }
  assert.equal(nextAttempt(RETRY, { id: 'r', attempt: 1, at: AT, cause: null }), null);
});

test('the wait is delay times backoff to the n, within a tenth, up to max_delay, in whole milliseconds', () => {
  fc.assert(
    fc.property(retries, attempts, fc.uuid(), (retry, attempt, id) => {
      const [cause = 'error'] = retry.on;
      const next = nextAttempt(retry, { id, attempt, at: AT, cause });
      if (attempt > retry.limit) {
        assert.equal(next, null);
        return;
      }
      assert.ok(next !== null && Number.isSafeInteger(next));
      const power = retry.backoff ** (attempt - 1);
      const base = retry.delay === 0 ? 0 : Math.min(retry.maxDelay, retry.delay * power);
      const wait = next - AT;
      assert.ok(wait >= Math.floor(base) * 0.9 && wait <= base * 1.1, `${wait} for ${base}`);
    }),
    runs(500),
  );
});

test('the same attempt of the same run waits the same, others otherwise', () => {
  const wait = (id: string, attempt: number) => nextAttempt(RETRY, { id, attempt, at: AT, cause: 'error' });
  assert.equal(wait('20260329T000000-1', 1), wait('20260329T000000-1', 1));
  const spread = new Set(Array.from({ length: 100 }, (_, i) => wait(`20260329T000000-${i}`, 1)));
  assert.ok(spread.size > 90, `${spread.size} of 100`);
  const waits = [...spread].map((at) => (at ?? 0) - AT);
  assert.ok(Math.min(...waits) < 28_500 && Math.max(...waits) > 31_500, 'both sides of the 30 seconds');
});

test('a larger limit never means fewer attempts', () => {
  fc.assert(
    fc.property(retries, attempts, fc.nat({ max: 1000 }), (retry, attempt, more) => {
      const ended = { id: 'r', attempt, at: AT, cause: retry.on[0] ?? null };
      const next = nextAttempt(retry, ended);
      if (next !== null) assert.equal(nextAttempt({ ...retry, limit: retry.limit + more }, ended), next);
    }),
  );
});

test('nothing overflows', () => {
  const wild: Retry = { ...RETRY, limit: 1_000_000, backoff: 10 };
  const at = (retry: Retry, attempt: number) => nextAttempt(retry, { id: 'r', attempt, at: AT, cause: 'error' }) ?? 0;
  const wait = at(wild, 1_000_000) - AT;
  assert.ok(wait >= 540_000 && wait <= 660_000, `${wait}`);
  assert.equal(at({ ...wild, delay: 0 }, 1_000_000), AT, 'no delay stays none');
  const ages = at({ ...wild, maxDelay: Number.MAX_SAFE_INTEGER }, 1_000_000);
  assert.equal(ages, 8.64e15);
  assert.doesNotThrow(() => new Date(ages).toISOString());
});
