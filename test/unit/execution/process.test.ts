/** How a run's process gets its context, by the exec helper and by what stands in for it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Launch } from '../../../src/execution/launch.ts';
import type { Identity, ProcessContext } from '../../../src/types.ts';
import { folder, NO_CONTEXT, openDescriptors, pidsIn, program, putDown, sh, start } from './harness.ts';
import { helper, withoutHelper, withoutRoot } from './helper.ts';

const NOBODY: Identity = { uid: 65_534, gid: 65_534, groups: [65_534, 12] };

/** A folder that everybody can enter, unlike that of the harness. */
const open = mkdtempSync(join(tmpdir(), 'fate-open-'));
chmodSync(open, 0o755);
after(() => rmSync(open, { recursive: true, force: true }));
const hidden = join(open, 'hidden');
mkdirSync(hidden, { mode: 0o700 });

const context = (changes: Partial<ProcessContext>): ProcessContext => ({ ...NO_CONTEXT, ...changes });

const WAYS: readonly [string, Partial<Launch>, string | false][] = [
  ['by the exec helper', { helper }, withoutHelper],
  ['by sh, nice and setpriv', { helper: null }, false],
];

for (const [name, by, skip] of WAYS) {
  test(`folder, umask and nice level are as asked for, ${name}`, { skip }, async () => {
    const run = sh('pwd; umask; nice; ulimit -Sn', { context: context({ cwd: open, umask: 0o27, nice: 7 }), ...by });
    assert.equal((await run.exit).code, 0);
    const hard = spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout.trim();
    const files = hard === 'unlimited' || Number(hard) > 1024 ? '1024' : hard;
    assert.equal(run.stdout(), `${open}\n0027\n7\n${files}\n`);
  });

  test(`user, group and all of its groups are taken, ${name}`, { skip: skip || withoutRoot }, async () => {
    const script = 'grep -E "^(Uid|Gid|Groups|CapEff|CapPrm|CapInh|CapAmb):" /proc/self/status';
    const run = sh(script, { context: context({ identity: NOBODY }), ...by });
    assert.equal((await run.exit).code, 0, run.stderr());
    const none = '0000000000000000';
    const four = '65534\t65534\t65534\t65534';
    const caps = `CapInh:\t${none}\nCapPrm:\t${none}\nCapEff:\t${none}\nCapAmb:\t${none}\n`;
    assert.equal(run.stdout().replaceAll(/ +$/gm, ''), `Uid:\t${four}\nGid:\t${four}\nGroups:\t12 65534\n${caps}`);
    const alone = sh('id -G', { context: context({ identity: { ...NOBODY, groups: [] } }), ...by });
    await alone.exit;
    assert.equal(alone.stdout(), '65534\n');
  });

  test(`another user can open each of its descriptors by name, ${name}`, { skip: skip || withoutRoot }, async () => {
    const script = `cat </dev/stdin; cat /dev/fd/3; echo out >/dev/stdout; echo log >/dev/stderr; echo new >/dev/fd/4
      for fd in 0 1 2 3 4; do stat -L -c %u:%g /dev/fd/$fd; done; ls /proc/$$/fd`;
    const run = sh(script, { param: 'param ', state: 'state ', context: context({ identity: NOBODY }), ...by });
    const { code, state } = await run.exit;
    assert.equal(code, 0, run.stderr());
    const owners = '65534:65534\n'.repeat(5);
    assert.equal(run.stdout(), `param state out\n${owners}0\n1\n2\n3\n4\n`);
    assert.deepEqual([run.stderr(), state?.toString()], ['log\n', 'new\n']);
  });

  test(`/dev/null stays everybody's, ${name}`, { skip: skip || withoutRoot }, async () => {
    const run = sh('cat /dev/stdin /dev/fd/3', { context: context({ identity: NOBODY }), ...by });
    assert.equal((await run.exit).code, 0);
    assert.equal(statSync('/dev/null').uid, 0);
  });

  test(`a folder that cannot be entered is told, ${name}`, { skip }, async () => {
    const missing = join(open, 'missing');
    const run = sh('echo ran', { context: context({ cwd: missing }), ...by });
    const { status, failure, code, signal, pid } = await run.result;
    assert.deepEqual([status, code, signal, pid], ['Failed', null, null, run.pid]);
    const why = by.helper === null ? 'it does not exist' : 'no such file or directory (ENOENT)';
    assert.equal(failure, `the folder ${missing} (cwd) cannot be entered: ${why}`);
    assert.equal(run.stdout() + run.stderr(), '');
  });

  test(`the folder is entered as the user, ${name}`, { skip: skip || withoutRoot }, async () => {
    const { failure } = await sh('pwd', { context: context({ cwd: hidden, identity: NOBODY }), ...by }).exit;
    const why = by.helper === null ? '' : ': permission denied (EACCES)';
    assert.equal(failure, `the folder ${hidden} (cwd) cannot be entered${why}`);
  });

  test(`the environment is the task's, also with quotes and line breaks, ${name}`, { skip }, async () => {
    const env = { PATH: '/usr/bin:/bin', A: `it's "$HOME" \\ \`x\`\n'`, EMPTY: '', LD_PRELOAD: '' };
    for (const identity of withoutRoot === false ? [null, NOBODY] : [null]) {
      const run = start(['/usr/bin/env', '-0'], { env, context: context({ identity, umask: 0 }), ...by });
      assert.equal((await run.exit).code, 0, run.stderr());
      const found = Object.fromEntries(
        run
          .stdout()
          .split('\0')
          .filter(Boolean)
          .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      );
      const { PWD: _, ...rest } = found;
      assert.deepEqual(by.helper === null ? rest : found, env);
    }
  });

  test(`what the environment preloads is followed by the user alone, ${name}`, {
    skip: skip || withoutRoot,
  }, async () => {
    const env = { PATH: '/usr/bin:/bin', LD_PRELOAD: '/no/such/library.so' };
    const run = start(['/bin/true'], {
      env,
      context: context({ identity: NOBODY, cwd: '/', umask: 0, nice: 1 }),
      ...by,
    });
    assert.equal((await run.exit).code, 0);
    // ld.so complains once for each program that it loads with it.
    assert.equal(run.stderr().match(/cannot be preloaded/g)?.length, 1, run.stderr());
  });

  test(`exit statuses and signals come through, ${name}`, { skip }, async () => {
    const umask = context({ umask: 0o22 });
    assert.equal((await sh('exit 127', { context: umask, ...by }).result).status, 'Error');
    assert.equal((await sh('exit 3', { context: umask, ...by }).exit).code, 3);
    assert.equal((await sh('kill -37 $$', { context: umask, ...by }).exit).signal, 'SIGRTMIN+3');
  });

  test(`a text file without a shebang is run by sh, ${name}`, { skip }, async () => {
    const run = start([program('no-shebang'), 'an argument'], { context: context({ umask: 0o22 }), ...by });
    await run.exit;
    assert.equal(run.stdout(), 'run by sh: an argument\n');
  });

  test(`nothing of it stays open, ${name}`, { skip }, async () => {
    await sh('exit 0').exit;
    const before = openDescriptors();
    for (const changes of [{ umask: 0 }, { cwd: '/nowhere' }, { cwd: '/' }]) {
      await sh('exit 0', { context: context(changes), ...by }).exit;
      await start(['/no/such/program'], { context: context(changes), ...by }).exit;
      await start(['/bin/echo', 'a\0'], { context: context(changes), ...by }).exit;
    }
    const left = await sh('sleep 1000 & echo $! >&4', { context: context({ umask: 0 }), ...by }).exit;
    assert.equal(openDescriptors(), before);
    putDown(...pidsIn(left));
  });
}

test('without a control group the memory of a run is told only where it is more than the scheduler’s', async () => {
  const small = await sh('i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done').exit;
  assert.equal(small.usage.memory, null);
  assert.ok((small.usage.cpu ?? 0) > 10, `${small.usage.cpu} ms`);
  const size = 700_000_000;
  const { usage } = await start([process.execPath, '-e', `Buffer.alloc(${size}, 1)`]).exit;
  assert.ok((usage.memory ?? 0) > size && usage.outOfMemory === 0);
});

test('argv[0] is as it was configured', { skip: withoutHelper }, async () => {
  for (const by of [{}, { helper: null }]) {
    const run = start(['a name', '/proc/self/cmdline'], { program: '/bin/cat', ...by });
    await run.exit;
    assert.equal(run.stdout(), 'a name\0/proc/self/cmdline\0');
  }
});

test('without anything asked for and without a helper the program is started plainly, and fails as plainly', async () => {
  const plain = start([program('no-shebang'), 'an argument'], { helper: null });
  await plain.exit;
  assert.equal(plain.stdout(), 'run by sh: an argument\n');
  const bad = start([program('bad-interpreter')], { helper: null });
  assert.match((await bad.exit).failure ?? '', /\/no\/such\/interpreter does not exist/);
  assert.equal(bad.pid, null);
});

const BROKEN: [string, () => string][] = [
  ['is not there any more', () => join(folder, 'no-helper')],
  ['lost its x bit', () => made('helper-plain', 'x', 0o644)],
  ['is a program of another machine', () => made('helper-alien', '\x7fELF\x02\x01\x01 and nothing more', 0o755)],
];

function made(name: string, text: string, mode: number): string {
  const file = join(folder, name);
  writeFileSync(file, text, { mode });
  return file;
}

for (const [name, make] of BROKEN) {
  test(`a helper that ${name} is done without`, async () => {
    const before = openDescriptors();
    const run = sh('umask', { helper: make(), context: context({ umask: 0o77 }) });
    assert.equal((await run.exit).code, 0);
    assert.equal(run.stdout(), '0077\n');
    assert.equal(openDescriptors(), before);
  });
}

test('a user that cannot be taken is told with the step', { skip: withoutHelper || withoutRoot }, async () => {
  // As one who is not root: a scheduler that is nobody, and is told to be daemon. Nobody can read the copy.
  const copy = join(open, 'fate-exec');
  copyFileSync(helper ?? '', copy);
  chmodSync(copy, 0o755);
  const told = (...options: string[]): string =>
    spawnSync('sh', ['-c', '"$@" 5>&1', 'sh', ...NOBODY_RUNS, copy, ...options, '--', '/bin/true', 'true'], {
      encoding: 'utf8',
    }).stdout;
  const NOBODY_RUNS = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const { EPERM, EACCES, EINVAL } = constants.errno;
  assert.equal(told(), '');
  assert.equal(told('-u', '1'), `uid ${EPERM}\n`);
  assert.equal(told('-g', '1', '-u', '65534'), `gid ${EPERM}\n`);
  assert.equal(told('-G', '1,2'), `groups ${EPERM}\n`);
  assert.equal(told('-n', '-5'), `nice ${EACCES}\n`);
  assert.equal(told('-d', hidden), `cwd ${EACCES}\n`);
  for (const bad of [['-x'], ['-u', 'root'], ['-u', '4294967295'], ['-m', '8'], ['-n', '20'], ['-G', ',']]) {
    assert.equal(told(...bad), `usage ${EINVAL}\n`, bad.join(' '));
  }
});

/** Launches runs one by one in another process, which is set up by `prepare` first; what is told of each. */
function elsewhere(prepare: string, changes: readonly string[], wrapper: readonly string[] = []): string[] {
  const module = (path: string): string => JSON.stringify(new URL(`../../../src/${path}`, import.meta.url).href);
  const script = `
    const { launch } = await import(${module('execution/launch.js')});
    const { native } = await import(${module('platform/native.js')});
    const { systemClock } = await import(${module('platform/clock.js')});
    const none = { identity: null, cwd: null, umask: null, nice: null };
    ${prepare}
    let count = 0;
    for (const change of [${changes.join(', ')}]) {
      const stdout = process.argv[1] + count++;
      const { failure, code } = await launch({ argv: ['/usr/bin/nice'], env: {}, context: none, group: null, outputLimit: null,
        logLimit: null, helper: null, param: '', state: '', timeout: null, grace: 0, stdout, clock: systemClock, native,
        onStderr() {}, ...change }).exit;
      console.log(failure ?? code + ' ' + (await import('node:fs')).readFileSync(stdout, 'utf8').trim());
    }
  `;
  const out = mkdtempSync(join(open, 'out-'));
  chmodSync(out, 0o777);
  const argv = [...wrapper, process.execPath, '--input-type=module', '-e', script, join(out, 'x')];
  const { stdout, stderr } = spawnSync('env', argv, { encoding: 'utf8', timeout: 20_000 });
  assert.ok(stdout !== '', stderr);
  return stdout.trimEnd().split('\n');
}

test('a nice level is the one that is asked for, whatever the scheduler’s own is', () => {
  const helpers = [null, ...(helper === null ? [] : [helper])];
  const changes = helpers.map((by) => `{ context: { ...none, nice: 5 }, helper: ${JSON.stringify(by)} }`);
  assert.deepEqual(
    elsewhere('', changes, ['nice', '-n', '3']),
    helpers.map(() => '0 5'),
  );
});

test('what a scheduler that is not root may not do is told in words', { skip: withoutHelper || withoutRoot }, () => {
  const copy = join(open, 'helper-for-all');
  copyFileSync(helper ?? '', copy);
  chmodSync(copy, 0o755);
  const by = `helper: ${JSON.stringify(copy)}, native: { ...native, giveTo() {} }`;
  const prepare = 'process.setgroups([12]); process.setgid(65534); process.setuid(65534);';
  const contexts = [
    '{ nice: -5 }',
    '{ identity: { uid: 65534, gid: 65534, groups: [] } }',
    '{ identity: { uid: 1, gid: 1, groups: [1, 2] } }',
  ];
  const told = elsewhere(prepare, [...contexts.map((c) => `{ context: { ...none, ...${c} }, ${by} }`), `{ ${by} }`]);
  const may = '(setgroups: operation not permitted (EPERM))';
  assert.deepEqual(told, [
    'the nice level -5 cannot be set: permission denied (EACCES)',
    `the scheduler's groups cannot be given up ${may}`,
    `the groups 1, 2 cannot be taken ${may}`,
    '0 0',
  ]);
  const identity = '{ uid: 1, gid: 1, groups: [] }';
  const pipes = elsewhere(prepare, [
    `{ context: { ...none, identity: ${identity} }, helper: ${JSON.stringify(copy)} }`,
  ]);
  assert.deepEqual(pipes, ['the pipes of the run cannot be made: operation not permitted (EPERM)']);
});

test('a helper of another version is told as such', { skip: withoutHelper }, async () => {
  const other = made('helper-other', '#!/bin/sh\necho usage 22 >&5\nexit 127\n', 0o755);
  const { failure } = await sh('exit 0', { helper: other }).exit;
  assert.match(failure ?? '', /another version/);
});
