/** What `apt remove` and `apt purge` leave, and what they do not. */
import assert from 'node:assert/strict';
import { EVERY_SECOND, NEVER } from '../../system/fate-box.ts';
import { type DebBox, scenario, type Theme } from '../deb-box.ts';

const TASKS = `
[each]
schedule = "${EVERY_SECOND}"
param = 7
shell = 'echo "n: 1"; echo "state: 1" >&4'
path.keep.count = 3
[day]
schedule = "${NEVER}"
shell = "echo done"
`;

/** What is a machine's own, and changes by itself: logs, lists and caches of apt and dpkg, what is in memory. */
const OWN = [
  ...['/proc', '/sys', '/dev', '/run', '/tmp', '/srv', '/root/.cache', '/var/log/journal', '/var/log/apt', '/var/tmp'],
  ...[
    '/var/log/alternatives.log',
    '/var/log/dpkg.log',
    '/var/lib/dpkg',
    '/var/lib/apt',
    '/var/cache',
    '/var/lib/systemd',
  ],
  ...['/var/log/lastlog', '/var/log/wtmp', '/var/log/btmp', '/etc/machine-id', '/etc/ld.so.cache', '/var/lib/pam'],
];
const PRUNED = OWN.map((path) => `-path ${path}`).join(' -o ');
/** Every file of the machine: kind, mode, owner, path, where a link leads; of /etc also what is in it. */
const MACHINE = `find / -xdev \\( ${PRUNED} \\) -prune -o -printf '%y %m %u %p %l\\n' | sort -k 4
  find /etc -type f ! -name machine-id ! -name ld.so.cache -exec md5sum {} + | sort -k 2`;

/** Lines that are only in the second. */
function added(before: string, after: string): string[] {
  const known = new Set(before.split('\n'));
  return after.split('\n').filter((line) => !known.has(line));
}

const lost = (before: string, after: string): string[] => added(after, before);

/** The user stays, so that nobody gets its number, and its files: these four and their backups name it. */
const ACCOUNTS = /^\S+ .*\/etc\/(passwd|group|shadow|gshadow)-? ?$|^d 755 root \/etc $/;

async function used(fate: DebBox): Promise<void> {
  await fate.install();
  await fate.start(TASKS);
  await fate.sh('fate run day --wait');
  await fate.ended('each');
}

export function removing(theme: Theme): void {
  const purged = 'purge leaves results that are there, says so, and nothing else but the user';
  scenario(theme, purged, { short: true }, async (fate) => {
    const before = await fate.sh(MACHINE);
    await used(fate);
    const screen = await fate.apt('purge', 'fate');
    const left = await fate.sh('ls /var/log/fate/result | wc -l');
    assert.ok(Number(left) > 0);
    const told = screen.split('\n').filter((line) => line.includes('/var/log/fate/result'));
    assert.equal(told.length, 1, screen);
    assert.match(told[0] ?? '', new RegExp(`\\b${left}\\b`));
    assert.equal(await fate.sh('find /var/log/fate ! -path "/var/log/fate/result*"'), '/var/log/fate');

    await fate.sh('rm -r /var/log/fate');
    const after = await fate.sh(MACHINE);
    assert.deepEqual(
      added(before, after).filter((line) => !ACCOUNTS.test(line)),
      [],
    );
    assert.deepEqual(
      lost(before, after).filter((line) => !ACCOUNTS.test(line)),
      [],
    );
    assert.equal(
      await fate.sh('getent passwd fate | cut -d : -f 1; dpkg-query -W fate 2>&1 || true'),
      'fate\ndpkg-query: no packages found matching fate',
    );
    assert.equal(
      await fate.sh('systemctl is-system-running; systemctl list-unit-files --no-legend "fate*" || true'),
      'running',
    );
    assert.equal((await fate.run('pgrep -f /usr/lib/fate')).stdout, '');
  });

  scenario(theme, 'purge removes a folder of results that is empty, and says nothing', {}, async (fate) => {
    await fate.install();
    await fate.start(`[day]\nschedule = "${NEVER}"\nshell = "true"\n`);
    await fate.sh('fate run day --wait; mkdir -p /var/log/fate/result');
    const screen = await fate.apt('purge', 'fate');
    assert.doesNotMatch(screen, /result/);
    await fate.sh(
      'test ! -e /var/log/fate -a ! -e /var/lib/fate -a ! -e /etc/fate -a ! -e /run/fate -a ! -e /usr/lib/fate',
    );
  });

  scenario(theme, 'purge leaves what it does not know in /etc/fate, and says so', {}, async (fate) => {
    await used(fate);
    fate.write('/etc/fate/password', 'secret\n', 0o600);
    fate.write('/etc/fate/tasks.d/mine.toml', `[mine]\nschedule = "${NEVER}"\nshell = "true"\n`);
    fate.write('/etc/fate/tasks.d/notes.txt', 'mine\n');
    fate.write('/etc/systemd/system/fated.service.d/own.conf', '[Unit]\nDescription=Mine\n');
    await fate.sh('systemctl daemon-reload');
    const screen = await fate.apt('purge', 'fate');
    assert.match(screen, /\/etc\/fate\b/);
    const files = await fate.sh('cd /etc/fate && find . -type f | sort');
    assert.equal(files, './password\n./tasks.d/notes.txt');
    await fate.sh('test -e /etc/systemd/system/fated.service.d/own.conf');
  });

  scenario(theme, 'purge never follows a link: what it leads to stays', {}, async (fate) => {
    await used(fate);
    await fate.sh(`systemctl stop fated; mv /var/log/fate /srv/log; mv /var/lib/fate /srv/state; mv /etc/fate /srv/conf
      ln -s /srv/log /var/log/fate; ln -s /srv/state /var/lib/fate; ln -s /srv/conf /etc/fate; touch /srv/log/mine`);
    const behind = 'find /srv/log /srv/state /srv/conf -type f | sort';
    const before = await fate.sh(behind);
    const screen = await fate.apt('purge', 'fate');
    for (const link of ['/var/log/fate', '/var/lib/fate', '/etc/fate']) assert.ok(screen.includes(link), screen);
    assert.equal(await fate.sh(behind), before);
    for (const there of ['/srv/log/mine', '/srv/log/result/', '/data.mdb', '/srv/conf/tasks.toml'])
      assert.ok(before.includes(there), before);
  });

  scenario(theme, 'the same of a link in place of the folder of results', {}, async (fate) => {
    await fate.install();
    await fate.sh('mkdir -p /srv/results /var/log/fate; ln -s /srv/results /var/log/fate/result');
    await fate.start(TASKS);
    await fate.ended('each');
    await fate.apt('remove', 'fate');
    const before = await fate.sh('ls /srv/results');
    await fate.apt('purge', 'fate');
    assert.equal(await fate.sh('ls /srv/results'), before);
    assert.match(before, /result-/);
  });

  scenario(theme, 'remove keeps configuration, state and results; an install goes on from there', {}, async (fate) => {
    await used(fate);
    await fate.apt('remove', 'fate');
    assert.equal((await fate.run('pgrep -f /usr/lib/fate')).stdout, '', 'a removed daemon has stopped');
    await fate.sh('test -e /etc/fate/tasks.toml && ls /var/lib/fate/*/conf && ls /var/log/fate/result/*');
    assert.equal(await fate.sh('systemctl is-system-running'), 'running');
    await fate.sh('sleep 3');
    await fate.install();
    assert.equal(await fate.state('is-enabled'), 'enabled');
    assert.equal(await fate.state('is-active'), 'active');
    await fate.waitFor('fate runs each -n 1 --status OK --json | grep -q run');
    const runs = await fate.runs('each');
    assert.equal((await fate.runs('day')).length, 1, 'a day that nobody missed');
    // The seconds of its absence are one occurrence: late by less than a minute, so that one run stands for them all.
    const merged = runs.filter(({ count }) => count > 1);
    assert.ok(merged.length <= 2, JSON.stringify(merged));
    assert.equal(new Set(runs.map(({ due }) => due)).size, runs.length);
  });

  scenario(theme, 'purge of a package that was removed before', {}, async (fate) => {
    await used(fate);
    await fate.apt('remove', 'fate');
    await fate.sh('rm -r /var/log/fate/result');
    await fate.apt('purge', 'fate');
    await fate.sh('test ! -e /var/log/fate -a ! -e /var/lib/fate -a ! -e /etc/fate -a ! -e /usr/lib/fate');
  });
}
