/**
 * Results of a task with a `user`, made by a scheduler that is root: whose they are, and that he leads it nowhere else,
 * neither before nor while nor after it writes them.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { prepareResults, pruneResults, publishResults, type ResultSource } from '../../../src/output/result.ts';
import { NOTES, removeBeside } from '../../../src/output/result-beside.ts';
import { finishResults } from '../../../src/output/result-finish.ts';
import { discardAll } from '../../../src/output/result-publish.ts';
import type { Identity } from '../../../src/types.ts';
import { filesIn, makeFolder, NAME, sourceOf, tarOf } from './support.ts';

const rootOnly = { skip: process.geteuid?.() !== 0 && 'only root makes files for other users' };
const NOBODY: Identity = { uid: 65534, gid: 65534, groups: [65534] };

interface World {
  readonly folder: string;
  /** The user's own. */
  readonly home: string;
  /** Root's, which the user can enter. */
  readonly victim: string;
}

function makeWorld(t: TestContext): World {
  const folder = makeFolder(t);
  chmodSync(folder, 0o755);
  const world = { folder, home: join(folder, 'home'), victim: join(folder, 'victim') };
  mkdirSync(world.home);
  chownSync(world.home, NOBODY.uid, NOBODY.gid);
  mkdirSync(world.victim, { mode: 0o755 });
  writeFileSync(join(world.victim, 'out'), 'precious');
  return world;
}

async function record(source: ResultSource) {
  const { prepared, problems } = await prepareResults(source);
  const published = await publishResults(prepared);
  await discardAll(published.failed);
  return { recorded: published.recorded.map(({ path }) => path), problems: [...problems, ...published.problems] };
}

function assertUnharmed({ victim }: World): void {
  assert.deepEqual(readdirSync(victim), ['out']);
  assert.equal(readFileSync(join(victim, 'out'), 'utf8'), 'precious');
  assert.equal(statSync(join(victim, 'out')).uid, 0);
}

const owned = (path: string): [uid: number, gid: number, mode: string] => {
  const { uid, gid, mode } = lstatSync(path);
  return [uid, gid, (mode & 0o7777).toString(8)];
};

test('a result belongs to the user, with mode 0666 less the umask of the task', rootOnly, async (t) => {
  const { folder, home } = makeWorld(t);
  const spools = [join(folder, 'spool'), ...(existsSync('/dev/shm') ? [makeFolder(t, '/dev/shm')] : [])];
  for (const [index, spool] of spools.entries()) {
    const path = join(home, `out-${index}`);
    const made = await record(sourceOf(folder, 'text', { path, spool, owner: NOBODY, umask: 0o027 }));
    assert.deepEqual(made, { recorded: [path], problems: [] });
    assert.deepEqual(owned(path), [65534, 65534, '640']);
    assert.equal(readFileSync(path, 'utf8'), 'text');
  }
  const tar = await tarOf(['.fate/'], ['a', 'x'], ['sub/b', 'y']);
  await record(sourceOf(folder, tar, { path: `${home}/tar/%label%`, owner: NOBODY, umask: 0o007 }));
  assert.deepEqual(owned(join(home, 'tar/sub/b')), [65534, 65534, '660']);
  assert.deepEqual(owned(join(home, 'tar/sub')), [65534, 65534, '770']);
  assert.ok(filesIn(home).every((name) => !name.includes('.fate-result')));
});

test('a umask alone counts too', async (t) => {
  const folder = makeFolder(t);
  await record(sourceOf(folder, 'text', { path: 'new/out', umask: 0o077 }));
  assert.equal(statSync(join(folder, 'result/new/out')).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, 'result/new')).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, 'result')).mode & 0o777, 0o777 & ~process.umask());
});

test(
  'the default folder is the scheduler’s, and folders below it, or elsewhere, that a template asks for are the user’s',
  rootOnly,
  async (t) => {
    const { folder } = makeWorld(t);
    const open = { owner: NOBODY, umask: 0o022 };
    await record(sourceOf(folder, 'text', open));
    await record(sourceOf(folder, 'text', { ...open, path: 'mine/deeper/out' }));
    await record(sourceOf(folder, 'text', { ...open, path: `${folder}/srv/out` }));
    const umask = process.umask();
    assert.deepEqual(owned(join(folder, 'result')), [0, 0, (0o777 & ~umask).toString(8)]);
    assert.deepEqual(owned(join(folder, 'result', NAME)), [65534, 65534, '644']);
    for (const made of ['result/mine', 'result/mine/deeper', 'srv']) {
      assert.deepEqual(owned(join(folder, made)), [65534, 65534, '755'], made);
    }
  },
);

test('a folder with the set-group-ID bit gives its group', rootOnly, async (t) => {
  const { folder, home } = makeWorld(t);
  mkdirSync(join(home, 'shared'));
  chownSync(join(home, 'shared'), NOBODY.uid, 4);
  chmodSync(join(home, 'shared'), 0o2775);
  await record(sourceOf(folder, 'text', { path: `${home}/shared/sub/out`, owner: NOBODY, umask: 0o002 }));
  assert.deepEqual(owned(join(home, 'shared/sub')), [65534, 4, '2775']);
  assert.deepEqual(owned(join(home, 'shared/sub/out')), [65534, 4, '664']);
});

test('many runs that need the same new folder at one moment all get their result', rootOnly, async (t) => {
  const { folder, home } = makeWorld(t);
  const made = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      record(
        sourceOf(folder, 'text', {
          path: `${home}/a/b/out`,
          spool: join(folder, `s${n}`),
          owner: NOBODY,
          umask: 0o022,
        }),
      ),
    ),
  );
  assert.deepEqual(
    made.flatMap(({ problems }) => problems),
    [],
  );
  assert.equal(readdirSync(join(home, 'a/b')).length, 20);
  assert.deepEqual(owned(join(home, 'a')), [65534, 65534, '755']);
});

test('a link on the way is refused where others could have made it, whoever did', rootOnly, async (t) => {
  const world = makeWorld(t);
  const { folder, home, victim } = world;
  symlinkSync(victim, join(home, 'link'));
  symlinkSync(folder, join(home, 'up'));
  for (const path of [`${home}/link/new`, `${home}/link/out`, `${home}/up/victim/new`]) {
    for (const onConflict of ['rename', 'replace'] as const) {
      const made = await record(sourceOf(folder, 'text', { path, onConflict, owner: NOBODY }));
      assert.deepEqual(made.recorded, []);
      assert.match(made.problems.join(), /could not be written: \/.*\/(link|up) is a link, and for a task with a user/);
    }
  }
  assertUnharmed(world);
  // The last part is never followed.
  symlinkSync(join(victim, 'out'), join(home, 'last'));
  const last = await record(sourceOf(folder, 'text', { path: `${home}/last`, onConflict: 'replace', owner: NOBODY }));
  assert.match(last.problems.join(), /no regular file/);
  assertUnharmed(world);
});

test('a link that only root can have made is followed', rootOnly, async (t) => {
  if ((statSync('/run').mode & 0o022) !== 0 || statSync('/run').uid !== 0) return t.skip('/run is not root’s alone');
  const folder = mkdtempSync('/run/fate-output-');
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ['real', 'real/deep']) mkdirSync(join(folder, name));
  symlinkSync('real', join(folder, 'relative'));
  symlinkSync(join(folder, 'relative/./deep/../deep'), join(folder, 'absolute'));
  symlinkSync(join(folder, 'circle'), join(folder, 'circle'));
  const path = join(folder, 'absolute/out');
  const made = await record(sourceOf(makeFolder(t), 'text', { path, owner: NOBODY }));
  assert.deepEqual(made, { recorded: [path], problems: [] });
  assert.equal(lstatSync(join(folder, 'real/deep/out')).uid, NOBODY.uid);
  const circle = await record(sourceOf(makeFolder(t), 'text', { path: join(folder, 'circle/out'), owner: NOBODY }));
  assert.match(circle.problems.join(), /circle leads through too many links/);
});

test(
  'a folder of root’s that the user put in the place of his own is refused, and one that root put there too',
  rootOnly,
  async (t) => {
    const { folder, home } = makeWorld(t);
    mkdirSync(join(home, 'of-root'), { mode: 0o755 });
    for (const path of [`${home}/of-root/out`, `${home}/of-root/below/out`]) {
      const made = await record(sourceOf(folder, 'text', { path, owner: NOBODY }));
      assert.match(
        made.problems.join(),
        /of-root belongs to another user, and stands in a folder where the user of the/,
      );
    }
    assert.deepEqual(readdirSync(join(home, 'of-root')), []);
    // Where the sticky bit keeps others from moving it, it is where root put it.
    mkdirSync(join(folder, 'tmp'));
    chmodSync(join(folder, 'tmp'), 0o1777);
    mkdirSync(join(folder, 'tmp/of-root'));
    const made = await record(sourceOf(folder, 'text', { path: `${folder}/tmp/of-root/out`, owner: NOBODY }));
    assert.deepEqual(made.problems, []);
  },
);

test('what is swapped for a link between writing and naming is not written through', rootOnly, async (t) => {
  for (const onConflict of ['rename', 'replace'] as const) {
    const world = makeWorld(t);
    const { folder, home, victim } = world;
    const source = sourceOf(folder, 'text', { path: `${home}/dir/out`, onConflict, owner: NOBODY });
    const { prepared } = await prepareResults(source);
    renameSync(join(home, 'dir'), join(home, 'moved'));
    symlinkSync(victim, join(home, 'dir'));
    const { recorded, problems, failed } = await publishResults(prepared);
    assert.deepEqual([recorded, failed], [[], prepared]);
    assert.match(problems.join(), /dir is a link/);
    await discardAll(failed);
    assertUnharmed(world);
    // Nor is a folder of root's that came in its place, with a file of that name in it.
    unlinkSync(join(home, 'dir'));
    mkdirSync(join(home, 'dir'));
    const [first] = prepared;
    writeFileSync(join(home, 'dir', first?.temporary.split('/').at(-1) ?? ''), 'of root');
    const again = await publishResults(prepared);
    assert.match(again.problems.join(), /what was written to .* is not there any more/);
    assert.equal(filesIn(join(home, 'dir')).includes('out'), false);
  }
});

test(
  'nor is it at the next start after a crash, when neither result nor leftovers are looked for behind it',
  rootOnly,
  async (t) => {
    const world = makeWorld(t);
    const { folder, home, victim } = world;
    const source = sourceOf(folder, 'text', { path: `${home}/dir/out`, onConflict: 'replace', owner: NOBODY });
    const { prepared } = await prepareResults(source);
    const hidden = prepared[0]?.temporary.split('/').at(-1) ?? '';
    renameSync(join(home, 'dir'), join(home, 'moved'));
    symlinkSync(victim, join(home, 'dir'));
    writeFileSync(join(victim, hidden), 'of root');
    const finished = await finishResults(prepared, source.file);
    assert.deepEqual([finished.recorded, finished.failed], [[], prepared]);
    assert.match(finished.problems.join(), /could not be looked at: .*dir is a link/);
    assert.deepEqual(await removeBeside('r', source.spool), [`${home}/dir/.fate-result-r-*`]);
    assert.equal(readFileSync(join(victim, hidden), 'utf8'), 'of root');
    unlinkSync(join(victim, hidden));
    assertUnharmed(world);
    // Once it is put back, all goes on.
    unlinkSync(join(home, 'dir'));
    renameSync(join(home, 'moved'), join(home, 'dir'));
    for (let time = 0; time < 2; time++) {
      const { recorded, problems } = await finishResults(prepared, source.file);
      assert.deepEqual([recorded.map(({ path }) => path), problems], [[`${home}/dir/out`], []]);
    }
    assert.deepEqual(owned(`${home}/dir/out`), [65534, 65534, (0o666 & ~process.umask()).toString(8)]);
  },
);

test('a result that is in place already is known after a crash, with its number', rootOnly, async (t) => {
  const { folder, home } = makeWorld(t);
  writeFileSync(join(home, 'out'), 'taken');
  const source = sourceOf(folder, 'text', { path: `${home}/out`, owner: NOBODY });
  const { prepared } = await prepareResults(source);
  linkSync(prepared[0]?.temporary ?? '', join(home, 'out-1'));
  const { recorded } = await finishResults(prepared, source.file);
  assert.deepEqual(
    recorded.map(({ path }) => path),
    [join(home, 'out-1')],
  );
  assert.deepEqual(filesIn(home), ['out', 'out-1']);
  rmSync(home, { recursive: true });
  assert.deepEqual((await finishResults(prepared, source.file)).gone, [`${home}/out`]);
});

test('leftovers of a run are removed from the user’s folder', rootOnly, async (t) => {
  const { folder, home } = makeWorld(t);
  const source = sourceOf(folder, 'text', { path: `${home}/out`, owner: NOBODY });
  await prepareResults(source);
  assert.equal(filesIn(home).length, 1);
  assert.equal(readFileSync(join(source.spool, NOTES), 'utf8'), `{"folder":${JSON.stringify(home)},"owner":65534}\n`);
  assert.deepEqual(await removeBeside('r', source.spool), []);
  assert.deepEqual(filesIn(home), []);
});

test('where others can write, only a file of the user is replaced', rootOnly, async (t) => {
  const { folder, home } = makeWorld(t);
  writeFileSync(join(home, 'out'), 'of root');
  const replace = { onConflict: 'replace', owner: NOBODY } as const;
  const refused = await record(sourceOf(folder, 'text', { ...replace, path: `${home}/out` }));
  assert.deepEqual(refused.problems, [`${home}/out could not be written: what is there belongs to another user`]);
  assert.equal(readFileSync(join(home, 'out'), 'utf8'), 'of root');
  // By another number it hurts nobody.
  assert.deepEqual((await record(sourceOf(folder, 'text', { path: `${home}/out`, owner: NOBODY }))).problems, []);
  assert.equal(readFileSync(join(home, 'out-1'), 'utf8'), 'text');
  const replaced = await record(sourceOf(folder, 'new', { ...replace, path: `${home}/out-1` }));
  assert.deepEqual(replaced.recorded, [`${home}/out-1`]);
  assert.equal(readFileSync(join(home, 'out-1'), 'utf8'), 'new');
});

test('keep deletes the user’s own results only, and only in the folder they were put into', rootOnly, async (t) => {
  const world = makeWorld(t);
  const { folder, home, victim } = world;
  const known = [1, 2, 3, 4].map((at) => ({ path: join(home, 'dir', `r${at}`), size: 8, at, owner: NOBODY.uid }));
  mkdirSync(join(home, 'dir'));
  for (const { path } of known) writeFileSync(path, 'precious');
  for (const { path } of known.slice(0, 2)) chownSync(path, NOBODY.uid, NOBODY.gid);
  const count = (kept: number) => ({ count: kept, age: null, size: null });
  const first = await pruneResults(known, count(1), 5);
  assert.deepEqual(first, { left: known.slice(3), problems: [] });
  assert.deepEqual(readdirSync(join(home, 'dir')), ['r3', 'r4']);
  // Of another owner, and a path that leads elsewhere: left, and forgotten.
  renameSync(join(home, 'dir'), join(home, 'moved'));
  symlinkSync(victim, join(home, 'dir'));
  const elsewhere = [{ ...known[0], path: join(home, 'dir/out'), size: 8, at: 0, owner: 0 }, ...known.slice(3)];
  const second = await pruneResults(elsewhere, count(1), 5);
  assert.deepEqual(second.left, known.slice(3));
  assert.match(second.problems.join(), /^the old result .*dir\/out could not be deleted: .*dir is a link/);
  assertUnharmed(world);
  assert.ok(existsSync(join(folder, 'home/moved/r4')));
});

/** As the user, without a pause, until its standard input ends: the folder `out` is now itself, now a link, now root's. */
const SWAPPER = `
  const { renameSync, symlinkSync, unlinkSync, rmdirSync } = require('node:fs');
  const [, home, victim] = process.argv;
  process.chdir(home);
  const tried = (work) => { try { work(); } catch {} };
  let swaps = 0, over = false;
  process.stdin.on('end', () => { over = true; }).resume();
  const swap = () => {
    for (let i = 0; i < 50; i++, swaps++) {
      tried(() => renameSync('out', 'real'));
      tried(() => symlinkSync(victim, 'out'));
      tried(() => unlinkSync('out'));
      tried(() => renameSync('of-root', 'out'));
      tried(() => renameSync('out', 'of-root'));
      tried(() => renameSync('real', 'out'));
      tried(() => renameSync('out/sub', 'out/old' + (swaps % 2)));
      tried(() => symlinkSync(victim, 'out/sub'));
      tried(() => unlinkSync('out/sub'));
      tried(() => rmdirSync('out/old' + (swaps % 2)));
    }
    if (over) console.log(swaps);
    else setTimeout(swap, 1);
  };
  console.log('ready');
  swap();
`;

test(
  'a user who swaps his folders all the time gets nothing written, replaced or deleted elsewhere',
  rootOnly,
  async (t) => {
    const world = makeWorld(t);
    const { folder, home, victim } = world;
    mkdirSync(join(home, 'out'));
    chownSync(join(home, 'out'), NOBODY.uid, NOBODY.gid);
    mkdirSync(join(home, 'of-root'), { mode: 0o755 });
    // Not empty, so that he cannot take it away.
    writeFileSync(join(home, 'of-root/out'), 'precious');
    const swapper = spawn(process.execPath, ['-e', SWAPPER, home, victim], {
      stdio: ['pipe', 'pipe', 'inherit'],
      uid: NOBODY.uid,
      gid: NOBODY.gid,
    });
    t.after(() => swapper.kill('SIGKILL'));
    let told = '';
    swapper.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    await once(swapper.stdout, 'data');
    let good = 0;
    let refused = 0;
    for (let run = 0; run < 250; run++) {
      const path = run % 3 === 0 ? `${home}/out/sub/out` : `${home}/out/out`;
      const onConflict = run % 2 === 0 ? 'replace' : 'rename';
      const source = sourceOf(folder, 'evil text', { path, onConflict, owner: NOBODY, umask: 0o022 });
      const { prepared, problems } = await prepareResults(source);
      const finish = run % 5 === 0 ? finishResults(prepared, source.file) : publishResults(prepared);
      const published = await finish;
      await discardAll(published.failed);
      const known = published.recorded.map(({ path: recorded, size }) => ({
        ...{ path: recorded, size, at: run, owner: NOBODY.uid },
      }));
      await pruneResults(
        [{ path: `${home}/out/out`, size: 8, at: 0, owner: NOBODY.uid }, ...known],
        { count: 0, age: null, size: null },
        run,
      );
      await removeBeside('r', source.spool);
      if (published.recorded.length > 0) good++;
      if (problems.length + published.problems.length > 0) refused++;
    }
    swapper.stdin.end();
    await once(swapper, 'close');
    const [, swaps = '0'] = told.split('\n');
    assert.ok(good > 0 && refused > 0 && Number(swaps) > 250, `${good} good, ${refused} refused, ${swaps} swaps`);
    assertUnharmed(world);
    const traps = readdirSync(home, { withFileTypes: true }).filter((entry) => {
      const file = join(home, entry.name, 'out');
      return entry.isDirectory() && existsSync(file) && statSync(file).uid === 0;
    });
    assert.equal(traps.length, 1);
    const trap = join(home, traps[0]?.name ?? '');
    assert.deepEqual([readdirSync(trap), readFileSync(join(trap, 'out'), 'utf8')], [['out'], 'precious']);
    assert.deepEqual(owned(trap), [0, 0, '755']);
  },
);
