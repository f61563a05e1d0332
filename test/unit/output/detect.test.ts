import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { detectFile } from '../../../src/output/detect.ts';
import type { Detection } from '../../../src/output/detection.ts';
import type { ResultFormat, ResultFormatName } from '../../../src/types.ts';
import { runs } from '../../helpers/runs.ts';
import { type Entry, makeFolder, tarOf, writeOutput } from './support.ts';

const AUTO: ResultFormat = { kind: 'auto' };
const ARCHIVE: ResultFormat = { kind: 'archive' };
const named = (...names: ResultFormatName[]): ResultFormat => ({ kind: 'named', names });

const detect = (file: string, format: ResultFormat): Promise<Detection> =>
  detectFile(file, statSync(file).size, format);

const hasProgram = (program: string): boolean =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
const PACKERS = { '.bz2': 'bzip2', '.xz': 'xz', '.zst': 'zstd' } as const;
const packed = (program: string, bytes: Buffer): Buffer => execFileSync(program, ['-c'], { input: bytes });

test('auto takes the first of json, tar, toml, yaml that is more than a bare string', async (t) => {
  const folder = makeFolder(t);
  const table: readonly [string | Buffer, string][] = [
    ['{"a": 1}', '.json'],
    ['[1, 2]\n', '.json'],
    ['42\n', '.json'],
    ['null', '.json'],
    ['"a bare string"\n', ''],
    ['a = 1\n', '.toml'],
    ['[a]\nb = 1\n', '.toml'],
    ['a: 1\n', '.yaml'],
    ['- a\n- b\n', '.yaml'],
    ['plain text\n', ''],
    ['several lines\nof plain text\n', ''],
    ['', ''],
    [' \n\t\n', ''],
    ['# only\n# comments\n', ''],
    [Buffer.alloc(10_240), ''],
    [Buffer.alloc(100), ''],
    [Buffer.from([0xff, 0xfe, 0x00, 0x41]), ''],
    ['a: \0\n', ''],
    [Buffer.from('a: \xe9\n', 'latin1'), ''],
    [await tarOf(['a.txt', 'hello']), '.tar'],
    [gzipSync(await tarOf(['a.txt', 'hello'])), '.tar.gz'],
    [gzipSync('{"a": 1}'), ''],
    [gzipSync(Buffer.alloc(10_240)), ''],
  ];
  for (const [index, [output, ext]] of table.entries()) {
    const file = writeOutput(folder, String(index), output);
    for (const kind of ['auto', 'mixed'] as const) {
      assert.deepEqual(await detect(file, { kind }), { ext, archive: false, warning: null }, `${index}: ${output}`);
    }
  }
});

test('raw output is nothing but itself', async (t) => {
  const file = writeOutput(makeFolder(t), 'a', '{"a": 1}');
  assert.deepEqual(await detect(file, { kind: 'raw' }), { ext: '', archive: false, warning: null });
});

test('only a directory member .fate makes auto unpack a tar', async (t) => {
  const folder = makeFolder(t);
  const of = async (...entries: readonly Entry[]): Promise<Detection> =>
    detect(writeOutput(folder, 'a.tar', await tarOf(...entries)), AUTO);
  const plain = { ext: '.tar', archive: false, warning: null };
  const marked = { ext: '.tar', archive: true, warning: null };
  assert.deepEqual(await of(['.fate/'], ['a', 'x']), marked);
  assert.deepEqual(await of(['a', 'x'], ['./.fate/']), marked);
  assert.deepEqual(await of(['a', Buffer.alloc(3_000_000)], ['b', Buffer.alloc(2_000_000)], ['.fate/']), marked);
  assert.deepEqual(await of(['.fate', 'a file'], ['a', 'x']), plain);
  assert.deepEqual(await of(['a/.fate/'], ['.fate.d/']), plain);
  assert.deepEqual(await detect(join(folder, 'a.tar'), ARCHIVE), marked);
});

test('named formats are tried in the order written', async (t) => {
  const folder = makeFolder(t);
  const csv = writeOutput(folder, 'csv', 'a,b\n1,2\n');
  assert.deepEqual(await detect(csv, named('json', 'csv')), { ext: '.csv', archive: false, warning: null });
  const both = writeOutput(folder, 'both', '[1,2]');
  assert.equal((await detect(both, named('json', 'csv'))).ext, '.json');
  assert.equal((await detect(both, named('csv', 'json'))).ext, '.csv');
  assert.equal((await detect(both, named('yaml', 'json'))).ext, '.yaml');
  const tar = writeOutput(folder, 'tar', await tarOf(['.fate/'], ['a', 'x']));
  assert.deepEqual(await detect(tar, named('tar')), { ext: '.tar', archive: false, warning: null });
});

test('what is none of the named formats has no suffix and a warning', async (t) => {
  const folder = makeFolder(t);
  const text = writeOutput(folder, 'text', 'plain text\n');
  assert.deepEqual(await detect(text, named('json', 'csv')), {
    ext: '',
    archive: false,
    warning: 'the output is not json or csv; it is recorded without suffix',
  });
  const empty = writeOutput(folder, 'empty', '');
  assert.match((await detect(empty, named('csv'))).warning ?? '', /not csv/);
  const long = writeOutput(folder, 'long', 'a: 1\n'.repeat(900_000));
  assert.match((await detect(long, named('yaml'))).warning ?? '', /longer than 4 MiB it is not tried as yaml/);
  assert.match((await detect(text, ARCHIVE)).warning ?? '', /no tar archive; it is recorded as it is/);
});

for (const [suffix, program] of Object.entries(PACKERS)) {
  test(`a tar packed by ${program} is looked into`, {
    skip: !hasProgram(program) && `${program} is not installed`,
  }, async (t) => {
    const folder = makeFolder(t);
    const plain = writeOutput(folder, 'plain', packed(program, await tarOf(['a', 'x'])));
    assert.deepEqual(await detect(plain, AUTO), { ext: `.tar${suffix}`, archive: false, warning: null });
    const marked = writeOutput(folder, 'marked', packed(program, await tarOf(['.fate/'], ['a', 'x'])));
    assert.deepEqual(await detect(marked, AUTO), { ext: `.tar${suffix}`, archive: true, warning: null });
    const text = writeOutput(folder, 'text', packed(program, Buffer.from('{"a": 1}')));
    assert.deepEqual(await detect(text, AUTO), { ext: '', archive: false, warning: null });
    const whole = packed(program, await tarOf(['.fate/'], ['a', Buffer.from('x'.repeat(5000))]));
    const damaged = writeOutput(folder, 'damaged', whole.subarray(0, whole.length - 6));
    const found = await detect(damaged, AUTO);
    assert.deepEqual([found.ext, found.archive], ['', false]);
  });

  test(`without ${program} such an output is itself, and a warning says why`, async (t) => {
    const folder = makeFolder(t);
    // The first bytes that each of them writes.
    const magic = { '.bz2': 'BZh91AY&SY', '.xz': '\xfd7zXZ\0', '.zst': '\x28\xb5\x2f\xfd' }[suffix] ?? '';
    const file = writeOutput(folder, 'a', Buffer.from(magic.padEnd(600, 'x'), 'latin1'));
    const { PATH } = process.env;
    t.after(() => {
      process.env.PATH = PATH;
    });
    process.env.PATH = folder;
    for (const format of [AUTO, ARCHIVE]) {
      assert.deepEqual(await detect(file, format), {
        ext: '',
        archive: false,
        warning: `the output looks compressed, and ${program} is not installed to look into it; it is recorded as it is`,
      });
    }
  });
}

test('a damaged tar is no tar, and a warning says so', async (t) => {
  const folder = makeFolder(t);
  const whole = await tarOf(['.fate/'], ['a', 'x'.repeat(5000)]);
  for (const output of [whole.subarray(0, 3000), gzipSync(whole).subarray(0, -6)]) {
    const found = await detect(writeOutput(folder, 'a', output), AUTO);
    assert.deepEqual([found.ext, found.archive], ['', false]);
    assert.match(found.warning ?? '', /begins like a tar archive but cannot be read to its end: .*recorded as it is/);
  }
});

test('large output of each kind is told, and never holds up the loop', { timeout: 120_000 }, async (t) => {
  const folder = makeFolder(t);
  const rows = Array.from({ length: 40_000 }, (_, id) => ({ id, name: `name ${id}`, ratio: id / 7 }));
  const table: readonly [string | Buffer, ResultFormat, string][] = [
    [JSON.stringify(rows), AUTO, '.json'],
    [`${JSON.stringify(rows)}]`, AUTO, ''],
    ['a line of plain text\n'.repeat(1_000_000), AUTO, ''],
    [`${'a line: of text: with colons\n'.repeat(100_000)}`, AUTO, ''],
    [rows.map(({ id, name }) => `${id},${name}`).join('\n'), named('csv'), '.csv'],
    [
      rows
        .slice(0, 10_000)
        .map(({ id, name }) => `[t${id}]\nname = "${name}"`)
        .join('\n'),
      AUTO,
      '.toml',
    ],
    [
      rows
        .map(({ id, name }) => `- {id: ${id}, name: "${name}"}`)
        .slice(0, 10_000)
        .join('\n'),
      AUTO,
      '.yaml',
    ],
    [`k: é${'日本'.repeat(30_000)}\n`, AUTO, '.yaml'],
    [await tarOf(['a', Buffer.alloc(30_000_000)], ['b', 'x']), AUTO, '.tar'],
    [gzipSync(await tarOf(['a', Buffer.alloc(30_000_000)])), AUTO, '.tar.gz'],
  ];
  for (const [index, [output, format, ext]] of table.entries()) {
    const file = writeOutput(folder, String(index), output);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const found = await detect(file, format);
    delay.disable();
    assert.equal(found.ext, ext, `output ${index}: ${found.warning}`);
    // 100 ms is the promise; a machine under load may add its own.
    assert.ok(delay.max < 200e6, `output ${index} held up the loop for ${delay.max / 1e6} ms`);
  }
});

test('detection answers whatever the bytes are', async (t) => {
  const folder = makeFolder(t);
  const tar = await tarOf(['.fate/'], ['a.json', '{}']);
  const magic = fc.constantFrom(
    '',
    '\x1f\x8b\x08',
    'BZh91AY&SY',
    '\xfd7zXZ\0',
    '\x28\xb5\x2f\xfd',
    '{',
    '[',
    'a: ',
    'a = ',
  );
  const bytes = fc.oneof(
    fc
      .tuple(magic, fc.uint8Array({ maxLength: 700 }))
      .map(([m, rest]) => Buffer.concat([Buffer.from(m, 'latin1'), rest])),
    fc.tuple(fc.nat(tar.length - 1), fc.nat(255), fc.nat(tar.length)).map(([at, byte, end]) => {
      const changed = Buffer.from(tar);
      changed[at] = byte;
      return changed.subarray(0, end);
    }),
  );
  const formats = fc.constantFrom<ResultFormat>(AUTO, ARCHIVE, { kind: 'mixed' }, named('csv', 'toml', 'tar', 'yaml'));
  await fc.assert(
    fc.asyncProperty(bytes, formats, async (output, format) => {
      const { ext } = await detect(writeOutput(folder, 'a', output), format);
      assert.match(ext, /^(|\.(csv|json|toml|yaml|tar(\.(gz|bz2|xz|zst))?))$/);
    }),
    runs(300),
  );
});
