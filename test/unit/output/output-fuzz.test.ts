/** Whatever a task writes: its result is recorded below the result folder or refused, and nothing else happens. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { prepareResults, publishResults } from '../../../src/output/result.ts';
import { discardAll } from '../../../src/output/result-publish.ts';
import type { ResultFormat } from '../../../src/types.ts';
import { runs } from '../../helpers/runs.ts';
import { filesIn, makeFolder, sourceOf, tarOf } from './support.ts';

const names = fc.oneof(
  fc.constantFrom('.fate/', '.fate', 'a.json', 'dir/b.tar.gz', '../out', '/etc/out', 'a'.repeat(300), 'ü/ .x'),
  fc.string({ maxLength: 20 }),
);
const members = fc.array(fc.tuple(names, fc.oneof(fc.string(), fc.json())), { maxLength: 5 });

type Cut = { readonly kind: 'flip' | 'cut' | 'insert'; readonly at: number; readonly bytes: Uint8Array };
const cuts = fc.array(
  fc.record({
    kind: fc.constantFrom('flip' as const, 'cut' as const, 'insert' as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  }),
  { maxLength: 6 },
);

function mutated(bytes: Buffer, changes: readonly Cut[]): Buffer {
  let found = bytes;
  for (const { kind, at, bytes: given } of changes) {
    const place = Math.floor(at * found.length);
    const behind = kind === 'insert' ? place : kind === 'cut' ? found.length : place + given.length;
    const put = kind === 'cut' ? Buffer.alloc(0) : Buffer.from(given);
    found = Buffer.concat([found.subarray(0, place), put, found.subarray(Math.min(behind, found.length))]);
  }
  return found;
}

const archives = fc
  .record({ members, marked: fc.boolean(), gz: fc.boolean(), before: cuts, after: cuts })
  .map(({ members: given, marked, gz, before, after }) => ({
    members: marked ? [['.fate/', ''] as [string, string], ...given] : given,
    pack: (tar: Buffer): Buffer => mutated(gz ? gzipSync(mutated(tar, before)) : mutated(tar, before), after),
  }));
const formats = fc.constantFrom<ResultFormat>(
  { kind: 'auto' },
  { kind: 'mixed' },
  { kind: 'archive' },
  { kind: 'named', names: ['tar', 'json'] },
  { kind: 'raw' },
);

async function record(folder: string, output: Buffer, format: ResultFormat): Promise<void> {
  rmSync(join(folder, 'result'), { recursive: true, force: true });
  const source = sourceOf(folder, output, { format });
  const { prepared } = await prepareResults(source);
  const { recorded, failed } = await publishResults(prepared);
  await discardAll(failed);
  assert.ok(readFileSync(source.file).equals(output), 'the output itself is left as it is');
  const there = filesIn(folder).filter((name) => !name.startsWith('spool/'));
  assert.deepEqual(there, recorded.map(({ path }) => path.slice(folder.length + 1)).sort());
  for (const name of there) assert.ok(!basename(name).startsWith('.'), name);
}

test('archives with bytes changed, put in and cut off are recorded below the result folder, or refused', async (t) => {
  const folder = makeFolder(t);
  await fc.assert(
    fc.asyncProperty(archives, formats, async ({ members: given, pack }, format) => {
      await record(folder, pack(await tarOf(...given)), format);
    }),
    runs(150),
  );
});

test('any bytes at all are recorded below the result folder, or refused', async (t) => {
  const folder = makeFolder(t);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 4_096 }).map((array) => Buffer.from(array)),
    fc.tuple(fc.json(), cuts).map(([text, changes]) => mutated(Buffer.from(text), changes)),
    fc.tuple(fc.uint8Array({ maxLength: 512 }), cuts).map(([array, changes]) => mutated(gzipSync(array), changes)),
  );
  await fc.assert(
    fc.asyncProperty(bytes, formats, (output, format) => record(folder, output, format)),
    runs(150),
  );
});
