/** Results that a crash left between prepared and recorded: each is in place exactly once afterwards. */
import assert from 'node:assert/strict';
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type PreparedResult, prepareResults, publishResults } from '../../../src/output/result.ts';
import { NOTES, removeBeside } from '../../../src/output/result-beside.ts';
import { finishResults } from '../../../src/output/result-finish.ts';
import { filesIn, type Given, makeFolder, sourceOf, tarOf } from './support.ts';

interface Prepared {
  readonly folder: string;
  readonly result: string;
  readonly stdout: string;
  readonly prepared: readonly PreparedResult[];
  readonly first: PreparedResult;
}

async function prepare(t: TestContext, given: Given, output: string | Uint8Array = 'text'): Promise<Prepared> {
  const folder = makeFolder(t);
  const source = sourceOf(folder, output, given);
  const { prepared, problems } = await prepareResults(source);
  assert.deepEqual(problems, []);
  const [first] = prepared;
  assert.ok(first);
  return { folder, result: join(folder, 'result'), stdout: source.file, prepared, first };
}

const RAW = { format: { kind: 'raw' }, path: 'out.txt' } as const;

async function isThereOnce({ prepared, stdout, result }: Prepared, name: string): Promise<void> {
  for (let time = 1; time <= 2; time++) {
    const { recorded, problems, gone } = await finishResults(prepared, stdout);
    assert.deepEqual(
      [recorded.map(({ path }) => path), problems, gone],
      [[join(result, name)], [], []],
      `when finished for the ${time}. time`,
    );
    assert.equal(readFileSync(join(result, name), 'utf8'), 'text');
  }
}

test('what was not linked is published, though the spool has the file by a further name', async (t) => {
  const made = await prepare(t, RAW);
  assert.equal(statSync(made.first.temporary).ino, statSync(made.stdout).ino);
  await isThereOnce(made, 'out.txt');
  assert.deepEqual(filesIn(made.result), ['out.txt']);
});

test('what was linked loses its temporary name only, at whatever number it is', async (t) => {
  const made = await prepare(t, RAW);
  for (const name of ['out.txt', 'out-1.txt', 'out-10x.txt', 'out-07.txt'])
    writeFileSync(join(made.result, name), name);
  linkSync(made.first.temporary, join(made.result, 'out-12.txt'));
  await isThereOnce(made, 'out-12.txt');
  assert.deepEqual(filesIn(made.result), ['out-07.txt', 'out-1.txt', 'out-10x.txt', 'out-12.txt', 'out.txt']);
});

test('what was linked and has lost its temporary name is found again', async (t) => {
  const made = await prepare(t, RAW);
  mkdirSync(made.result, { recursive: true });
  writeFileSync(join(made.result, 'out.txt'), 'taken');
  await publishResults(made.prepared);
  assert.ok(!existsSync(made.first.temporary));
  rmSync(join(made.result, 'out.txt'));
  await isThereOnce(made, 'out-1.txt');
  assert.deepEqual(filesIn(made.result), ['out-1.txt']);
});

test('a result that somebody took away after it was published does not come back', async (t) => {
  const made = await prepare(t, RAW);
  await publishResults(made.prepared);
  renameSync(join(made.result, 'out.txt'), join(made.folder, 'taken'));
  const finished = await finishResults(made.prepared, made.stdout);
  assert.deepEqual(finished, { recorded: [], problems: [], failed: [], gone: [join(made.result, 'out.txt')] });
  assert.deepEqual(filesIn(made.result), []);
});

test('further links that others made are no sign of being in place', async (t) => {
  const made = await prepare(t, RAW);
  linkSync(made.first.temporary, join(made.folder, 'backup'));
  await isThereOnce(made, 'out.txt');
});

test('replace: what was not moved is moved, and what was is left alone', async (t) => {
  for (const moved of [false, true]) {
    const made = await prepare(t, { ...RAW, onConflict: 'replace' });
    writeFileSync(join(made.result, 'out.txt'), 'older');
    if (moved) await publishResults(made.prepared);
    await isThereOnce(made, 'out.txt');
    assert.deepEqual(filesIn(made.result), ['out.txt']);
  }
});

test('replace: a result that a later run replaced is not put back', async (t) => {
  const made = await prepare(t, { ...RAW, onConflict: 'replace' });
  await publishResults(made.prepared);
  const later = sourceOf(made.folder, 'newer', { ...RAW, onConflict: 'replace', spool: join(made.folder, 'later') });
  await publishResults((await prepareResults(later)).prepared);
  const { recorded, gone } = await finishResults(made.prepared, made.stdout);
  assert.deepEqual([recorded, gone], [[], [join(made.result, 'out.txt')]]);
  assert.equal(readFileSync(join(made.result, 'out.txt'), 'utf8'), 'newer');
});

test('of an archive, members in every state are each there once', async (t) => {
  const tar = await tarOf(['a', 'first'], ['b', 'second'], ['c', 'third'], ['d', 'fourth']);
  const made = await prepare(t, { format: { kind: 'archive' }, path: '%label%' }, tar);
  const [a, b, c, d] = made.prepared;
  assert.ok(a && b && c && d);
  await publishResults([a]);
  linkSync(b.temporary, b.target);
  await publishResults([d]);
  rmSync(d.target);
  const { recorded, problems, gone } = await finishResults(made.prepared, made.stdout);
  assert.deepEqual([recorded.map(({ label }) => label), problems, gone], [['a', 'b', 'c'], [], [d.target]]);
  assert.deepEqual(filesIn(made.result), ['a', 'b', 'c']);
});

test('a device that has another number since the boot is told by size and inode', async (t) => {
  const made = await prepare(t, RAW);
  await publishResults(made.prepared);
  const moved = { ...made, prepared: [{ ...made.first, dev: '99999' }] };
  await isThereOnce(moved, 'out.txt');
  const other = await finishResults([{ ...made.first, dev: '99999', size: 5 }], made.stdout);
  assert.equal(other.gone.length, 1);
});

test('where a result cannot be put, that is told, and its temporary is named', async (t) => {
  const made = await prepare(t, RAW);
  mkdirSync(join(made.result, 'out.txt'));
  const { recorded, problems, failed } = await finishResults(made.prepared, made.stdout);
  assert.deepEqual([recorded, failed], [[], [made.first]]);
  assert.match(problems.join(), /out\.txt could not be written: what is there is no regular file/);
});

test('the folders of temporaries are noted, and theirs alone are removed', async (t) => {
  const made = await prepare(t, { ...RAW, path: 'new\nline/out.txt' });
  const spool = join(made.folder, 'spool');
  const stranger = join(made.result, 'new\nline', '.fate-result-other-0123456789abcdef');
  writeFileSync(stranger, '');
  // A note that was cut short.
  writeFileSync(join(spool, NOTES), `${readFileSync(join(spool, NOTES), 'utf8')}"/tm`);
  assert.deepEqual(await removeBeside('r', spool), []);
  assert.deepEqual(filesIn(made.result), ['new\nline/.fate-result-other-0123456789abcdef']);
  assert.deepEqual(await removeBeside('r', join(made.folder, 'none')), []);
});
