import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  chunksOf,
  endOfLines,
  LONGEST_LINE,
  lineSplitter,
  linesBackwards,
  splitLines,
} from '../../../src/log/lines.ts';
import { runs } from '../../helpers/runs.ts';
import { scratch } from './bench.ts';

const all = async (lines: AsyncIterable<string>): Promise<string[]> => {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
};

test('from the front and from the back, lines are what stands between newlines, whatever their length', async (t) => {
  const file = join(scratch(t), 'lines');
  // Around the size of a block, so that newlines and characters come to lie across two.
  const line = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\n', ' ')),
    fc.integer({ min: 65_530, max: 65_542 }).map((length) => 'ü'.repeat(length / 2)),
    fc.constant('y'.repeat(200_000)),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 8 }),
      fc.constantFrom('', 'torn', 'z'.repeat(70_000)),
      async (lines, torn) => {
        const wanted = lines.map((one) => Buffer.from(one).toString());
        writeFileSync(file, `${lines.map((one) => `${one}\n`).join('')}${torn}`);
        const handle = await open(file);
        try {
          const { size } = await handle.stat();
          const end = await endOfLines(handle, size);
          assert.equal(end, size - torn.length);
          assert.deepEqual(await all(splitLines(chunksOf(handle, 0, size))), wanted);
          assert.deepEqual((await all(linesBackwards(handle, end))).reverse(), wanted);
        } finally {
          await handle.close();
        }
      },
    ),
    runs(50),
  );
});

test('a line that comes in pieces is told once it is whole, and one that was begun can be forgotten', () => {
  const splitter = lineSplitter();
  assert.deepEqual([...splitter.push(Buffer.from('a\nb'))], ['a']);
  assert.equal(splitter.held, 1);
  assert.deepEqual([...splitter.push(Buffer.from('c\n\nd'))], ['bc', '']);
  splitter.clear();
  assert.deepEqual([...splitter.push(Buffer.from('e\n'))], ['e']);
});

test('of a line that is longer than any record the front is kept, whole characters of it, from either side', async (t) => {
  const file = join(scratch(t), 'lines');
  const long = (characters: string, length: number): string => `a${characters.repeat(length)}`;
  const cut = (line: string): string => {
    const bytes = Buffer.from(line);
    const [text = ''] = bytes.subarray(0, LONGEST_LINE).toString().split('\ufffd');
    return `${text}… ${bytes.length - Buffer.byteLength(text)} bytes left out …`;
  };
  const twice = long('x', 2 * LONGEST_LINE);
  const over = long('x', LONGEST_LINE);
  const wide = [long('ü', LONGEST_LINE), long('€', LONGEST_LINE), long('😀', LONGEST_LINE)];
  const just = 'y'.repeat(LONGEST_LINE);
  writeFileSync(file, `${['short', twice, just, over, 'between', ...wide, 'last'].join('\n')}\n`);
  const wanted = ['short', cut(twice), just, cut(over), 'between', ...wide.map(cut), 'last'];
  const handle = await open(file);
  t.after(() => handle.close());
  const { size } = await handle.stat();
  // Not deepEqual, which would print megabytes.
  const same = (found: string[]): void => assert.ok(found.every((line, n) => line === wanted[n]) && found.length === 9);
  same(await all(splitLines(chunksOf(handle, 0, size))));
  same((await all(linesBackwards(handle, size))).reverse());
});
