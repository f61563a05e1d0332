import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Heap, type Spot } from '../../../src/tenancy/heap.ts';

test('whatever is put in and taken out, the first is the smallest, and the first few come in order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(2), fc.nat(999)), { minLength: 40, maxLength: 150, size: 'max' }), (steps) => {
      const heap = new Heap<number>((a, b) => a < b);
      const spots: Spot<number>[] = [];
      for (const [step, number] of steps) {
        const [gone] = step === 0 ? spots.splice(number % (spots.length + 1), 1) : [];
        if (gone !== undefined) heap.remove(gone);
        if (step > 0) spots.push(heap.push(number));
        const sorted = spots.map((spot) => spot.value).sort((a, b) => a - b);
        assert.equal(heap.size, sorted.length);
        assert.equal(heap.peek(), sorted[0]);
        assert.deepEqual(heap.first(4), sorted.slice(0, 4));
      }
      const out = spots.map(() => heap.pop());
      assert.deepEqual(
        out,
        spots.map((spot) => spot.value).sort((a, b) => a - b),
      );
      assert.equal(heap.pop(), undefined);
    }),
  );
});
