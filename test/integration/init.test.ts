/** `fate init` as a program or a pipe calls it: without questions. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { COMPLETION_FILES, completionScript, SHELLS } from '../../src/cli/completion/script.ts';
import { copyPrograms, installNpmGlobal, installNpmProject, installPrefix } from '../helpers/installation.ts';
import { repo } from '../helpers/repo.ts';

interface Home {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  run(...args: readonly string[]): Ran;
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const checkout = [process.execPath, join(repo, 'dist/fate.js')];

/** Somebody with an empty home, and nothing of the environment of whoever runs the tests. */
function makeHome(t: TestContext, words: (root: string) => readonly string[] = () => checkout): Home {
  const root = mkdtempSync(join(tmpdir(), 'fate-init-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const env = { HOME: join(root, 'home'), PATH: process.env.PATH, SHELL: '/bin/bash', LANG: 'C.UTF-8', TZ: 'UTC' };
  mkdirSync(env.HOME);
  const [command = '', ...before] = words(root);
  return {
    root,
    env,
    run: (...args) =>
      spawnSync(command, [...before, 'init', ...args], {
        env,
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
  };
}

/** Every file and link below a folder, with what is in it, its mode and its time: two that are equal are the same tree. */
function tree(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const facts = lstatSync(path);
      const holds = facts.isSymbolicLink() ? readlinkSync(path) : facts.isFile() ? readFileSync(path, 'utf8') : '';
      return `${name} ${facts.mode.toString(8)} ${facts.mtimeMs} ${holds}`;
    });
}

const isRoot = process.getuid?.() === 0;
const FILES = [
  '.config/fate/tasks.toml',
  '.config/fate/defaults.toml',
  '.local/share/bash-completion/completions/fate',
  '.local/share/bash-completion/completions/fated',
  '.local/share/bash-completion/completions/fates',
  '.config/systemd/user/fated.service',
];

test('all three parts are made, and found again', (t) => {
  const home = makeHome(t);
  const first = home.run('--user');
  const lines = (word: string): string => FILES.map((file) => `${word} ${home.env.HOME}/${file}\n`).join('');
  const reported = (text: string): string => text.replaceAll(/^next: .*\n/gm, '');
  assert.deepEqual([first.status, first.stderr, reported(first.stdout)], [0, '', lines('made')]);
  assert.match(first.stdout, /^next: edit .*\/tasks\.toml, then: fate check --user$/m);
  assert.match(first.stdout, /^next: systemctl --user daemon-reload && systemctl --user enable --now fated/m);
  const before = tree(home.env.HOME ?? '');
  const second = home.run('--user');
  assert.deepEqual([second.status, second.stderr, reported(second.stdout)], [0, '', lines('same')]);
  assert.deepEqual(tree(home.env.HOME ?? ''), before);
});

test('a dry run says what would be made, and writes nothing', (t) => {
  const home = makeHome(t);
  const { status, stdout, stderr } = home.run('--user', '--dry-run');
  assert.deepEqual(
    [status, stdout, stderr],
    [0, FILES.map((file) => `would make ${home.env.HOME}/${file}\n`).join(''), ''],
  );
  assert.deepEqual(
    tree(home.root),
    tree(home.root).filter((line) => line.startsWith('home ')),
  );
});

test('with --json each file is an object with its part, path and action', (t) => {
  const home = makeHome(t);
  const made = JSON.parse(home.run('--user', '--json').stdout);
  assert.deepEqual(
    made.map((item: Record<string, unknown>) => [item.part, item.path, item.action, item.status]),
    FILES.map((file, at) => [at < 2 ? 'conf' : at < 5 ? 'comp' : 'serv', `${home.env.HOME}/${file}`, 'made', 0]),
  );
  assert.match(made[5].next[0], /^systemctl --user daemon-reload/);
  writeFileSync(join(home.env.HOME ?? '', FILES[0] ?? ''), '# mine\n');
  const again = JSON.parse(home.run('conf', '--user', '--json').stdout);
  assert.deepEqual(
    again.map(({ action }: { action: string }) => action),
    ['differs', 'same'],
  );
});

test('what differs is left and told, and that is no failure', (t) => {
  const home = makeHome(t);
  assert.equal(home.run('conf', '--user').status, 0);
  const file = `${home.env.HOME}/.config/fate/tasks.toml`;
  writeFileSync(file, '# mine\n');
  for (const args of [
    ['conf', '--user'],
    ['conf', '--user', '--no-prompt'],
    ['conf', '--user', '--dry-run'],
  ]) {
    const { status, stdout } = home.run(...args);
    assert.deepEqual([status, stdout], [0, `differs, left ${file}\nsame ${dirname(file)}/defaults.toml\n`]);
  }
  assert.equal(readFileSync(file, 'utf8'), '# mine\n');
});

test('a configuration of another format, or of drop-ins, is not made ambiguous', (t) => {
  const home = makeHome(t);
  const conf = join(home.root, 'conf');
  mkdirSync(conf);
  writeFileSync(join(conf, 'tasks.yaml'), '{}\n');
  const toml = home.run('conf', conf, '--format', 'toml');
  const hint = `next: edit ${conf}/defaults.toml, then: fate check ${conf}`;
  assert.deepEqual(
    [toml.status, toml.stdout],
    [0, `there already ${conf}/tasks.toml (as tasks.yaml)\nmade ${conf}/defaults.toml\n${hint}\n`],
  );
  assert.deepEqual(readdirSync(conf).sort(), ['defaults.toml', 'tasks.yaml']);
  rmSync(conf, { recursive: true });
  mkdirSync(join(conf, 'tasks.d'), { recursive: true });
  writeFileSync(join(conf, 'tasks.d/mine.yaml'), '{}\n');
  const dropIns = home.run('conf', conf);
  assert.match(dropIns.stdout, /^there already .*\/tasks\.toml \(as tasks\.d\)$/m);
  assert.deepEqual(readdirSync(conf).sort(), ['defaults.toml', 'tasks.d']);
});

test('a folder of no name is a usage error; one that a shell would take apart is quoted in what comes next', (t) => {
  const home = makeHome(t);
  for (const none of ['', '-']) {
    const ran = home.run('conf', none);
    assert.deepEqual([ran.status, ran.stdout], [2, ''], ran.stderr);
  }
  assert.deepEqual(readdirSync(home.root), ['home']);
  assert.match(home.run('conf', "it's here $(x)").stdout, /, then: fate check 'it'\\''s here \$\(x\)'\n/);
});

test('a folder of XDG that is not absolute is none', (t) => {
  const home = makeHome(t);
  Object.assign(home.env, { XDG_DATA_HOME: 'data', XDG_CONFIG_HOME: './conf' });
  assert.equal(home.run('comp', '--user').status, 0);
  assert.equal(home.run('serv', '--user').status, 0);
  assert.deepEqual(readdirSync(home.root), ['home']);
  assert.ok(lstatSync(join(home.root, 'home/.local/share/bash-completion/completions/fate')).isFile());
  assert.ok(lstatSync(join(home.root, 'home/.config/systemd/user/fated.service')).isFile());
});

test('without --format it is that of the files that are there', (t) => {
  const home = makeHome(t);
  const conf = join(home.root, 'conf');
  assert.match(home.run('conf', conf, '--format', 'yaml').stdout, /^made .*\/tasks\.yaml$/m);
  assert.match(home.run('conf', conf).stdout, /^same .*\/tasks\.yaml\nsame .*\/defaults\.yaml\n$/);
});

test('what was made is checked without a word against it', (t) => {
  const home = makeHome(t);
  for (const format of ['toml', 'yaml']) {
    home.run('conf', join(home.root, format), '--format', format);
    const [node = '', fate = ''] = checkout;
    const check = spawnSync(node, [fate, 'check', join(home.root, format)], { env: home.env, encoding: 'utf8' });
    assert.deepEqual([check.status, check.stderr.replace(/^note: .*\n/, '')], [0, ''], format);
  }
});

test('each shell has its file where it looks for it, and its links', (t) => {
  const home = makeHome(t);
  const folders = {
    bash: 'bash-completion/completions',
    zsh: 'zsh/site-functions',
    fish: 'fish/vendor_completions.d',
    tcsh: 'tcsh',
  };
  for (const shell of SHELLS) {
    const { status, stdout } = home.run('comp', '--user', '--shell', shell);
    assert.equal(status, 0);
    const folder = join(home.env.HOME ?? '', '.local/share', folders[shell]);
    const { file, links } = COMPLETION_FILES[shell];
    assert.deepEqual(readdirSync(folder).sort(), [file, ...links].sort());
    assert.equal(readFileSync(join(folder, file), 'utf8'), completionScript(shell));
    for (const link of links) assert.equal(readlinkSync(join(folder, link)), file);
    if (shell === 'zsh') assert.ok(stdout.includes(`fpath+=(${folder})`), stdout);
    if (shell === 'tcsh') assert.ok(stdout.includes(`source ${folder}/fate.tcsh`), stdout);
  }
});

test('the shell is that of $SHELL; an unknown one is a usage error that lists those there are, but not for all three', (t) => {
  const home = makeHome(t);
  home.env.SHELL = '/usr/bin/fish';
  assert.match(home.run('comp', '--user').stdout, /^made .*\/fate\.fish$/m);
  home.env.SHELL = '/bin/ksh';
  const alone = home.run('comp', '--user');
  assert.equal(alone.status, 2);
  assert.match(alone.stderr, /--shell is needed here: one of bash, zsh, fish, tcsh/);
  const all = home.run('--user');
  assert.equal(all.status, 0, all.stderr);
  assert.match(
    all.stdout,
    /^not made \(comp: no completions for this shell, but with --shell bash\|zsh\|fish\|tcsh\)$/m,
  );
  assert.match(all.stdout, /^made .*fated\.service$/m);
});

test("a completion goes to a file of one's own choice, or to standard output", (t) => {
  const home = makeHome(t);
  for (const shell of SHELLS) {
    const out = home.run('comp', '-', '--shell', shell);
    assert.deepEqual([out.status, out.stdout === completionScript(shell)], [0, true], shell);
    const file = home.run('comp', `out/${shell}`, '--shell', shell);
    assert.deepEqual([file.status, file.stdout], [0, `made ${home.root}/out/${shell}\n`]);
    assert.equal(readFileSync(join(home.root, 'out', shell), 'utf8'), completionScript(shell));
  }
  assert.deepEqual(readdirSync(home.env.HOME ?? ''), []);
});

test('what is of the wrong type is a 71 that names it; the other parts are done', (t) => {
  const home = makeHome(t);
  mkdirSync(join(home.env.HOME ?? '', '.config/fate/tasks.toml'), { recursive: true });
  for (const dry of [['--dry-run'], []]) {
    const { status, stdout, stderr } = home.run('--user', ...dry);
    assert.equal(status, 71);
    assert.equal(stderr, `fate: ${home.env.HOME}/.config/fate/tasks.toml: expected a file, found a folder\n`);
    assert.match(stdout, /^not made .*\/defaults\.toml$/m);
    assert.match(stdout, dry.length > 0 ? /^would make .*fated\.service$/m : /^made .*fated\.service$/m);
  }
  writeFileSync(join(home.root, 'file'), '');
  const inFile = home.run('conf', join(home.root, 'file'));
  assert.deepEqual([inFile.status, inFile.stderr], [71, `fate: ${home.root}/file: expected a folder, found a file\n`]);
});

test('whoever may not write gets a 73 that says what to do; the worst status counts', {
  skip: isRoot ? false : 'needs root, to be another user',
}, (t) => {
  const home = makeHome(t);
  chmodSync(home.root, 0o755);
  const locked = join(home.root, 'locked');
  mkdirSync(locked);
  const env = { ...home.env, HOME: home.root, XDG_CONFIG_HOME: locked, XDG_DATA_HOME: join(locked, 'data') };
  const run = (...args: string[]): Ran =>
    spawnSync('setpriv', ['--reuid=65534', '--clear-groups', ...checkout, 'init', ...args], {
      env,
      cwd: '/',
      encoding: 'utf8',
    });
  for (const dry of [['--dry-run'], []]) {
    const { status, stderr } = run('--user', ...dry);
    assert.equal(status, 73, stderr);
    assert.equal(stderr.split('\n').length, 4, stderr);
    assert.ok(
      stderr.startsWith(`fate: cannot write ${locked}/fate/tasks.toml: ${locked} is not yours to write to\n`),
      stderr,
    );
  }
  assert.deepEqual(readdirSync(locked), []);
  const system = run('conf', '--system', '--dry-run');
  if (system.status === 73) assert.match(system.stderr, /; try it as root \(sudo\), or with --user$/m);
  mkdirSync(join(locked, 'fate'), { mode: 0o700 });
  assert.equal(run('conf', '--user').status, 73, 'a folder that cannot be looked into');
  writeFileSync(join(locked, 'systemd'), '');
  assert.equal(run('--user').status, 73, '71 and 73');
});

test('root is told where others can write what its scheduler would run', {
  skip: isRoot ? false : 'needs root',
}, (t) => {
  const home = makeHome(t);
  const conf = join(home.root, 'open');
  mkdirSync(conf);
  chmodSync(conf, 0o777);
  const { status, stdout } = home.run('conf', conf);
  assert.equal(status, 0);
  assert.match(
    stdout,
    /^next: .*\/open: expected a folder that only root can write, found that its group 0 and everybody can/m,
  );
  assert.equal(statSync(join(conf, 'tasks.toml')).mode & 0o777, 0o644);
});

test('the unit names the programs of each kind of installation, and the folders that the environment names', (t) => {
  const node = process.execPath;
  const npm = (root: string): string => `${node} ${root}/node_modules/fate-scheduler/dist/fated.js`;
  for (const [install, start] of [
    [(root: string) => installPrefix(join(root, 'pre')), (root: string) => `${root}/pre/bin/fated --user`],
    [(root: string) => installNpmGlobal(join(root, 'npm')), (root: string) => `${npm(`${root}/npm/lib`)} --user`],
    [(root: string) => installNpmProject(join(root, 'proj')), (root: string) => `${npm(`${root}/proj`)} --user`],
    [
      (root: string) => {
        copyPrograms(join(root, 'of me/100%'));
        return [node, join(root, 'of me/100%/dist/fate.js')];
      },
      (root: string) => `${node} "${root}/of me/100%%/dist/fated.js" --user`,
    ],
  ] as const) {
    const home = makeHome(t, install);
    const { status, stderr } = home.run('serv', '--user');
    assert.equal(status, 0, stderr);
    const unit = join(home.env.HOME ?? '', '.config/systemd/user/fated.service');
    const text = readFileSync(unit, 'utf8');
    assert.ok(text.includes(`\nExecStart=${start(home.root)} --foreground --no-banner\n`), text);
    assert.match(text, /^Documentation=file:.*\/(README|docs\/systemd)\.md$/m);
    assert.doesNotMatch(text, /^Environment=/m);
    home.env.FATE_PREFIX_STATE = 'state';
    rmSync(unit);
    assert.equal(home.run('serv', '--user').status, 0);
    assert.ok(readFileSync(unit, 'utf8').includes(`\nEnvironment=FATE_PREFIX_STATE=${home.root}/state\n`));
    verify(unit);
  }
});

test('in a project of its own the unit takes the folders of the project', (t) => {
  const home = makeHome(t, (root) => installNpmProject(join(root, 'proj')));
  const { status, stdout } = home.run('--no-prompt');
  assert.equal(status, 0);
  assert.ok(stdout.includes(`made ${home.root}/proj/fate/tasks.toml\n`), stdout);
  const unit = readFileSync(join(home.env.HOME ?? '', '.config/systemd/user/fated.service'), 'utf8');
  assert.match(unit, /^ExecStart=.*\/dist\/fated\.js --foreground --no-banner$/m);
});

test('a unit that make install put where systemd finds it is enough', (t) => {
  const home = makeHome(t, (root) => installPrefix(join(root, 'home/.local')));
  const units = join(home.env.HOME ?? '', '.local/share/systemd/user');
  mkdirSync(units, { recursive: true });
  const template = readFileSync(join(repo, 'systemd/user/fated.service'), 'utf8');
  writeFileSync(join(units, 'fated.service'), template.replaceAll('@BINDIR@', `${home.env.HOME}/.local/bin`));
  const { status, stdout } = home.run('serv', '--user');
  assert.equal(status, 0);
  assert.match(stdout, /^there already .*\/\.local\/share\/systemd\/user\/fated\.service \(with these programs\)$/m);
  assert.match(stdout, /^next: systemctl --user enable --now fated/m);
  assert.deepEqual(readdirSync(join(home.env.HOME ?? '')), ['.local']);
  writeFileSync(join(units, 'fated.service'), template.replaceAll('@BINDIR@', '/elsewhere'));
  const own = join(home.env.HOME ?? '', '.config/systemd/user/fated.service');
  const hides = home.run('serv', '--user').stdout;
  assert.ok(hides.includes(`made ${own}\nnext: ${own} takes the place of ${units}/fated.service\n`), hides);
});

test('an installation that lacks a file says which, and does the rest', (t) => {
  const home = makeHome(t, (root) => {
    copyPrograms(join(root, 'fate'));
    rmSync(join(root, 'fate/packaging/init/tasks.toml'));
    return [process.execPath, join(root, 'fate/dist/fate.js')];
  });
  const { status, stdout, stderr } = home.run('--user');
  assert.equal(status, 1);
  assert.match(stderr, /^fate: fatal: this installation lacks one of its files: .*packaging\/init\/tasks\.toml/);
  assert.match(stdout, /^made .*fated\.service$/m);
});

test('no more than one way to ask, and none without a terminal', (t) => {
  const home = makeHome(t);
  for (const args of [['--prompt'], ['--prompt', '--json'], ['--prompt', '--no-prompt'], ['nonsense'], ['serv', 'x']]) {
    assert.equal(home.run(...args).status, 2, args.join(' '));
  }
  assert.deepEqual(readdirSync(home.env.HOME ?? ''), []);
});

function verify(unit: string): void {
  const env = { ...process.env, XDG_RUNTIME_DIR: dirname(unit), SYSTEMD_COLORS: '0' };
  const { error, status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', '--user', unit], {
    encoding: 'utf8',
    env,
  });
  // Without systemd-analyze there is nobody to ask.
  if (error === undefined) assert.deepEqual([status, stdout + stderr], [0, '']);
}
