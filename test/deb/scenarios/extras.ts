/** What a package brings besides its programs, and how it behaves beside the rest of Debian. */
import assert from 'node:assert/strict';
import { EVERY_SECOND } from '../../system/fate-box.ts';
import { scenario, type Theme } from '../deb-box.ts';

const TASKS = `[each]\nschedule = "${EVERY_SECOND}"\nshell = "echo a: 1"\n`;

/** Of one root, so that it is fetched once. */
const READERS = ['man-db', 'bash-completion', 'needrestart'];

export function extras(theme: Theme): void {
  scenario(theme, 'manual pages are where man looks', { packages: READERS }, async (fate) => {
    await fate.sh('rm -f /etc/dpkg/dpkg.cfg.d/docker*');
    const screen = await fate.install();
    assert.doesNotMatch(screen, /mandb/);
    for (const page of ['fate', 'fated', 'fates', 'fate-tasks', 'fate-defaults']) {
      await fate.sh(`man -w ${page}`);
      assert.match(await fate.sh(`MANWIDTH=80 man ${page} 2>&1 | head -n 5`), new RegExp(page, 'i'));
      assert.equal(await fate.sh(`LC_ALL=C.UTF-8 MANROFFSEQ= MANWIDTH=80 man --warnings ${page} 2>&1 >/dev/null`), '');
    }
    assert.match(await fate.sh('apropos -s 1,5,8 fate || whatis fate'), /^fated? .*\(\d\)/m);
  });

  scenario(theme, 'bash completes its commands and the names of tasks', { packages: READERS }, async (fate) => {
    await fate.install();
    fate.configure(TASKS);
    const load = '. /usr/share/bash-completion/bash_completion; _completion_loader $program; complete -p $program';
    for (const program of ['fate', 'fated', 'fates']) {
      assert.match(await fate.sh(`program=${program} bash -c '${load}'`), /^complete .*-F \w+ .*fate/);
    }
    await fate.sh(
      'test -e /usr/share/zsh/vendor-completions/_fate -a -e /usr/share/fish/vendor_completions.d/fate.fish',
    );
    const complete = `. /usr/share/bash-completion/bash_completion; _completion_loader fate
      complete_fate() { COMP_WORDS=(fate "$@"); COMP_CWORD=$#; COMP_LINE="fate $*"; COMP_POINT=\${#COMP_LINE}
        COMPREPLY=(); "$(complete -p fate | sed 's/.*-F \\([^ ]*\\).*/\\1/')" fate "\${!#}" "\${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\\n' "\${COMPREPLY[@]}"; }
      complete_fate rel; complete_fate run ea`;
    fate.write('/srv/complete', complete);
    assert.deepEqual(
      (await fate.sh('bash /srv/complete')).split('\n').map((word) => word.trim()),
      ['reload', 'each'],
    );
  });

  scenario(theme, 'needrestart leaves it alone', { packages: READERS }, async (fate) => {
    await fate.install();
    await fate.start(TASKS);
    const pid = await fate.show('MainPID');
    // As dpkg does it: a new file takes the name; what is mapped is a deleted file from then on.
    await fate.sh(`lib=$(awk '$6 ~ /libc\\.so/ { print $6 }' /proc/${pid}/maps | sort -u | head -n 1); test -n "$lib"
      cp -p "$lib" "$lib.new" && mv "$lib.new" "$lib"; grep -q 'libc.so.*(deleted)' /proc/${pid}/maps`);
    assert.match(await fate.sh('needrestart -b -r l', 60), /^NEEDRESTART-VER/m);
    await fate.sh('needrestart -q -r a', 120);
    assert.deepEqual([await fate.show('MainPID'), await fate.state('is-active')], [pid, 'active']);
  });

  scenario(
    theme,
    "its files are as they were packed after a day's use, and nobody but root can change them",
    {},
    async (fate) => {
      await fate.install();
      await fate.sh('fate init --system --no-prompt');
      await fate.start(TASKS);
      await fate.ended('each');
      await fate.sh('fate check; fate list; fates --help; systemctl reload fated; systemctl restart fated');
      await fate.ended('each');
      assert.equal(await fate.sh('dpkg -V fate'), '');
      const files = 'dpkg -L fate | while read -r file; do [ -L "$file" ] || find "$file" -maxdepth 0 -perm /o+w; done';
      assert.equal(await fate.sh(files), '');
      assert.equal(
        await fate.sh('find /usr/lib/fate ! -type l \\( -perm /g+w,o+w -o ! -user root -o ! -group root \\)'),
        '',
      );
      assert.equal(await fate.sh('find /usr/lib/fate -perm /u+s,g+s'), '');
      const unpackaged =
        'find /usr/lib/fate /usr/share/doc/fate | while read -r f; do dpkg -S "$f" >/dev/null 2>&1 || echo "$f"; done';
      assert.equal(await fate.sh(unpackaged), '');
      assert.doesNotMatch(await fate.sh('cat /var/lib/dpkg/info/fate.conffiles'), /etc\/fate/);
    },
  );

  scenario(theme, 'it is there again after the machine was started anew', {}, async (fate) => {
    await fate.install();
    await fate.start(TASKS);
    await fate.ended('each');
    await fate.shutDown();
    await fate.boot();
    assert.equal(await fate.state('is-active'), 'active');
  });
}
