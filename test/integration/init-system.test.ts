/** `fate init --system` as root, on a machine that is thrown away: /etc and /usr below a layer of this test's own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { installPrefix } from '../helpers/installation.ts';
import { repo } from '../helpers/repo.ts';

const LAYERS = `set -eu
mount -t tmpfs -o mode=755 tmpfs "$LAYER"
for folder in etc usr; do
  mkdir "$LAYER/$folder" "$LAYER/$folder.work"
  mount -t overlay -o "lowerdir=/$folder,upperdir=$LAYER/$folder,workdir=$LAYER/$folder.work" overlay "/$folder"
done
rm -rf /etc/fate /etc/systemd/system/fated.service /etc/systemd/system/multi-user.target.wants/fated.service
find /usr/share /usr/lib/systemd /usr/local/lib -name 'fate' -o -name 'fated*' -o -name _fate -o -name 'fate.fish' | xargs rm -rf
sed -i '/^fate:/d' /etc/group
export HOME="$LAYER" SHELL=/bin/bash
umask 0
`;

function reasonToSkip(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  return onLayers(mkdtempSync(join(tmpdir(), 'fate-layer-')), checkout, 'true').status === 0
    ? false
    : 'cannot mount here';
}

const checkout = `${process.execPath} ${join(repo, 'dist/fate.js')}`;

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function onLayers(layer: string, fate: string, script: string): Ran {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LAYER: layer, LANG: 'C.UTF-8', FATE: fate };
  const ran = spawnSync('unshare', ['--mount', 'sh', '-c', `${LAYERS}\n${script}`], { env, encoding: 'utf8' });
  rmSync(layer, { recursive: true, force: true });
  return ran;
}

const skip = reasonToSkip();

/** Runs a script on it and gives what it printed. */
function sh(script: string, fate = checkout): string {
  const { status, stdout, stderr } = onLayers(mkdtempSync(join(tmpdir(), 'fate-layer-')), fate, script);
  assert.equal(status, 0, `${script}\n${stdout}${stderr}`);
  return stdout;
}

const MADE = [
  '/etc/fate/tasks.toml',
  '/etc/fate/defaults.toml',
  '/usr/share/bash-completion/completions/fate',
  '/usr/share/bash-completion/completions/fated',
  '/usr/share/bash-completion/completions/fates',
  '/etc/systemd/system/fated.service',
];
const withoutHints = (text: string): string => text.replaceAll(/^next: .*\n/gm, '');

test("everything is made for the system, root's, and for nobody else to write, whatever the umask", { skip }, () => {
  const out = sh(`$FATE init --system
    stat -c '%A %U %G %n' /etc/fate ${MADE.join(' ')}
    systemd-analyze verify --man=no /etc/systemd/system/fated.service
    $FATE check --system`);
  const modes = [
    'drwxr-xr-x root root /etc/fate',
    ...MADE.map((path) => `${/fate[ds]$/.test(path) ? 'lrwxrwxrwx' : '-rw-r--r--'} root root ${path}`),
  ];
  assert.equal(withoutHints(out), [...MADE.map((path) => `made ${path}`), ...modes, ''].join('\n'));
  assert.match(out, /^next: systemctl daemon-reload && systemctl enable --now fated/m);
  assert.match(out, /^next: .*: groupadd --system fate, and make them members$/m);
  assert.doesNotMatch(out, /linger/);
});

test('the group is mentioned only where there is none, and the next step until it is done', { skip }, () => {
  const out = sh(`echo fate:x:990: >>/etc/group
    $FATE init serv --system
    echo ---
    mkdir -p /etc/systemd/system/multi-user.target.wants
    ln -s ../fated.service /etc/systemd/system/multi-user.target.wants/fated.service
    $FATE init serv --system
    echo ---
    mount -t tmpfs run /run
    mkdir /run/fate
    : >/run/fate/control.sock
    $FATE init serv --system`);
  const [first = '', second = '', third] = out.split('---\n');
  assert.doesNotMatch(first, /groupadd/);
  assert.match(first, /enable --now/);
  assert.match(second, /^same \/etc\/systemd\/system\/fated\.service\nnext: systemctl start fated/);
  assert.equal(third, 'same /etc/systemd/system/fated.service\n', 'it runs');
});

test('what a package has put there is found, for root and for users', { skip }, (t: TestContext) => {
  const prefix = mkdtempSync(join(tmpdir(), 'fate-prefix-'));
  t.after(() => rmSync(prefix, { recursive: true, force: true }));
  const [fate = ''] = installPrefix(prefix);
  const out = sh(
    `mkdir -p /usr/lib/systemd/system
    sed 's#@BINDIR@#${prefix}/bin#' ${repo}/systemd/fated.service >/usr/lib/systemd/system/fated.service
    $FATE init comp --system >/dev/null
    $FATE init comp --user
    $FATE init serv --system
    ln -s /dev/null /etc/systemd/system/fated.service
    $FATE init serv --system
    ls /etc/systemd/system/fated.service -l | grep -c /dev/null
    find "$HOME" -path '*local*'`,
    fate,
  );
  const completions = MADE.filter((path) => path.startsWith('/usr')).map((path) => `same ${path}\n`);
  const there = 'there already /usr/lib/systemd/system/fated.service (with these programs)\n';
  assert.equal(withoutHints(out), `${completions.join('')}${there}${there}1\n`);
  assert.match(out, /^next: systemctl enable --now fated/m);
  assert.match(out, /^next: \/etc\/systemd\/system\/fated\.service takes its place, and is left$/m);
});

test('a masked unit is not written through, and what is read-only is a 73', { skip }, () => {
  const out = sh(`ln -s /dev/null /etc/systemd/system/fated.service
    $FATE init serv --system
    mount -o remount,ro /etc
    status=0
    $FATE init conf --system 2>&1 || status=$?
    $FATE init conf --system --dry-run 2>/dev/null || echo "$status $?"`);
  assert.equal(
    out,
    `differs, left /etc/systemd/system/fated.service (a link to /dev/null)
fate: cannot write /etc/fate/tasks.toml: /etc is on a file system that is read-only
not made /etc/fate/defaults.toml
not made /etc/fate/defaults.toml
73 73
`,
  );
});

test('zsh, fish and tcsh have their places in the system, too', { skip }, () => {
  const out = sh(`mkdir -p /usr/share/zsh/vendor-completions
    for shell in zsh fish tcsh; do $FATE init comp --system --shell $shell; done`);
  assert.equal(
    withoutHints(out),
    [
      'zsh/vendor-completions/_fate',
      'fish/vendor_completions.d/fate.fish',
      'fish/vendor_completions.d/fated.fish',
      'fish/vendor_completions.d/fates.fish',
      'tcsh/fate.tcsh',
    ]
      .map((path) => `made /usr/share/${path}\n`)
      .join(''),
  );
});
