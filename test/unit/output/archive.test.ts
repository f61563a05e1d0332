/** Archives that nobody would make, but somebody may send. */
import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createGzip, gzipSync } from 'node:zlib';
import { archiveMembers, examineArchive } from '../../../src/output/archive.ts';
import type { TarFinding } from '../../../src/output/detection.ts';
import { prepareResults, publishResults } from '../../../src/output/result.ts';
import { discardAll } from '../../../src/output/result-publish.ts';
import { blocks, filesIn, headerOf, makeFolder, octal, sourceOf, tarOf, writeOutput } from './support.ts';

const END = Buffer.alloc(1024);
const MARK = headerOf({ name: '.fate/', type: '5' });
const TAR = { kind: 'tar', compression: '', marked: false } as const;

function member(name: string, content: string | Uint8Array, type = '0'): Buffer {
  const body = Buffer.from(content);
  return Buffer.concat([headerOf({ name, type, size: octal(body.length) }), blocks(body)]);
}

/** A pax record: its length counts itself. */
function pax(...pairs: readonly (readonly [string, string])[]): Buffer {
  const records = pairs.map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + String(rest).length;
    if (String(length).length + rest > length) length++;
    return `${length} ${key}=${value}\n`;
  });
  return member('PaxHeader', records.join(''), 'x');
}

const examine = (folder: string, ...parts: readonly Uint8Array[]): Promise<TarFinding> => {
  const bytes = Buffer.concat(parts);
  return examineArchive(writeOutput(folder, 'a.tar', bytes), bytes.subarray(0, 65_536));
};

async function record(folder: string, ...parts: readonly Uint8Array[]) {
  const preparation = await prepareResults(
    sourceOf(folder, Buffer.concat(parts), { format: { kind: 'archive' }, path: '%label%%ext%' }),
  );
  const { recorded, problems, failed } = await publishResults(preparation.prepared);
  await discardAll(failed);
  return {
    files: existsSync(join(folder, 'result')) ? filesIn(join(folder, 'result')) : [],
    recorded,
    problems: [...preparation.problems, ...problems],
    warnings: preparation.warnings,
  };
}

test('a header with a wrong checksum, or with the right one over rubbish, is told apart', async (t) => {
  const folder = makeFolder(t);
  const wrong = headerOf({ name: 'a' });
  wrong[0] = 0x62;
  assert.deepEqual(await examine(folder, wrong, END), { kind: 'none' });
  assert.deepEqual(await examine(folder, headerOf({ name: 'a', magic: 'rubbish!' }), END), TAR);
  // Archives of the seventh edition of Unix have no magic at all, and write folders as files with a slash.
  assert.deepEqual(await examine(folder, headerOf({ name: '.fate/', magic: '\0\0', type: '\0' }), END), {
    ...TAR,
    marked: true,
  });
});

test('sizes that cannot be are damage', async (t) => {
  const folder = makeFolder(t);
  for (const size of [
    '77777777777\0',
    '\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff',
    '\xff'.repeat(12),
    'rubbish',
  ]) {
    const found = await examine(folder, headerOf({ name: 'a', size }), blocks('x'), END);
    assert.equal(found.kind === 'damaged' || found.kind === 'none', true, `${JSON.stringify(size)}: ${found.kind}`);
  }
});

test('a long name of hundreds of megabytes is not read into memory', async (t) => {
  const folder = makeFolder(t);
  const file = join(folder, 'a.tar');
  const fd = openSync(file, 'w');
  writeSync(fd, member('first', 'x'));
  writeSync(fd, headerOf({ name: '././@LongLink', type: 'L', size: octal(400_000_000) }));
  writeSync(fd, 'x', 399_000_000);
  closeSync(fd);
  const before = process.memoryUsage().rss;
  const found = await examineArchive(file, Buffer.concat([member('first', 'x')]));
  assert.equal(found.kind, 'damaged');
  assert.ok(process.memoryUsage().rss - before < 100e6);
});

test('members without a name, absolute ones and those that climb are refused, the others recorded', async (t) => {
  const folder = makeFolder(t);
  const made = await record(
    folder,
    await tarOf(
      ['/etc/passwd', 'x'],
      ['../up', 'x'],
      ['a/../../up', 'x'],
      ['a/..', 'x'],
      ['good.txt', 'x'],
      ['...', 'dots'],
      ['./././c/d.txt', 'x'],
      ['e//f', 'x'],
    ),
  );
  assert.deepEqual(made.files, ['...', 'c/d.txt', 'e/f', 'good.txt']);
  assert.deepEqual(made.problems, [
    'member "/etc/passwd" of the archive is refused: its path is absolute',
    'member "../up" of the archive is refused: its path climbs out with ..',
    'member "a/../../up" of the archive is refused: its path climbs out with ..',
    'member "a/.." of the archive is refused: its path climbs out with ..',
  ]);
  assert.deepEqual(
    filesIn(folder).filter((name) => !name.startsWith('spool/')),
    ['result/...', 'result/c/d.txt', 'result/e/f', 'result/good.txt'],
  );
});

test('links and devices are refused, each with an error; folders are nothing', async (t) => {
  const folder = makeFolder(t);
  const made = await record(
    folder,
    await tarOf(
      ['folder/'],
      ['hard', '', { type: 'link', linkname: '/etc/passwd' }],
      ['soft', '', { type: 'symlink', linkname: '/etc/passwd' }],
      ['fifo', '', { type: 'fifo' }],
      ['char', '', { type: 'character-device', devmajor: 1, devminor: 3 }],
      ['block', '', { type: 'block-device' }],
      ['good', 'x', { type: 'contiguous-file' }],
    ),
  );
  assert.deepEqual(made.files, ['good']);
  assert.deepEqual(
    made.problems.map((problem) => problem.replace(/^member "(\w+)" .*: it is a /, '$1 ')),
    ['hard link', 'soft link', 'fifo device', 'char device', 'block device'],
  );
});

test('pax headers may rename a member, but not out of the folder', async (t) => {
  const folder = makeFolder(t);
  const made = await record(
    folder,
    ...[pax(['path', 'nice/näme.txt']), member('ugly', 'x')],
    ...[pax(['path', '../../etc/cron.d/x']), member('harmless', 'x')],
    ...[pax(['path', 'with\0nul']), member('harmless', 'x')],
    ...[pax(['path', 'new\nline']), member('harmless', 'x')],
    ...[member('PaxHeader', 'no length\n-5 path=x\n', 'x'), member('odd', 'x')],
    ...[pax(['GNU.sparse.major', '1'], ['path', 'GNUSparseFile.0/s']), member('s', 'x')],
    END,
  );
  assert.deepEqual(made.files, ['new\nline', 'nice/näme.txt', 'odd']);
  assert.deepEqual(made.problems, [
    'member "../../etc/cron.d/x" of the archive is refused: its path climbs out with ..',
    'member "with\\u0000nul" of the archive is refused: there is a NUL in its name',
    'member "GNUSparseFile.0/s" of the archive is refused: it is a sparse file',
  ]);
});

test('a member named twice is two results', async (t) => {
  const made = await record(makeFolder(t), await tarOf(['a.txt', 'one'], ['a.txt', 'two'], ['a.txt', 'three']));
  assert.deepEqual(made.files, ['a-1.txt', 'a-2.txt', 'a.txt']);
  assert.deepEqual(made.problems, []);
});

test('names that no file can have are problems, the others are recorded', async (t) => {
  const made = await record(
    makeFolder(t),
    pax(['path', 'n'.repeat(300)]),
    member('x', 'x'),
    await tarOf(['good', 'x']),
  );
  assert.deepEqual(made.files, ['good']);
  assert.match(made.problems.join('\n'), /^\/.*n{300} could not be written: the name is too long$/);
});

test('a truncated archive is recorded as it is, and nothing of it is unpacked', async (t) => {
  const folder = makeFolder(t);
  const whole = Buffer.concat([MARK, member('a.txt', 'x'.repeat(2000)), member('b.txt', 'x'.repeat(2000))]);
  for (const length of [513, 1024, 3000, whole.length - 1]) {
    assert.equal((await examine(folder, whole.subarray(0, length))).kind, 'damaged');
  }
  const preparation = await prepareResults(sourceOf(folder, whole.subarray(0, 3000)));
  assert.equal(preparation.prepared.length, 1);
  assert.equal(preparation.prepared[0]?.ext, '');
  assert.match(preparation.warnings.join(), /cannot be read to its end/);
});

test('a tar with sparse members of GNU is a tar, and unpacked as far as it goes', async (t) => {
  const folder = makeFolder(t);
  // A sparse header whose map goes on in a block of its own, which the reader takes for the next header.
  const sparse = headerOf({ name: 'sparse', type: 'S', size: octal(512) });
  const bytes = [member('good', 'x'), sparse, Buffer.alloc(512, 'map'), Buffer.alloc(512, 'data'), END];
  assert.deepEqual(await examine(folder, ...bytes), TAR);
  const made = await record(folder, ...bytes);
  assert.deepEqual(made.files, ['good']);
  assert.match(
    made.problems.join('\n'),
    /"sparse" .* it is a member of unknown type\nthe archive could not be read to its end/,
  );
});

test('tens of thousands of members are read and refused, and a hundred problems told', {
  timeout: 120_000,
}, async (t) => {
  const folder = makeFolder(t);
  const one = member('x', 'x');
  const empty = await examine(folder, ...Array<Buffer>(30_000).fill(one), END);
  assert.deepEqual(empty, TAR);
  const refused = Array<Buffer>(30_000).fill(headerOf({ name: 'l', type: '2' }));
  const made = await record(folder, one, ...refused, END);
  assert.equal(made.recorded.length, 1);
  assert.equal(made.problems.length, 101);
  assert.equal(made.problems.at(-1), '29900 more of its members are not recorded');
});

test('no more than ten thousand results are recorded', { timeout: 120_000 }, async (t) => {
  // Where there is memory to write to, a sync of each file costs nothing.
  const folder = makeFolder(t, existsSync('/dev/shm') ? '/dev/shm' : undefined);
  const parts = Array.from({ length: 10_001 }, (_, i) => headerOf({ name: `m${i}` }));
  const source = sourceOf(folder, Buffer.concat([...parts, END]), { format: { kind: 'archive' } });
  const { prepared, problems } = await prepareResults(source);
  assert.equal(prepared.length, 10_000);
  assert.deepEqual(problems, ['the archive has more than 10000 results, and the others are not recorded']);
});

test('a gz that grows a thousandfold is read through in little memory', { timeout: 120_000 }, async (t) => {
  const folder = makeFolder(t);
  const file = join(folder, 'a.tar.gz');
  const gzip = createGzip();
  const fd = openSync(file, 'w');
  const written = (async () => {
    for await (const chunk of gzip) writeSync(fd, chunk);
    closeSync(fd);
  })();
  gzip.write(headerOf({ name: 'zeros', size: octal(300 << 20) }));
  for (let i = 0; i < 300; i++) if (!gzip.write(Buffer.alloc(1 << 20))) await new Promise((r) => gzip.once('drain', r));
  gzip.end(END);
  await written;
  assert.ok(statSync(file).size < 1e6);
  const before = process.memoryUsage().rss;
  assert.deepEqual(await examineArchive(file, Buffer.from([0x1f, 0x8b, 8])), { ...TAR, compression: '.gz' });
  assert.ok(process.memoryUsage().rss - before < 100e6);
});

test('who leaves an archive early leaves nothing open', async (t) => {
  const folder = makeFolder(t);
  const bytes = await tarOf(...Array.from({ length: 50 }, (_, i) => [`m${i}`, 'x'.repeat(20_000)] as const));
  for (const [compression, output] of [
    ['', bytes],
    ['.gz', gzipSync(bytes)],
  ] as const) {
    const file = writeOutput(folder, 'a', output);
    for await (const { name } of archiveMembers(file, compression)) if (name === 'm1') break;
  }
  const open = filesIn('/proc/self/fd').length;
  for await (const { name } of archiveMembers(writeOutput(folder, 'b', bytes), '')) if (name === 'm1') break;
  assert.ok(filesIn('/proc/self/fd').length <= open + 1);
});
