import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeOutput, encodeOutput } from '../../../src/state/excerpts.ts';
import { runs } from '../../helpers/runs.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const excerpt = fc
  .record({ head: bytes, tail: bytes, more: fc.nat() }, { noNullPrototype: true })
  .map(({ head, tail, more }) => ({ head, tail, size: head.length + tail.length + more }));
const outputs = fc.record({ stdout: excerpt, stderr: excerpt }, { noNullPrototype: true });

test('output comes back byte by byte', () => {
  fc.assert(
    fc.property(outputs, (output) => assert.deepEqual(decodeOutput(encodeOutput(output)), output)),
    runs(200),
  );
});

test('output that was damaged or cut is null or whole, and never throws', () => {
  fc.assert(
    fc.property(outputs, fc.nat(32), fc.nat(255), fc.nat(100), (output, at, byte, cut) => {
      const damaged = encodeOutput(output);
      assert.equal(decodeOutput(damaged.subarray(0, Math.min(cut, damaged.length - 1))), null);
      damaged[at] = byte;
      const read = decodeOutput(damaged);
      if (read === null) return;
      for (const { head, tail, size } of [read.stdout, read.stderr]) assert.ok(size >= head.length + tail.length);
    }),
    runs(300),
  );
  fc.assert(
    fc.property(bytes, (garbage) => void decodeOutput(garbage)),
    runs(200),
  );
});
