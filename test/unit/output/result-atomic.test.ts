/** Results appear whole or not at all: seen by another process, by each other, and on a disk that is full. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { prepareResults, publishResults } from '../../../src/output/result.ts';
import { putBeside } from '../../../src/output/result-link.ts';
import { blocks, filesIn, headerOf, makeFolder, octal, sourceOf, tarOf } from './support.ts';

const isRoot = process.getuid?.() === 0;
const RAW = { kind: 'raw' } as const;

/**
 * Another process that looks at a folder without a pause until its standard input ends. It tells how often it looked, which
 * names it saw, and every file that had not one of the sizes, or whose first and last byte differ.
 */
const WATCHER = `
  const { closeSync, fstatSync, openSync, readdirSync, readSync } = require('node:fs');
  const [, folder, ...sizes] = process.argv;
  const wrong = new Set(), seen = new Set();
  let looks = 0, over = false;
  process.stdin.on('end', () => { over = true; }).resume();
  const ends = Buffer.alloc(2);
  const look = () => {
    for (let i = 0; i < 20; i++, looks++) {
      for (const name of readdirSync(folder)) {
        if (name.startsWith('.')) continue;
        seen.add(name);
        let fd;
        try { fd = openSync(folder + '/' + name); } catch { continue; }
        const { size } = fstatSync(fd);
        readSync(fd, ends, 0, 1, 0);
        readSync(fd, ends, 1, 1, size - 1);
        closeSync(fd);
        if (!sizes.includes(String(size)) || ends[0] !== ends[1]) wrong.add(name + ' of ' + size);
      }
    }
    if (over) console.log(JSON.stringify({ looks, seen: [...seen], wrong: [...wrong] }));
    else setImmediate(look);
  };
  console.log('ready');
  look();
`;

async function watched(folder: string, sizes: readonly number[], work: () => Promise<void>) {
  const watcher = spawn(process.execPath, ['-e', WATCHER, folder, ...sizes.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let told = '';
  watcher.stdout.setEncoding('utf8');
  watcher.stdout.on('data', (text: string) => {
    told += text;
  });
  await once(watcher.stdout, 'data');
  await work();
  watcher.stdin.end();
  await once(watcher, 'close');
  const report = told.split('\n')[1] ?? '';
  return JSON.parse(report) as { looks: number; seen: string[]; wrong: string[] };
}

test('nobody who watches the folder ever sees half a result', { timeout: 120_000 }, async (t) => {
  const folder = makeFolder(t);
  const shared = existsSync('/dev/shm') ? makeFolder(t, '/dev/shm') : makeFolder(t);
  const result = join(folder, 'result');
  mkdirSync(result);
  const output = Buffer.alloc(50_000_000, 'x');
  const { looks, seen, wrong } = await watched(result, [output.length], async () => {
    for (let run = 0; run < 12; run++) {
      // In turn linked from the spool and copied from another file system.
      const spool = run % 2 === 0 ? join(folder, 'spool') : shared;
      const { prepared } = await prepareResults(sourceOf(folder, output, { format: RAW, spool, path: `out-${run}` }));
      const { recorded } = await publishResults(prepared);
      assert.equal(recorded.length, 1);
      if (run > 1) rmSync(join(result, `out-${run - 2}`));
    }
  });
  assert.deepEqual(wrong, []);
  assert.ok(looks > 100, `only ${looks} looks`);
  assert.ok(seen.length > 6, `only ${seen} were seen`);
});

test('who watches a result that is replaced sees the old or the new one, whole', { timeout: 120_000 }, async (t) => {
  const folder = makeFolder(t);
  const result = join(folder, 'result');
  mkdirSync(result);
  const outputs = [Buffer.alloc(10_000_000, 'a'), Buffer.alloc(7_000_000, 'b')];
  const sizes = outputs.map(({ length }) => length);
  const { looks, seen, wrong } = await watched(result, sizes, async () => {
    for (let run = 0; run < 30; run++) {
      const output = outputs[run % 2] ?? '';
      const source = sourceOf(folder, output, { format: RAW, path: 'out', onConflict: 'replace' });
      await publishResults((await prepareResults(source)).prepared);
    }
  });
  assert.deepEqual([wrong, seen], [[], ['out']]);
  assert.ok(looks > 100, `only ${looks} looks`);
});

test('who watches an archive being unpacked sees whole members', { timeout: 120_000 }, async (t) => {
  const folder = makeFolder(t);
  const result = join(folder, 'result');
  mkdirSync(result);
  const tar = await tarOf(...[1, 2, 3, 4].map((n) => [`m${n}`, 'x'.repeat(5_000_000)] as const));
  const { seen, wrong } = await watched(result, [5_000_000], async () => {
    const source = sourceOf(folder, gzipSync(tar), { format: { kind: 'archive' }, path: '%label%' });
    await publishResults((await prepareResults(source)).prepared);
  });
  assert.deepEqual(wrong, []);
  assert.ok(seen.every((name) => /^m\d$/.test(name)));
  assert.deepEqual(filesIn(result), ['m1', 'm2', 'm3', 'm4']);
});

test('many runs that want one path at the same moment each get one of their own', async (t) => {
  const folder = makeFolder(t);
  const sources = Array.from({ length: 40 }, (_, run) =>
    sourceOf(folder, `output of ${run}`, { spool: join(folder, `spool-${run}`), path: 'out.txt' }),
  );
  const made = await Promise.all(
    sources.map(async (source) => publishResults((await prepareResults(source)).prepared)),
  );
  assert.deepEqual(
    made.flatMap(({ problems }) => problems),
    [],
  );
  const names = ['out.txt', ...Array.from({ length: 39 }, (_, i) => `out-${i + 1}.txt`)];
  assert.deepEqual(filesIn(join(folder, 'result')), names.sort());
  for (const [run, { recorded }] of made.entries()) {
    assert.equal(readFileSync(recorded[0]?.path ?? '', 'utf8'), `output of ${run}`);
  }
});

test('and many that replace it leave one of theirs, whole', async (t) => {
  const folder = makeFolder(t);
  const sources = Array.from({ length: 20 }, (_, run) =>
    sourceOf(folder, `output of ${run}`, { spool: join(folder, `s${run}`), path: 'out', onConflict: 'replace' }),
  );
  const made = await Promise.all(
    sources.map(async (source) => publishResults((await prepareResults(source)).prepared)),
  );
  assert.deepEqual(
    made.flatMap(({ problems }) => problems),
    [],
  );
  assert.deepEqual(filesIn(join(folder, 'result')), ['out']);
  assert.match(readFileSync(join(folder, 'result/out'), 'utf8'), /^output of \d+$/);
});

test('where a file system has no hard links, a file is moved to the first free name', async (t) => {
  const folder = makeFolder(t);
  const place = { target: join(folder, 'out.txt'), suffix: '.txt' };
  writeFileSync(place.target, 'taken');
  // link(2) refuses a folder as vfat refuses a file, with EPERM.
  const paths = await Promise.all(
    [1, 2].map((n) => {
      mkdirSync(join(folder, `.temporary-${n}`));
      return putBeside(join(folder, `.temporary-${n}`), place);
    }),
  );
  assert.deepEqual(paths.sort(), [join(folder, 'out-1.txt'), join(folder, 'out-2.txt')]);
  assert.deepEqual(readdirSync(folder).sort(), ['out-1.txt', 'out-2.txt', 'out.txt']);
  assert.equal(readFileSync(place.target, 'utf8'), 'taken');
});

/** A file system of its own that is soon full; null, and the test skipped, where it cannot be mounted. */
function mountSmall(t: TestContext, size: string): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'fate-output-'));
  t.after(() => {
    spawnSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  });
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', folder], {
    encoding: 'utf8',
  });
  if (status === 0) return folder;
  t.skip(`cannot mount a tmpfs: ${stderr.trim()}`);
  return null;
}

const rootOnly = { skip: !isRoot && 'only root may mount a file system' };

test('on a full disk nothing is left half, and a problem says why', rootOnly, async (t) => {
  const small = mountSmall(t, '1m');
  if (small === null) return;
  const folder = makeFolder(t);
  const output = Buffer.alloc(2_000_000, 'x');
  for (const path of [`${small}/out`, `${small}/new/folders/out`]) {
    const { prepared, problems } = await prepareResults(sourceOf(folder, output, { format: RAW, path }));
    assert.deepEqual(prepared, []);
    assert.deepEqual(problems, [`${path} could not be written: no space is left on the device`]);
  }
  assert.deepEqual(filesIn(small), []);
  // What fits is recorded as before.
  const fits = await prepareResults(sourceOf(folder, 'text', { format: RAW, path: `${small}/out` }));
  assert.equal((await publishResults(fits.prepared)).recorded.length, 1);
});

test('an archive that does not fit is unpacked as far as it does, and no further', rootOnly, async (t) => {
  const small = mountSmall(t, '1m');
  if (small === null) return;
  const folder = makeFolder(t);
  const output = await tarOf(['a', 'x'.repeat(400_000)], ['b', 'x'.repeat(900_000)], ['c', 'x']);
  const source = sourceOf(folder, output, { format: { kind: 'archive' }, path: `${small}/%label%` });
  const { prepared, problems } = await prepareResults(source);
  const { recorded } = await publishResults(prepared);
  assert.deepEqual(
    recorded.map(({ label }) => label),
    ['a'],
  );
  assert.deepEqual(problems, [`${small}/b could not be written: no space is left on the device`]);
  assert.deepEqual(filesIn(small), ['a']);
});

test('a gz bomb is stopped while 5 % of the file system is free', rootOnly, async (t) => {
  const small = mountSmall(t, '64m');
  if (small === null) return;
  const folder = makeFolder(t);
  const size = 128 << 20;
  const tar = Buffer.concat([headerOf({ name: 'zeros', size: octal(size) }), Buffer.alloc(size + 1024)]);
  const good = Buffer.concat([headerOf({ name: 'good', size: octal(1) }), blocks('x')]);
  const bomb = gzipSync(Buffer.concat([good, tar]), { level: 1 });
  const source = sourceOf(folder, bomb, { format: { kind: 'archive' }, path: `${small}/%label%` });
  const { prepared, problems } = await prepareResults(source);
  await publishResults(prepared);
  assert.match(problems.join(), /\/zeros could not be written: (less than 5 % of the file system is free|no space)/);
  assert.deepEqual(filesIn(small), ['good']);
});

test('an archive is not unpacked where less than 5 % is free', rootOnly, async (t) => {
  const small = mountSmall(t, '10m');
  if (small === null) return;
  const folder = makeFolder(t);
  writeFileSync(join(small, 'full'), Buffer.alloc(10_100_000));
  const source = sourceOf(folder, await tarOf(['a', 'x']), { format: { kind: 'archive' }, path: `${small}/a` });
  const { prepared, problems } = await prepareResults(source);
  assert.deepEqual(
    [prepared, problems],
    [[], [`${small}/a could not be written: less than 5 % of the file system is free`]],
  );
});

test('the umask of the process is obeyed', (t) => {
  const folder = makeFolder(t);
  const result = fileURLToPath(new URL('../../../src/output/result-file.js', import.meta.url));
  const anchors = fileURLToPath(new URL('../../../src/output/anchors.js', import.meta.url));
  writeFileSync(join(folder, 'source'), 'text', { mode: 0o600 });
  const script = `
    import { linkBeside, writeBeside } from ${JSON.stringify(result)};
    import { Anchors } from ${JSON.stringify(anchors)};
    import { statSync } from 'node:fs';
    import { dirname } from 'node:path';
    const beside = { nameIn: (folder) => folder + '/hidden' };
    const goal = async (target) => {
      const anchor = await new Anchors().of(dirname(target), null);
      return { target, anchor, beside, user: null, umask: null };
    };
    const linked = await linkBeside(await goal('${folder}/a/x'), '${folder}/source');
    const written = await writeBeside(await goal('${folder}/b/x'), async () => {});
    for (const { temporary: path } of [linked, written]) console.log((statSync(path).mode & 0o777).toString(8));
  `;
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'umask 027; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', script],
    { encoding: 'utf8' },
  );
  assert.equal(stdout, '640\n640\n', stderr);
  assert.equal(statSync(join(folder, 'a')).mode & 0o777, 0o750);
});
