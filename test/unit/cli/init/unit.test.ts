import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commandLine, quote, renderUnit, startOf } from '../../../../src/cli/init/unit.ts';
import { repo } from '../../../helpers/repo.ts';

const TEMPLATE = `[Unit]
Documentation=file:@DOCDIR@/docs/systemd.md
[Service]
ExecStart=@BINDIR@/fated --system --foreground --no-banner
ExecReload=@BINDIR@/fate reload --system
Restart=on-failure
`;
const FACTS = {
  fate: ['/n', '/f.js'],
  fated: ['/n', '/d.js'],
  page: '/doc/systemd.md',
  profile: '--user',
  environment: {},
} as const;

test('a unit names its programs, its page and the profile', () => {
  assert.equal(
    renderUnit(TEMPLATE, FACTS),
    `[Unit]
Documentation=file:/doc/systemd.md
[Service]
ExecStart=/n /d.js --user --foreground --no-banner
ExecReload=/n /f.js reload --user
Restart=on-failure
`,
  );
});

test('without a page there is no Documentation=, without a profile no option, and variables come before the start', () => {
  const unit = renderUnit(TEMPLATE, {
    ...FACTS,
    page: null,
    profile: null,
    environment: { FATE_PREFIX_CONF: '/a b', X: '100%' },
  });
  assert.equal(
    unit,
    `[Unit]
[Service]
Environment="FATE_PREFIX_CONF=/a b"
Environment=X=100%%
ExecStart=/n /d.js --foreground --no-banner
ExecReload=/n /f.js reload
Restart=on-failure
`,
  );
});

test('words are quoted as systemd reads them', () => {
  assert.equal(quote('/usr/bin/node'), '/usr/bin/node');
  assert.equal(quote('/a b'), '"/a b"');
  assert.equal(quote('/50%'), '/50%%');
  assert.equal(quote('/say "x"\\y'), '"/say \\"x\\"\\\\y"');
  assert.equal(quote('/é\n'), '"/é\\x0a"');
  assert.equal(commandLine(['/a', '$b']), ':/a $b');
  assert.equal(commandLine(["/it's", 'x']), '/usr/bin/env "/it\'s" x');
});

test('the templates that are installed have nothing left to fill in, and start what they should', () => {
  for (const [file, profile] of [
    ['systemd/fated.service', '--system'],
    ['systemd/user/fated.service', '--user'],
  ] as const) {
    const unit = renderUnit(readFileSync(join(repo, file), 'utf8'), { ...FACTS, profile });
    assert.doesNotMatch(unit, /@[A-Z]+@/, file);
    assert.equal(startOf(unit), `/n /d.js ${profile} --foreground --no-banner`);
    assert.match(unit, new RegExp(`^ExecReload=/n /f\\.js reload ${profile}$`, 'm'));
  }
});

const skip =
  spawnSync('systemd-analyze', ['--version']).status === 0
    ? false
    : 'there is no systemd-analyze here (Debian: systemd)';

/** What systemd says against a unit that starts these words; it looks whether the first is a program. */
function verified(t: TestContext, words: (folder: string) => readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'fate-unit-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const unit = join(folder, 'fated.service');
  const all = words(folder);
  const template = readFileSync(join(repo, 'systemd/fated.service'), 'utf8');
  writeFileSync(
    unit,
    renderUnit(template, { ...FACTS, fated: all, fate: all, profile: '--system', environment: { A: '1 2%' } }),
  );
  const env = { ...process.env, SYSTEMD_COLORS: '0' };
  const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8', env });
  return stdout + stderr;
}

test('systemd finds programs whose path has spaces, %, $, quotes or letters of another script', { skip }, (t) => {
  for (const name of ['with space', '100%n', '$HOME', "it's", 'say "x"', 'back\\slash', 'naïve', ';', '~']) {
    const said = verified(t, (folder) => {
      mkdirSync(join(folder, name));
      copyFileSync('/bin/true', join(folder, name, 'node'));
      return [join(folder, name, 'node'), join(folder, name, 'fated.js')];
    });
    assert.equal(said, '', name);
  }
  assert.match(
    verified(t, (folder) => [join(folder, 'none')]),
    /not executable|No such file/,
    'it would tell',
  );
});
