/** What `npm pack` makes, as people install it: with each Node that is supported, and no compiler. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { openNotifySocket, whyNoNotifySocket } from '../helpers/notify-socket.ts';
import { type Finished, makePrefix } from '../helpers/prefix.ts';
import { repo } from '../helpers/repo.ts';
import { finished, makeBarePath, NODES, nodeOf, npm, npmEnv, whyNot } from './nodes.ts';

const skip = whyNot() ?? false;
const { version, bin, man } = JSON.parse(readFileSync(join(repo, 'package.json'), 'utf8'));
const TASK = `[tick]
schedule = "0 * * * *"
umask = "0027"
shell = "umask; ulimit -n"
`;

const scratch = mkdtempSync(join(tmpdir(), 'fate-npm-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** What npm says of the package that it made. */
interface Packed {
  readonly archive: string;
  readonly files: readonly { readonly path: string; readonly mode: number }[];
  readonly said: string;
}
let packed: Packed | null = null;

/** Once: by prepack, which empties dist/, so in a copy of what it needs. */
function pack(): Packed {
  if (packed !== null) return packed;
  const copy = join(scratch, 'copy');
  const needed = ['src', 'packaging', 'systemd', 'docs', 'package.json', 'package-lock.json', 'LICENSE'];
  for (const name of [...needed, ...readdirSync(repo).filter((file) => file.endsWith('.md'))]) {
    cpSync(join(repo, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(repo, 'node_modules'), join(copy, 'node_modules'));
  const made = finished('npm', ['pack', '--json', '--pack-destination', scratch], { cwd: copy, env: npmEnv() });
  assert.equal(made.status, 0, made.stderr);
  const [told] = Object.values<{ filename: string; files: Packed['files'] }>(
    JSON.parse(made.stdout.slice(made.stdout.search(/^[[{]/m))),
  );
  assert.ok(told);
  packed = { archive: join(scratch, told.filename), files: told.files, said: made.stderr };
  return packed;
}

function ok({ status, stdout, stderr }: Finished): string {
  assert.equal(status, 0, stderr + stdout);
  return stdout;
}

test('the package holds what runs and what explains it, and nothing else', { skip }, () => {
  const { files, said } = pack();
  const paths = files.map(({ path }) => path);
  const others = paths.filter(
    (path) => !/^(dist|docs|packaging\/(examples|init|man)|systemd)\/|^[A-Z]+(\.md)?$/.test(path),
  );
  assert.deepEqual(others, ['package.json']);
  assert.deepEqual(
    paths.filter((path) => /\.(ts|c|map|test\.js)$/.test(path)),
    [],
  );
  for (const wanted of [
    ...Object.values<string>(bin),
    ...man,
    ...['dist/decode-worker.cjs', 'dist/LICENSES.txt', 'packaging/examples/tasks.toml', 'LICENSE', 'CHANGELOG.md'],
    ...['systemd/fated.service', 'systemd/user/fated.service', 'systemd/hardening.conf'],
  ]) {
    assert.ok(paths.includes(wanted), wanted);
  }
  assert.deepEqual(
    [...man].sort(),
    readdirSync(join(repo, 'packaging/man'))
      .sort()
      .map((page) => `packaging/man/${page}`),
  );
  for (const { path, mode } of files) {
    const runs = path.startsWith('dist/fate') || path.startsWith('packaging/examples/bin/');
    assert.equal((mode & 0o111) !== 0, runs, path);
  }
  for (const arch of ['x64', 'arm64']) {
    const helper = `dist/fate-exec-${arch}`;
    if (!paths.includes(helper)) assert.match(said, new RegExp(`This package is without .*fate-exec-${arch}`));
  }
});

test('each page that the README of the package links to is in the package', { skip }, () => {
  const paths = pack().files.map(({ path }) => path);
  const links = readFileSync(join(repo, 'README.md'), 'utf8').matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g);
  const broken = [...links]
    .map(([, target = '']) => target)
    .filter((target) => !paths.some((path) => path.startsWith(target)));
  assert.deepEqual(broken, []);
});

/** What is installed works: a folder of programs, and an environment that has no other PATH. */
function tryCommands(programs: string, env: NodeJS.ProcessEnv): void {
  const fate = (...args: string[]): string => ok(finished(join(programs, 'fate'), args, { cwd: scratch, env }));
  assert.equal(fate('--version'), `fate ${version}\n`);
  assert.match(fate('--help'), /fate/);
  fate('check');
  assert.match(fate('debug', 'run', 'tick'), /^Status: OK[\s\S]*^ {2}0027$/m);
}

async function tryDaemon(t: TestContext, programs: string, env: NodeJS.ProcessEnv): Promise<void> {
  const systemd = await openNotifySocket(t);
  const daemon = spawn(join(programs, 'fated'), ['--foreground'], {
    env: { ...env, NOTIFY_SOCKET: systemd.path },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => daemon.kill('SIGKILL'));
  let said = '';
  daemon.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(daemon, 'close');
  const first = await Promise.race([systemd.until(/^READY=1/), ended]);
  assert.equal(first, 'READY=1', said);
  assert.ok(daemon.kill('SIGTERM'));
  assert.deepEqual(await ended, [0, null], said);
  assert.match(said, /sd-notify cannot be loaded \(.*\), and is not needed: systemd is told without it/);
  await systemd.until(/^STOPPING=1/);
}

for (const node of NODES) {
  test(`npm install -g works with Node ${node} and no compiler`, { skip }, async (t) => {
    const binary = await nodeOf(node);
    if (binary === null) return t.skip('no registry of npm answers here');
    const root = mkdtempSync(join(scratch, 'global-'));
    const path = makeBarePath(join(root, 'path'), binary);
    const { status, stderr } = npm(path, root, 'install', '--global', '--prefix', join(root, 'prefix'), pack().archive);
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stderr, /\bgyp (ERR|info)|npm (error|ERR!)/, 'quiet about what could not be built');

    const programs = join(root, 'prefix/bin');
    const installed = join(root, 'prefix/lib/node_modules/fate-scheduler');
    assert.deepEqual(readdirSync(programs).sort(), Object.keys(bin).sort());
    for (const page of man) {
      assert.ok(existsSync(join(root, 'prefix/share/man', `man${page.slice(-1)}`, page.split('/').pop())), page);
    }
    // Left out, or, by an npm that runs no scripts unasked, left as it is.
    assert.equal(existsSync(join(installed, 'node_modules/sd-notify/build')), false, 'for lack of a compiler');

    // Of this prefix only its folders are used; the programs are those that npm installed.
    const prefix = makePrefix(t, { 'tasks.toml': TASK });
    const env = { ...prefix.env, PATH: `${programs}:${path}` };
    tryCommands(programs, env);
    const pass = (): string => ok(finished(join(programs, 'fates'), [], { cwd: root, env }));
    pass();
    assert.deepEqual(prefix.results(), [], 'a task that is seen for the first time has missed nothing');
    await prefix.backdate(7_200_000);
    pass();
    const [result = ''] = prefix.results();
    const [umask, files] = prefix.readResult(result).trim().split('\n');
    assert.equal(umask, '0027');
    const helper = join(installed, `dist/fate-exec-${process.arch}`);
    // The exec helper puts the limit of open files back; what stands in for it does not.
    if (existsSync(helper)) {
      assert.notEqual(statSync(helper).mode & 0o111, 0, 'it can be run');
      assert.equal(files, '1024');
    }
    const [runs] = JSON.parse(ok(finished(join(programs, 'fate'), ['runs', '--json'], { cwd: root, env })));
    assert.equal(runs.status, 'OK');

    if (whyNoNotifySocket() === null) await tryDaemon(t, programs, env);
  });
}

test("in a project's own node_modules it keeps to the project's folder", { skip }, async (t) => {
  const binary = await nodeOf(NODES[1]);
  if (binary === null) return t.skip('no registry of npm answers here');
  const root = mkdtempSync(join(scratch, 'project-'));
  const path = makeBarePath(join(root, 'path'), binary);
  const project = join(root, 'project');
  mkdirSync(join(project, 'fate'), { recursive: true });
  writeFileSync(join(project, 'package.json'), '{}');
  writeFileSync(join(project, 'fate/tasks.toml'), TASK);
  ok(npm(path, project, 'install', pack().archive));

  const env = { PATH: path, HOME: root, TZ: 'UTC' };
  const programs = join(project, 'node_modules/.bin');
  tryCommands(programs, env);
  ok(finished(join(programs, 'fates'), [], { cwd: root, env }));
  ok(finished(join(programs, 'fate'), ['debug', 'run', '--record', 'tick'], { cwd: root, env }));
  assert.equal(readdirSync(join(project, 'fate/result')).length, 1);
  assert.deepEqual(readdirSync(root).sort(), ['path', 'project'], 'nothing of it is anywhere else');
});
