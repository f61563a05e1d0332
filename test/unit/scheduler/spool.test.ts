/** What a run leaves in its folder on its way: whole or not at all, and gone when it is of no use any more. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { collectExcerpt, EMPTY, headOf, readExcerpt } from '../../../src/scheduler/excerpt.ts';
import {
  type AttemptEnd,
  decodeOutcome,
  encodeOutcome,
  readMark,
  readOutcome,
  writeMark,
  writeOutcome,
} from '../../../src/scheduler/marks.ts';
import { attemptFolder, clearAttempt, keepOutput, keptIn, pruneSpool } from '../../../src/scheduler/spool.ts';
import { runs } from '../../helpers/runs.ts';
import { DUE, ID, makeRoot, namesIn, plannedEntry } from './world.ts';

const ENTRY = plannedEntry({ phase: 'started', startedAt: DUE + 5 });
const END: AttemptEnd = {
  entry: plannedEntry({
    phase: 'ended',
    ending: {
      attempt: 1,
      startedAt: DUE,
      endedAt: DUE + 7,
      duration: 7,
      status: 'Error',
      code: 3,
      signal: null,
      endedBy: 'itself',
      reason: null,
      memory: null,
      cpu: null,
    },
  }),
  results: [
    {
      temporary: '/r/.fate-result-x',
      target: '/r/out\n.txt',
      suffix: '.txt',
      label: 'l',
      ext: '.txt',
      size: 5,
      onConflict: 'replace',
      dev: '18446744073709551615',
      ino: '9007199254740993',
      owner: 1000,
    },
  ],
  keep: true,
  state: { kind: 'structure', value: { a: [1, null] } },
  stderr: { head: Buffer.from([0, 255, 10]), tail: Buffer.from('tail'), size: 100 },
};

test('a mark is read back whole, and cut anywhere it is none', (t) => {
  const folder = makeRoot(t);
  assert.equal(readMark(folder), null);
  writeMark(folder, ENTRY);
  assert.deepEqual(readMark(folder), ENTRY);
  const { length } = readFileSync(join(folder, 'starting'));
  for (let size = length - 1; size >= 0; size--) {
    truncateSync(join(folder, 'starting'), size);
    assert.equal(readMark(folder), null, `of ${size} bytes`);
  }
  // What a power cut may leave of a file that was not synced.
  writeFileSync(join(folder, 'starting'), Buffer.alloc(length));
  assert.equal(readMark(folder), null);
});

test('an outcome is read back whole, with numbers past what a double counts, and cut anywhere it is none', async (t) => {
  const folder = makeRoot(t);
  assert.equal(readOutcome(folder), null);
  await writeOutcome(folder, END);
  assert.deepEqual(readOutcome(folder), END);
  await writeOutcome(folder, { ...END, results: [], stderr: null, state: null });
  assert.deepEqual(readOutcome(folder), { ...END, results: [], stderr: null, state: null });
  const { length } = readFileSync(join(folder, 'outcome'));
  for (let size = length - 1; size >= 0; size -= 7) {
    truncateSync(join(folder, 'outcome'), size);
    assert.equal(readOutcome(folder), null, `of ${size} bytes`);
  }
});

test('an outcome of which any part cannot be read is none', () => {
  const fields = JSON.parse(encodeOutcome(END)) as Record<string, unknown>;
  const broken = [
    { ...fields, v: 2 },
    { ...fields, entry: null },
    { ...fields, entry: { ...(fields.entry as object), ending: null } },
    { ...fields, results: {} },
    { ...fields, results: [{ ...END.results[0], ino: 5 }] },
    { ...fields, results: [{ ...END.results[0], owner: 'root' }] },
    { ...fields, results: [null] },
  ];
  for (const one of broken) assert.equal(decodeOutcome(JSON.stringify(one)), null);
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => decodeOutcome(text) === null));
});

test('each attempt has a folder of its own', () => {
  assert.equal(attemptFolder('/s', { id: 'a', attempt: 1 }), '/s/a');
  assert.equal(attemptFolder('/s', { id: 'a', attempt: 3 }), '/s/a-3');
});

test('a folder is cleared but for output that was kept, which goes after 7 days', async (t) => {
  const spool = join(makeRoot(t), 'spool');
  for (const name of ['plain', 'large', 'kept']) {
    mkdirSync(join(spool, name), { recursive: true });
    for (const file of ['starting', 'outcome', 'beside', 'stdout']) writeFileSync(join(spool, name, file), 'x');
  }
  writeFileSync(join(spool, 'large', 'other'), 'x');
  const kept = await keepOutput(join(spool, 'kept'));
  assert.deepEqual([kept, await keepOutput(join(spool, 'kept'))], [join(spool, 'kept/output'), kept]);
  assert.equal(await keptIn(join(spool, 'plain')), null);
  for (const name of ['plain', 'large', 'kept']) await clearAttempt(join(spool, name), name === 'large' ? 2 << 20 : 1);
  await clearAttempt(join(spool, 'none'), 0);
  assert.deepEqual(namesIn(spool), ['kept', 'kept/output']);

  // A run that goes for longer than 7 days has nothing that was kept.
  mkdirSync(join(spool, 'going'));
  const old = Date.now() / 1000 - 8 * 86_400;
  utimesSync(join(spool, 'going'), old, old);
  await pruneSpool(spool, Date.now());
  assert.ok(existsSync(join(spool, 'kept/output')));
  utimesSync(join(spool, 'kept'), old, old);
  await pruneSpool(spool, Date.now());
  assert.deepEqual(namesIn(spool), ['going']);
});

/** As the words of types.ts have it. */
function excerptOf(bytes: Buffer): { head: Buffer; tail: Buffer; size: number } {
  const after = bytes.subarray(16_384);
  return {
    head: bytes.subarray(0, 16_384),
    tail: after.subarray(Math.max(0, after.length - 65_536)),
    size: bytes.length,
  };
}

test('from chunks of any size, an excerpt is the first 16 KiB and the last 64 KiB', () => {
  const sizes = fc.array(fc.oneof(fc.nat(30), fc.nat(20_000), fc.nat(200_000)), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, (lengths) => {
      const collector = collectExcerpt();
      let next = 0;
      const chunks = lengths.map((length) => Buffer.from(Array.from({ length }, () => (next++ * 7919) >> 5)));
      for (const chunk of chunks) {
        const given = Buffer.from(chunk);
        collector.push(given);
        given.fill(0);
      }
      assert.deepEqual(collector.excerpt(), excerptOf(Buffer.concat(chunks)));
    }),
    runs(40),
  );
});

test('from a file as well', async (t) => {
  const file = join(makeRoot(t), 'stdout');
  assert.deepEqual(await readExcerpt(file), EMPTY);
  for (const size of [0, 1, 16_384, 16_385, 80_000, 81_920, 81_921, 300_000]) {
    const bytes = Buffer.from(Array.from({ length: size }, (_, at) => at >> 8));
    writeFileSync(file, bytes);
    assert.deepEqual(await readExcerpt(file), excerptOf(bytes));
  }
  assert.equal(headOf({ ...EMPTY, head: Buffer.from('é'.repeat(300)) }), 'é'.repeat(200));
});

test('what cannot be written leaves no half outcome', async (t) => {
  const folder = join(makeRoot(t), 'none', ID);
  await assert.rejects(writeOutcome(folder, END), { code: 'ENOENT' });
  await assert.rejects(writeOutcome(folder, { ...END, results: [] }), { code: 'ENOENT' });
});
