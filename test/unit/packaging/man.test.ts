/** The man pages as groff and mandoc see them, and what they say of exit statuses, variables and files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ERRORS, type ErrorCode } from '../../../src/errors.ts';
import { repo } from '../../helpers/repo.ts';
import { blocks, items, PAGES, PROGRAM_PAGES, pagePath, prose, section, source, wordsOf } from './man-page.ts';

const isThere = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;
const missing = (program: string, packageName: string): string | false =>
  isThere(program) ? false : `there is no ${program} here (Debian: ${packageName})`;

/** At 80 columns, without bold and underline. */
function rendered(program: 'groff' | 'mandoc', file: string): readonly string[] {
  const args = { groff: ['-mandoc', '-Tutf8', '-P-cbou', '-rLL=80n'], mandoc: ['-Tutf8', '-Owidth=80'] }[program];
  const { status, stdout, stderr } = spawnSync(program, [...args, file], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.replaceAll(/.\x08/g, '').split('\n');
}

test('every page is one of these', () => {
  assert.deepEqual(readdirSync(join(repo, 'packaging/man')).sort(), [...PAGES].sort());
});

test('mandoc has nothing to say against a page', { skip: missing('mandoc', 'mandoc') }, () => {
  for (const page of PAGES) {
    const { status, stdout, stderr } = spawnSync('mandoc', ['-Tlint', '-Wwarning', pagePath(page)], {
      encoding: 'utf8',
    });
    assert.deepEqual([status, `${stdout}${stderr}`], [0, ''], page);
  }
  const bad = spawnSync('mandoc', ['-Tlint', '-Wwarning'], {
    input: '.Dd x\n.Dt A 1\n.Os\n.Bogus\n',
    encoding: 'utf8',
  });
  assert.match(`${bad.stdout}${bad.stderr}`, /Bogus/, 'it would tell');
});

test('groff has nothing to say against a page', { skip: missing('groff', 'groff') }, () => {
  for (const page of PAGES) {
    const { status, stderr } = spawnSync('groff', ['-mandoc', '-ww', '-Tutf8', '-Z', '-rLL=80n', pagePath(page)], {
      encoding: 'utf8',
    });
    assert.deepEqual([status, stderr.split('\n').filter((line) => line.includes(page))], [0, []], page);
  }
  const bad = '.Dd May 1, 2026\n.Dt A 1\n.Os\n.Sh NAME\n.Nm a\n.Nd b\n.bogus\n';
  assert.match(
    spawnSync('groff', ['-mandoc', '-ww', '-Tutf8', '-Z'], { input: bad, encoding: 'utf8' }).stderr,
    /bogus/,
    'it would tell',
  );
});

for (const [program, packageName] of [
  ['groff', 'groff'],
  ['mandoc', 'mandoc'],
] as const) {
  test(`a page fits into 80 columns (${program})`, { skip: missing(program, packageName) }, () => {
    for (const page of PAGES) {
      const lines = rendered(program, pagePath(page));
      assert.ok(lines.length > 80, `${page} is empty`);
      assert.deepEqual(
        lines.filter((line) => [...line].length > 80),
        [],
        page,
      );
    }
  });
}

test('a page has a name that whatis(1) finds, a plain date, and the sections in their order', () => {
  const order = ['NAME', 'SYNOPSIS', 'DESCRIPTION', 'ENVIRONMENT', 'FILES', 'EXIT STATUS', 'EXAMPLES', 'SEE ALSO'];
  for (const page of PAGES) {
    const lines = source(page);
    const [name, number] = page.split('.');
    assert.match(lines[0] ?? '', /^\.Dd [A-Z][a-z]+ \d{1,2}, 20\d\d$/, page);
    assert.equal(lines[1], `.Dt ${name?.toUpperCase()} ${number}`);
    const [nm, nd, ...more] = section(lines, 'NAME');
    assert.equal(nm, `.Nm ${name}`);
    assert.match(nd ?? '', /^\.Nd [a-z].*[^.]$/);
    assert.deepEqual(more, []);
    const titles = lines.filter((line) => line.startsWith('.Sh ')).map((line) => line.slice(4));
    const known = titles.filter((title) => order.includes(title));
    assert.deepEqual(
      known,
      order.filter((title) => titles.includes(title)),
      page,
    );
  }
});

test('man-db finds the name of every page', { skip: missing('lexgrog', 'man-db') }, () => {
  for (const page of PAGES) {
    const { status, stdout } = spawnSync('lexgrog', [pagePath(page)], { encoding: 'utf8' });
    const name = page.replace(/\.\d$/, '');
    assert.deepEqual([status, stdout.includes(`: "${name} - `)], [0, true], stdout);
  }
});

test('pages refer to pages that are there, and list them in their order', () => {
  const ours = new Set<string>(PAGES);
  for (const page of PAGES) {
    const see = section(source(page), 'SEE ALSO').filter((line) => line.startsWith('.Xr '));
    const listed = see.map((line) => line.split(' ').slice(1, 3));
    const sorted = [...listed].sort(([a, m], [b, n]) => Number(m) - Number(n) || (a ?? '').localeCompare(b ?? ''));
    assert.deepEqual(listed, sorted, page);
    for (const [, name, number] of source(page)
      .join('\n')
      .matchAll(/\bXr (fate\S*) (\d)/g))
      assert.ok(ours.has(`${name}.${number}`), `${page}: ${name}(${number})`);
  }
});

test('what a person copies is plain ASCII, in groff too', () => {
  for (const page of PAGES) {
    let literal = false;
    for (const line of source(page)) {
      if (line.startsWith('.Bd -literal')) literal = true;
      if (line === '.Ed') literal = false;
      if ((literal && !line.startsWith('.')) || line.startsWith('.Dl '))
        assert.doesNotMatch(line.replace(/^\.Dl /, ''), /(?<!\\)[-'`^~]|[^\x20-\x7e]/, `${page}: ${line}`);
    }
    assert.ok(blocks(source(page)).length > 0, page);
  }
});

/** What the engine's programs never meet: they ask no daemon, take no names of tasks, try nothing out, and set nothing up. */
const FATE_ONLY: readonly ErrorCode[] = [
  'TASK_UNKNOWN',
  'RUN_UNKNOWN',
  'PATH_TYPE',
  'PATH_ACCESS',
  'TEMPORARY',
  'COMMAND_NOT_FOUND',
];
/** Statuses that are no errors, or that a command makes of its own. */
const OWN_STATUSES = { fate: ['0', '130'], fated: ['0'], fates: ['0'] } as const;

test('the exit statuses are those of src/errors.ts, in its words', () => {
  for (const [program, page] of Object.entries(PROGRAM_PAGES)) {
    const listed = items(section(source(page), 'EXIT STATUS'));
    const codes = (Object.keys(ERRORS) as ErrorCode[]).filter(
      (code) => program === 'fate' || !FATE_ONLY.includes(code),
    );
    const expected = new Set([
      ...OWN_STATUSES[program as keyof typeof OWN_STATUSES],
      ...codes.map((code) => String(ERRORS[code].exit)),
    ]);
    assert.deepEqual(
      listed.map(({ head }) => head),
      [...expected].sort((a, b) => Number(a) - Number(b)),
      page,
    );
    for (const code of codes) {
      const { exit, text } = ERRORS[code];
      const said = prose(listed.find(({ head }) => head === String(exit))?.body ?? []).toLowerCase();
      assert.ok(said.includes(text.toLowerCase().replaceAll('`', '')), `${page}: ${exit} does not say: ${text}`);
    }
  }
});

const sources = readdirSync(join(repo, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(repo, 'src', name), 'utf8'));
const all = sources.join('\n');

/** Names in the sources that no user meets, each with the reason. */
const NOT_FOR_USERS: Readonly<Record<string, string>> = {
  FATE_DETACHED: 'a mark between a parent and its child, taken away at once',
  FATE_FAULT: 'listened to by the programs of the tests alone (src/faults.ts)',
  FATE_RESTARTED: 'a mark of the daemon for itself, over a restart',
  TYPO: 'an example of a variable that is not set',
  PWD: 'a task is given it where a shell enters its folder',
};

/** Read by something that the programs call: the C library, libsystemd, or a name that is put together. */
const NOT_IN_SOURCES: Readonly<Record<string, string>> = {
  HOME: 'os.homedir()',
  TZ: 'src/platform/zone-files.ts, by its type',
  WATCHDOG_USEC: 'sd_watchdog_enabled(3)',
  WATCHDOG_PID: 'sd_watchdog_enabled(3)',
  FATE_PREFIX_CONF: 'src/platform/paths.ts',
  FATE_PREFIX_DATA: 'src/platform/paths.ts',
  FATE_PREFIX_STATE: 'src/platform/paths.ts',
  FATE_PREFIX_RUN: 'src/platform/paths.ts',
};

test('every variable and field that the sources name is in a page', () => {
  const pages = PAGES.map((page) => source(page).join('\n')).join('\n');
  const named = new Set(
    [
      ...all.matchAll(/\bFATE_[A-Z]+(?:_[A-Z]+)*\b/g),
      ...all.matchAll(/(?<=\benv(?:ironment)?\.)[A-Z][A-Z0-9_]+\b/g),
    ].map(([name]) => name),
  );
  assert.ok(named.has('FATE_RUN_ID') && named.has('NO_COLOR') && named.has('XDG_STATE_HOME'), [...named].join());
  const untold = [...named].filter(
    (name) => NOT_FOR_USERS[name] === undefined && !new RegExp(`\\b${name}\\b`).test(pages),
  );
  assert.deepEqual(untold, []);
});

test('every variable of a page is read by something', () => {
  for (const page of Object.values(PROGRAM_PAGES)) {
    for (const { head } of items(section(source(page), 'ENVIRONMENT'))) {
      for (const name of wordsOf([`.It ${head}`], 'Ev'))
        assert.ok(NOT_IN_SOURCES[name] !== undefined || new RegExp(`\\b${name}\\b`).test(all), `${page}: ${name}`);
    }
  }
});

test('the events of the journal are those that the log knows', () => {
  const union = /export type LogEvent =([^;]*);/.exec(readFileSync(join(repo, 'src/types.ts'), 'utf8'))?.[1] ?? '';
  const known = [...union.matchAll(/'(\w+)'/g)].map(([, event]) => event);
  assert.ok(known.length > 10);
  const item = items(section(source('fated.8'), 'JOURNAL')).find(({ head }) => head === 'Va FATE_EVENT');
  assert.deepEqual(new Set(wordsOf(item?.body ?? [], 'Cm')), new Set(known));
});

test('what fated(8) says of its unit is in the unit', () => {
  const unit = readFileSync(join(repo, 'systemd/fated.service'), 'utf8');
  const settingOf = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? assert.fail(name);
  const said = prose(section(source('fated.8'), 'SYSTEMD'));
  assert.equal(settingOf('Type'), 'notify');
  assert.match(said, new RegExp(`again ${Number.parseInt(settingOf('RestartSec'), 10)} seconds after a crash`));
  const [last, ...statuses] = settingOf('RestartPreventExitStatus').split(' ').reverse();
  assert.ok(said.includes(`exit status ${statuses.reverse().join(', ')} or ${last},`), said);
  assert.match(said, new RegExp(`for ${Number.parseInt(settingOf('WatchdogSec'), 10)} seconds`));
});
