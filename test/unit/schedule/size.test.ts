import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSize } from '../../../src/schedule/size.ts';

test('people read bytes in the largest unit that fits, with one decimal at most', () => {
  const rows: readonly [bytes: number, text: string][] = [
    [0, '0 bytes'],
    [1, '1 byte'],
    [1023, '1023 bytes'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1024 * 1024 - 1, '1 MiB'],
    [10 * 1024 * 1024, '10 MiB'],
    [12_900_000, '12.3 MiB'],
    [3 * 1024 ** 3, '3 GiB'],
    [5000 * 1024 ** 4, '5000 TiB'],
  ];
  for (const [bytes, text] of rows) assert.equal(formatSize(bytes), text);
});
