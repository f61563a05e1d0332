/** `fate init` as a person meets it: on a real terminal, with questions that one key answers. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lastSeen, onTerminal, type Shown, type Step } from '../helpers/pty.ts';
import { repo } from '../helpers/repo.ts';

interface Person {
  readonly conf: string;
  readonly tasks: string;
  readonly defaults: string;
  readonly env: NodeJS.ProcessEnv;
  /** `fate init conf` in a folder of this person, with what is answered. */
  initConf(
    steps: readonly Step[],
    options?: { args?: readonly string[]; columns?: number; stdout?: string; shell?: string },
  ): Promise<Shown>;
  init(args: readonly string[], steps: readonly Step[]): Promise<Shown>;
}

function makePerson(t: TestContext): Person {
  const root = mkdtempSync(join(tmpdir(), 'fate-init-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const conf = join(root, 'conf');
  mkdirSync(join(root, 'home'));
  const env = {
    ...{
      HOME: join(root, 'home'),
      PATH: process.env.PATH,
      SHELL: '/bin/bash',
      LANG: 'C.UTF-8',
      TERM: 'xterm',
      TZ: 'UTC',
    },
  };
  const program = [process.execPath, join(repo, 'dist/fate.js'), 'init'];
  return {
    conf,
    tasks: join(conf, 'tasks.toml'),
    defaults: join(conf, 'defaults.toml'),
    env,
    initConf: (steps, { args = [], shell, ...options } = {}) => {
      const before = shell === undefined ? [] : ['sh', '-c', shell, 'sh'];
      return onTerminal([...before, ...program, 'conf', conf, ...args], steps, { env, cwd: root, ...options });
    },
    init: (args, steps) => onTerminal([...program, ...args], steps, { env, cwd: root }),
  };
}

const MAKE = 'make it? [Y/n/q/?] ';
const REPLACE = 'replace it? [y/N/d/q/?] ';
const withoutHints = (shown: string): string[] =>
  lastSeen(shown).filter((line) => line !== '' && !line.trimStart().startsWith('next: '));

test('y and Enter make a file, at once, and the question is taken away', async (t) => {
  const person = makePerson(t);
  const done = await person.initConf([
    { until: `tasks.toml  ${MAKE}`, send: 'y' },
    { until: `defaults.toml  ${MAKE}`, send: '\r' },
  ]);
  assert.deepEqual([done.status, done.restored], [0, true]);
  assert.deepEqual(withoutHints(done.shown), [`☑ ${person.tasks}  made`, `☑ ${person.defaults}  made`]);
  assert.deepEqual(readdirSync(person.conf).sort(), ['defaults.toml', 'tasks.toml']);
  const again = await person.initConf([]);
  assert.deepEqual(withoutHints(again.shown), [`☑ ${person.tasks}`, `☑ ${person.defaults}`], 'nothing to ask about');
});

test('what was typed before a question answers nothing', async (t) => {
  const person = makePerson(t);
  mkdirSync(person.conf);
  writeFileSync(person.tasks, '# mine\n');
  const done = await person.initConf([
    // Nothing has been asked yet.
    { until: '', send: 'yy\ny' },
    { until: `tasks.toml  differs: ${REPLACE}`, send: 'n' },
    { until: `defaults.toml  ${MAKE}`, send: 'n' },
  ]);
  assert.deepEqual([done.status, done.restored], [0, true]);
  assert.deepEqual(readdirSync(person.conf), ['tasks.toml']);
  assert.equal(readFileSync(person.tasks, 'utf8'), '# mine\n');
});

test('a terminal that goes away ends it as SIGHUP does, without another word', async (t) => {
  const person = makePerson(t);
  const errors = join(person.env.HOME ?? '', 'errors');
  // The shell is what SIGHUP goes to; it passes none on.
  const script = `trap '' HUP; "$@" 2>${errors}; echo $? >${errors}.status; exit 0`;
  const done = await person.initConf([{ until: MAKE, hangUp: true }], { shell: script });
  assert.equal(done.status, 0);
  assert.equal(readFileSync(`${errors}.status`, 'utf8'), '129\n');
  // The shell has a word of its own.
  assert.doesNotMatch(readFileSync(errors, 'utf8'), /fate|node/i);
  assert.ok(!existsSync(person.conf));
});

test('n leaves one out; a key that means nothing is passed over; ? explains', async (t) => {
  const person = makePerson(t);
  const done = await person.initConf([
    { until: MAKE, send: 'x' },
    { until: '', send: '\u001b[A' },
    { until: '', send: '?' },
    { until: 'leave this and all the rest' },
    { until: MAKE, send: 'N' },
    { until: `defaults.toml  ${MAKE}`, send: 'y' },
  ]);
  assert.equal(done.status, 0);
  assert.deepEqual(withoutHints(done.shown).slice(-2), [`☐ ${person.tasks}  not made`, `☑ ${person.defaults}  made`]);
  assert.deepEqual(readdirSync(person.conf), ['defaults.toml']);
});

test('what differs is replaced only for a y, shown for a d, and kept under another name', async (t) => {
  const person = makePerson(t);
  mkdirSync(person.conf);
  writeFileSync(person.tasks, '# mine \u001b[2J\n');
  writeFileSync(person.defaults, '# mine too\n');
  const done = await person.initConf([
    { until: `tasks.toml  differs: ${REPLACE}`, send: 'd' },
    { until: '+[load]' },
    { until: REPLACE, send: '\r' },
    { until: `defaults.toml  differs: ${REPLACE}`, send: 'y' },
  ]);
  assert.deepEqual([done.status, done.restored], [0, true]);
  assert.match(done.shown, /-# mine \\u001b\[2J/, 'nothing in the file steers the terminal');
  assert.deepEqual(withoutHints(done.shown).slice(-2), [
    `☒ ${person.tasks}  differs, left`,
    `☑ ${person.defaults}  replaced, the old one is defaults.toml~`,
  ]);
  assert.equal(readFileSync(person.tasks, 'utf8'), '# mine \u001b[2J\n');
  assert.equal(readFileSync(`${person.defaults}~`, 'utf8'), '# mine too\n');
  assert.match(readFileSync(person.defaults, 'utf8'), /changes nothing/);
});

test('q leaves the rest as it is: what was done stays, the status is 0', async (t) => {
  const person = makePerson(t);
  for (const key of ['q', '\u0004']) {
    rmSync(person.conf, { recursive: true, force: true });
    const done = await person.initConf([
      { until: MAKE, send: 'y' },
      { until: `defaults.toml  ${MAKE}`, send: key },
    ]);
    assert.deepEqual([done.status, done.restored], [0, true]);
    assert.deepEqual(withoutHints(done.shown), [`☑ ${person.tasks}  made`, `☐ ${person.defaults}  not made`]);
  }
});

test('Ctrl-C ends with 130, a signal by the signal; the terminal is as before, and nothing half-done is there', async (t) => {
  const person = makePerson(t);
  const interrupted = await person.initConf([{ until: MAKE, send: '\u0003' }]);
  assert.deepEqual([interrupted.status, interrupted.restored], [130, true]);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
    const ended = await person.initConf([{ until: MAKE, signal }]);
    assert.deepEqual([ended.status, ended.signal, ended.restored], [null, signal, true]);
  }
  assert.ok(!existsSync(person.conf));
});

test('all three parts have their titles, and links go along with their file', async (t) => {
  const person = makePerson(t);
  const done = await person.init(
    ['--user'],
    [
      { until: `tasks.toml  ${MAKE}`, send: 'y' },
      { until: `defaults.toml  ${MAKE}`, send: 'y' },
      { until: `/fate  ${MAKE}`, send: 'n' },
      { until: `fated.service  ${MAKE}`, send: 'y' },
    ],
  );
  assert.deepEqual([done.status, done.restored], [0, true]);
  const home = person.env.HOME;
  const folder = `${home}/.local/share/bash-completion/completions`;
  assert.deepEqual(withoutHints(done.shown), [
    'Configuration',
    `☑ ${home}/.config/fate/tasks.toml  made`,
    `☑ ${home}/.config/fate/defaults.toml  made`,
    'Completion',
    ...['fate', 'fated', 'fates'].map((name) => `☐ ${folder}/${name}  not made`),
    'Service',
    `☑ ${home}/.config/systemd/user/fated.service  made`,
  ]);
  const comp = await person.init(['comp', '--user'], [{ until: `/fate  ${MAKE}`, send: '\n' }]);
  assert.deepEqual(
    withoutHints(comp.shown),
    ['fate', 'fated', 'fates'].map((name) => `☑ ${folder}/${name}  made`),
  );
});

test('colour is left out for NO_COLOR, symbols where the locale has none', async (t) => {
  const person = makePerson(t);
  const answers = [
    { until: MAKE, send: 'n' },
    { until: `defaults.toml  ${MAKE}`, send: 'n' },
  ];
  assert.match((await person.initConf(answers)).shown, /\u001b\[1;36m☐/);
  person.env.NO_COLOR = '1';
  assert.doesNotMatch((await person.initConf(answers)).shown, /\u001b\[[\d;]*m/);
  person.env.LC_ALL = 'C';
  const plain = await person.initConf(answers);
  assert.doesNotMatch(plain.shown, /[☐☑☒]/);
  assert.deepEqual(withoutHints(plain.shown), [`not made ${person.tasks}`, `not made ${person.defaults}`]);
  person.env.TERM = 'dumb';
  assert.doesNotMatch((await person.initConf(answers)).shown, /\u001b/);
});

test('a question that takes several rows is taken away whole', async (t) => {
  const person = makePerson(t);
  const done = await person.initConf(
    [
      { until: MAKE, send: 'y' },
      { until: `defaults.toml  ${MAKE}`, send: 'y' },
    ],
    { columns: 20 },
  );
  const question = `☐ ${person.tasks}  ${MAKE}`;
  const rows = Math.ceil(question.length / 20);
  assert.ok(rows > 1);
  assert.ok(done.shown.includes(`${MAKE}\r\u001b[${rows - 1}A\u001b[J`), JSON.stringify(done.shown));
});

test('where standard output is a file the questions are on the terminal, and the file has plain words', async (t) => {
  const person = makePerson(t);
  const out = join(person.env.HOME ?? '', 'out');
  const done = await person.initConf(
    [
      { until: MAKE, send: 'y' },
      { until: `defaults.toml  ${MAKE}`, send: 'n' },
    ],
    { stdout: out },
  );
  assert.deepEqual([done.status, done.restored], [0, true]);
  const hint = `next: edit ${person.tasks}, then: fate check ${person.conf}\n`;
  assert.equal(readFileSync(out, 'utf8'), `made ${person.tasks}\nnot made ${person.defaults}\n${hint}`);
});

test('--no-prompt, --json and --dry-run ask nothing, on a terminal too', async (t) => {
  const person = makePerson(t);
  const dry = await person.initConf([], { args: ['--dry-run'] });
  assert.deepEqual(withoutHints(dry.shown), [`☐ ${person.tasks}  would make`, `☐ ${person.defaults}  would make`]);
  assert.ok(!existsSync(person.conf));
  const quiet = await person.initConf([], { args: ['--no-prompt'] });
  assert.deepEqual(withoutHints(quiet.shown), [`☑ ${person.tasks}  made`, `☑ ${person.defaults}  made`]);
  writeFileSync(person.tasks, '# mine\n');
  const ask = await person.initConf([], { args: ['--dry-run'] });
  assert.deepEqual(withoutHints(ask.shown), [`☒ ${person.tasks}  differs, would ask`, `☑ ${person.defaults}`]);
  const json = await person.initConf([], { args: ['--json'] });
  assert.deepEqual(
    JSON.parse(json.shown).map(({ action }: { action: string }) => action),
    ['differs', 'same'],
  );
});

test('what cannot be written is not asked about', async (t) => {
  const person = makePerson(t);
  writeFileSync(person.conf, '');
  const done = await person.initConf([]);
  assert.deepEqual([done.status, done.restored], [71, true]);
  assert.match(done.shown, /fate: .*\/conf: expected a folder, found a file/);
  assert.match(done.shown, /☒.* .*tasks\.toml {2}failed/);
});
