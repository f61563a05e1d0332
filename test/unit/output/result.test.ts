import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { prepareResults, publishResults, type ResultSource } from '../../../src/output/result.ts';
import { discardAll } from '../../../src/output/result-publish.ts';
import { filesIn, makeFolder, NAME, sourceOf, tarOf } from './support.ts';

const ARCHIVE = { kind: 'archive' } as const;

async function record(source: ResultSource) {
  const { prepared, problems, warnings } = await prepareResults(source);
  const published = await publishResults(prepared);
  return { recorded: published.recorded, problems: [...problems, ...published.problems], warnings };
}

const results = (folder: string): string[] =>
  existsSync(join(folder, 'result')) ? filesIn(join(folder, 'result')) : [];

test('an output is recorded in the default folder, with its suffix', async (t) => {
  const folder = makeFolder(t);
  const { recorded, problems, warnings } = await record(sourceOf(folder, '{"a": 1}'));
  const path = `${folder}/result/${NAME}.json`;
  assert.deepEqual(recorded, [{ path, label: '', ext: '.json', size: 8 }]);
  assert.deepEqual([problems, warnings], [[], []]);
  assert.equal(readFileSync(path, 'utf8'), '{"a": 1}');
  assert.deepEqual(results(folder), [`${NAME}.json`]);
});

test('empty output is no result for auto, and an empty file for mixed and as it is', async (t) => {
  const kinds = { auto: [], mixed: [NAME], raw: [NAME], archive: [] };
  for (const [kind, files] of Object.entries(kinds)) {
    const folder = makeFolder(t);
    const made = await record(sourceOf(folder, '', { format: { kind: kind as 'auto' } }));
    assert.deepEqual([results(folder), made.problems, made.warnings], [files, [], []], kind);
  }
  const folder = makeFolder(t);
  const named = await record(sourceOf(folder, '', { format: { kind: 'named', names: ['json'] } }));
  assert.deepEqual(results(folder), [NAME]);
  assert.equal(named.warnings.length, 1);
});

test('a result has mode 0666 less the umask, whether it was linked or copied', async (t) => {
  const umask = process.umask();
  const mode = (0o666 & ~umask).toString(8);
  for (const base of [undefined, existsSync('/dev/shm') ? '/dev/shm' : undefined]) {
    const folder = makeFolder(t);
    const spool = makeFolder(t, base);
    const { recorded } = await record(sourceOf(folder, 'text', { spool }));
    assert.equal((statSync(recorded[0]?.path ?? '').mode & 0o777).toString(8), mode);
  }
});

test('on one file system the bytes are not copied', async (t) => {
  const source = sourceOf(makeFolder(t), 'text');
  const { recorded } = await record(source);
  assert.equal(statSync(recorded[0]?.path ?? '').ino, statSync(source.file).ino);
});

test('from another file system they are', { skip: !existsSync('/dev/shm') && 'there is no /dev/shm' }, async (t) => {
  const folder = makeFolder(t);
  const spool = makeFolder(t, '/dev/shm');
  if (statSync(folder).dev === statSync(spool).dev) return t.skip('all is one file system here');
  const output = Buffer.alloc(3_333_333, 'abcdefg');
  const { recorded } = await record(sourceOf(folder, output, { spool, format: { kind: 'raw' } }));
  assert.ok(readFileSync(recorded[0]?.path ?? '').equals(output));
});

test('path.result that is null or blank records nothing, and /dev/null takes all', async (t) => {
  for (const path of [null, '', ' \n ', '/dev/null', '/dev/../dev/null']) {
    const folder = makeFolder(t);
    const made = await record(sourceOf(folder, 'text', { path }));
    assert.deepEqual(made, { recorded: [], problems: [], warnings: [] }, String(path));
    assert.deepEqual(filesIn(folder), ['spool/stdout']);
  }
});

test('missing parents are made', async (t) => {
  const folder = makeFolder(t);
  const { recorded } = await record(sourceOf(folder, 'text', { path: `${folder}/a/b/c/out` }));
  assert.deepEqual(recorded[0]?.path, `${folder}/a/b/c/out`);
  await record(sourceOf(folder, 'text', { path: `${folder}/d/` }));
  assert.deepEqual(filesIn(folder), ['a/b/c/out', `d/${NAME}`, 'spool/beside', 'spool/stdout']);
});

test('rename gives numbers, before the suffix', async (t) => {
  const folder = makeFolder(t);
  for (let i = 0; i < 3; i++) await record(sourceOf(folder, '{}'));
  for (let i = 0; i < 3; i++) await record(sourceOf(folder, 'text'));
  for (let i = 0; i < 2; i++) await record(sourceOf(folder, 'text', { path: 'out.txt' }));
  for (let i = 0; i < 2; i++) await record(sourceOf(folder, gzipSync(await tarOf(['a', 'x'])), { path: 'b%ext%' }));
  assert.deepEqual(
    results(folder),
    [
      ...[`${NAME}.json`, `${NAME}-1.json`, `${NAME}-2.json`],
      ...[NAME, `${NAME}-1`, `${NAME}-2`],
      ...['out.txt', 'out-1.txt', 'b.tar.gz', 'b-1.tar.gz'],
    ].sort(),
  );
});

test('where many numbers are taken, the next is found without trying them all', { timeout: 60_000 }, async (t) => {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'result'));
  const taken = join(folder, 'result/out.txt');
  writeFileSync(taken, '');
  for (let n = 1; n < 3000; n++) linkSync(taken, join(folder, `result/out-${n}.txt`));
  for (const n of [3000, 3001]) {
    const { recorded } = await record(sourceOf(folder, 'text', { path: 'out.txt' }));
    assert.deepEqual(recorded[0]?.path, join(folder, `result/out-${n}.txt`));
  }
});

test('replace puts the new result in the place of the old', async (t) => {
  const folder = makeFolder(t);
  for (const text of ['one', 'two', 'two', 'three']) {
    const { recorded } = await record(sourceOf(folder, text, { path: 'out', onConflict: 'replace' }));
    assert.deepEqual(recorded, [{ path: join(folder, 'result/out'), label: '', ext: '', size: text.length }]);
    assert.equal(readFileSync(join(folder, 'result/out'), 'utf8'), text);
  }
  assert.deepEqual(results(folder), ['out']);
});

test('what is there and no regular file is an error, and left alone', async (t) => {
  for (const onConflict of ['rename', 'replace'] as const) {
    const folder = makeFolder(t);
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'precious');
    mkdirSync(join(folder, 'directory'));
    symlinkSync(victim, join(folder, 'link'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'));
    for (const name of ['directory', 'link', 'dangling']) {
      const made = await record(sourceOf(folder, 'text', { path: join(folder, name), onConflict }));
      assert.deepEqual(made.recorded, []);
      assert.deepEqual(made.problems, [`${join(folder, name)} could not be written: what is there is no regular file`]);
    }
    assert.equal(readlinkSync(join(folder, 'link')), victim);
    assert.deepEqual(filesIn(folder), ['dangling', 'link', 'spool/stdout', 'victim']);
    assert.equal(readFileSync(victim, 'utf8'), 'precious');
  }
});

test('a link that comes between preparing and publishing is not followed either', async (t) => {
  for (const onConflict of ['rename', 'replace'] as const) {
    const folder = makeFolder(t);
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'precious');
    const { prepared } = await prepareResults(sourceOf(folder, 'text', { path: join(folder, 'out'), onConflict }));
    symlinkSync(victim, join(folder, 'out'));
    const { recorded, problems, failed } = await publishResults(prepared);
    await discardAll(failed);
    assert.deepEqual(recorded, []);
    assert.match(problems.join(), /no regular file/);
    assert.equal(readFileSync(victim, 'utf8'), 'precious');
    assert.deepEqual(filesIn(folder), ['out', 'spool/beside', 'spool/stdout', 'victim']);
  }
});

test('a folder that cannot be written, or made, is a problem with its reason', async (t) => {
  const folder = makeFolder(t);
  writeFileSync(join(folder, 'file'), '');
  for (const path of [join(folder, 'file/out'), join(folder, 'file/sub/out'), join(folder, 'file/')]) {
    const made = await record(sourceOf(folder, 'text', { path }));
    assert.deepEqual(made.recorded, []);
    assert.match(made.problems.join(), /could not be written: a part of the path is no folder$/, path);
  }
  const long = await record(sourceOf(folder, 'text', { path: 'n'.repeat(300) }));
  assert.match(long.problems.join(), /could not be written: the name is too long$/);
});

test('so is one that is not ours', { skip: process.getuid?.() === 0 && 'root may write everywhere' }, async (t) => {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'closed'));
  chmodSync(join(folder, 'closed'), 0o500);
  const made = await record(sourceOf(folder, 'text', { path: join(folder, 'closed/out') }));
  assert.match(made.problems.join(), /could not be written: permission denied$/);
});

test('and one where nobody may write', async (t) => {
  // Not even root can make a file in there.
  const made = await record(sourceOf(makeFolder(t), 'text', { path: '/proc/self/out' }));
  assert.deepEqual(made.recorded, []);
  assert.match(made.problems.join(), /^\/proc\/self\/out could not be written: /);
});

test('a template that throws is a problem, and nothing else is', async (t) => {
  const folder = makeFolder(t);
  const path = (): string => {
    throw new Error('x is not defined');
  };
  assert.deepEqual(await record(sourceOf(folder, 'text', { path })), {
    recorded: [],
    problems: ['the result has no path: x is not defined'],
    warnings: [],
  });
});

test('an output that is gone is a problem', async (t) => {
  const source = sourceOf(makeFolder(t), 'text');
  const made = await record({ ...source, file: `${source.file}-gone` });
  assert.match(made.problems.join(), /^the result could not be recorded: /);
});

test('a marked tar is unpacked: one result for each file, by label', async (t) => {
  const folder = makeFolder(t);
  const tar = await tarOf(
    ['.fate/'],
    ['disk.json', '{}'],
    ['sub/'],
    ['sub/log.tar.gz', 'xx'],
    ['plain', ''],
    ['.hidden.txt', 'h'],
  );
  for (const output of [tar, gzipSync(tar)]) {
    const made = await record(sourceOf(folder, output, { onConflict: 'replace' }));
    assert.deepEqual(
      made.recorded.map(({ path, ...rest }) => [path.replace(`${folder}/result/`, ''), rest]),
      [
        [`${NAME}-disk.json`, { label: 'disk', ext: '.json', size: 2 }],
        [`${NAME}-sub-log.tar.gz`, { label: 'sub/log', ext: '.tar.gz', size: 2 }],
        [`${NAME}-plain`, { label: 'plain', ext: '', size: 0 }],
        [`${NAME}-.hidden.txt`, { label: '.hidden', ext: '.txt', size: 1 }],
      ],
    );
    assert.deepEqual([made.problems, made.warnings], [[], []]);
  }
  assert.equal(readFileSync(join(folder, `result/${NAME}-sub-log.tar.gz`), 'utf8'), 'xx');
  assert.equal(results(folder).length, 4);
});

test('a marked tar of nothing else is no result at all', async (t) => {
  const folder = makeFolder(t);
  assert.deepEqual(await record(sourceOf(folder, await tarOf(['.fate/'], ['empty/']))), {
    recorded: [],
    problems: [],
    warnings: [],
  });
});

test('archive needs no mark, and records what is no tar as it is', async (t) => {
  const folder = makeFolder(t);
  await record(sourceOf(folder, await tarOf(['a.txt', 'x']), { format: ARCHIVE }));
  const made = await record(sourceOf(folder, '{}', { format: ARCHIVE }));
  assert.deepEqual(results(folder), [NAME, `${NAME}-a.txt`]);
  assert.equal(made.warnings.length, 1);
});

test('a template gives each member its path, with its folders', async (t) => {
  const folder = makeFolder(t);
  const output = await tarOf(['.fate/'], ['a/b.json', '{}'], ['c', 'x']);
  await record(sourceOf(folder, output, { path: `${folder}/out/%label%%ext%` }));
  assert.deepEqual(filesIn(join(folder, 'out')), ['a/b.json', 'c']);
});

test('a member that cannot be written does not keep the others from being', async (t) => {
  const folder = makeFolder(t);
  mkdirSync(join(folder, 'result/b.txt'), { recursive: true });
  const output = await tarOf(['a.txt', 'a'], ['b.txt', 'b'.repeat(200_000)], ['c.txt', 'c']);
  const made = await record(sourceOf(folder, output, { format: ARCHIVE, path: '%label%%ext%' }));
  assert.deepEqual(results(folder), ['a.txt', 'c.txt']);
  assert.deepEqual(made.problems, [`${folder}/result/b.txt could not be written: what is there is no regular file`]);
});
