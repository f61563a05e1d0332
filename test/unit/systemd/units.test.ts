/** The units as systemd itself judges them (systemd-analyze(1), which needs no systemd that runs), and as the documents say. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ERRORS } from '../../../src/errors.ts';
import { repo } from '../../helpers/repo.ts';

const read = (path: string): string => readFileSync(join(repo, path), 'utf8');
const UNITS = { system: 'systemd/fated.service', user: 'systemd/user/fated.service' } as const;
type Scope = keyof typeof UNITS;

const version = /^systemd (\d+)/.exec(
  spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' }).stdout ?? '',
)?.[1];
const skip = version === undefined ? 'there is no systemd-analyze here (Debian: systemd)' : false;

interface Judged {
  readonly status: number | null;
  readonly output: string;
}

/** A unit as packaging/scripts/install.sh renders it, with programs that are there. */
function render(t: TestContext, scope: Scope, dropIn: string | null = null): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-units-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const program of ['fate', 'fated']) writeFileSync(join(folder, program), '#!/bin/sh\n', { mode: 0o755 });
  const unit = join(folder, 'fated.service');
  writeFileSync(unit, read(UNITS[scope]).replaceAll('@BINDIR@', folder).replaceAll('@DOCDIR@', '/usr/share/doc/fate'));
  if (dropIn !== null) {
    mkdirSync(`${unit}.d`);
    writeFileSync(join(`${unit}.d`, 'hardening.conf'), dropIn);
  }
  return unit;
}

function analyze(unit: string, ...args: readonly string[]): Judged {
  // A user's manager, which it plays, has a folder for what it runs. The manual is not looked for: it may not be installed.
  const env = { ...process.env, XDG_RUNTIME_DIR: join(unit, '..'), SYSTEMD_COLORS: '0' };
  const { status, stdout, stderr } = spawnSync('systemd-analyze', [...args, '--man=no', unit], {
    encoding: 'utf8',
    env,
  });
  return { status, output: `${stdout}${stderr}` };
}

test('systemd-analyze verify finds nothing in the units, with the hardening drop-in and without', { skip }, (t) => {
  const hardening = read('systemd/hardening.conf');
  const clean = { status: 0, output: '' };
  // Here the man pages that the units name are not installed.
  const verify = ['verify', '--man=no'];
  assert.deepEqual(analyze(render(t, 'system'), ...verify), clean);
  assert.deepEqual(analyze(render(t, 'system', hardening), ...verify), clean);
  assert.deepEqual(analyze(render(t, 'user'), ...verify, '--user'), clean);
  const { output } = analyze(render(t, 'system', `${hardening}Colour=blue\n`), ...verify);
  assert.match(output, /Colour/, 'it reads the drop-in, and would tell');
});

/** `| plain | 9.6 | 9.4 |` below a head that names the versions. */
function documented(row: string): ReadonlyMap<string, string> {
  const page = read('docs/systemd.md');
  const cells = (line: string): string[] => line.split('|').map((cell) => cell.trim());
  const head = cells(/^\| *exposure *\|.*$/m.exec(page)?.[0] ?? '');
  const values = cells(new RegExp(`^\\| *${row} *\\|.*$`, 'm').exec(page)?.[0] ?? '');
  return new Map(head.map((title, i) => [title.replace('systemd ', ''), values[i] ?? '']));
}

for (const [row, dropIn] of [
  ['fated.service', null],
  ['with hardening.conf', 'systemd/hardening.conf'],
] as const) {
  test(`the exposure of ${row}, as systemd-analyze security sees it, is what the documents say`, { skip }, (t) => {
    const told = documented(row);
    const oldest = told.get('252') ?? '';
    assert.match(oldest, /^\d\.\d$/, 'docs/systemd.md has it');
    const limit = told.get(version ?? '') ?? oldest;
    const unit = render(t, 'system', dropIn === null ? null : read(dropIn));
    const threshold = `--threshold=${Math.round(Number(limit) * 10)}`;
    const { status, output } = analyze(unit, 'security', '--offline=yes', threshold);
    assert.equal(status, 0, `more than ${limit}:\n${output}`);
    const found = /exposure level for fated\.service: ([\d.]+)/.exec(output)?.[1];
    if (told.has(version ?? '')) assert.equal(found, limit, 'it has become better: say so in docs/systemd.md');
  });
}

const statusesOf = (unit: string): number[] =>
  (/^RestartPreventExitStatus=(.*)$/m.exec(unit)?.[1] ?? '').split(' ').map(Number);

test('neither unit is started again for what only a person can put right', () => {
  const persons = Object.entries(ERRORS)
    .filter(
      ([code]) => code === 'USAGE' || code === 'LOCK_HELD' || code === 'NOT_PERMITTED' || code.startsWith('CONF_'),
    )
    .map(([, { exit }]) => exit);
  const expected = [...new Set(persons)].sort((a, b) => a - b);
  for (const path of Object.values(UNITS)) assert.deepEqual(statusesOf(read(path)), expected, path);
  for (const passing of [ERRORS.FATAL, ERRORS.SOFTWARE, ERRORS.TEMPORARY])
    assert.ok(!expected.includes(passing.exit), `${passing.exit} may be another time tomorrow`);
});

test('both units say the same wherever a user and the system do not differ', () => {
  const lines = (path: string): string[] => read(path).match(/^[A-Za-z]+=.*$/gm) ?? [];
  const [system, user] = [lines(UNITS.system), lines(UNITS.user)];
  const differs = /^(Description|ExecStart|ExecReload|WantedBy)=/;
  assert.deepEqual(
    user.filter((line) => !system.includes(line) && !differs.test(line)),
    [],
  );
  const systemOnly =
    /^(Wants|After|StateDirectory|LogsDirectory|ConfigurationDirectory|RuntimeDirectory\w*|LogRateLimit\w+)=/;
  assert.deepEqual(
    system.filter((line) => !user.includes(line) && !differs.test(line) && !systemOnly.test(line)),
    [],
  );
});

test('the installer fills in all that the units leave open', () => {
  const open = new Set(Object.values(UNITS).flatMap((path) => read(path).match(/@[A-Z]+@/g) ?? []));
  assert.deepEqual([...open].sort(), ['@BINDIR@', '@DOCDIR@']);
  const script = read('packaging/scripts/install.sh');
  for (const name of open) assert.ok(script.includes(`s#${name}#`), name);
  assert.deepEqual(readdirSync(join(repo, 'systemd'), { recursive: true }).sort(), [
    'fated.service',
    'hardening.conf',
    'user',
    'user/fated.service',
  ]);
});

test('the hardening drop-in argues each line, and has none that the daemon cannot live with', () => {
  const lines = read('systemd/hardening.conf').split('\n');
  const settings = lines.flatMap((line, i) => (/^[A-Z]\w+=/.test(line) ? [{ line, before: lines[i - 1] ?? '' }] : []));
  assert.ok(settings.length > 15);
  // A line that goes on with the one before it stands below the same comment.
  const goesOn = /^(CapabilityBoundingSet|SystemCallErrorNumber)=/;
  assert.deepEqual(
    settings.filter(({ line, before }) => !before.startsWith('#') && !goesOn.test(line)),
    [],
  );
  const fatal = /^(MemoryDenyWriteExecute|ProtectControlGroups|ProtectProc|ProcSubset|PrivateUsers|User|DynamicUser)=/;
  assert.deepEqual(
    settings.filter(({ line }) => fatal.test(line)),
    [],
  );
});
