/** Tasks that another package brings along in /usr/lib/fate/tasks.d. */
import assert from 'node:assert/strict';
import { NEVER } from '../../system/fate-box.ts';
import { type DebBox, scenario, type Theme } from '../deb-box.ts';
import { tinyPackage } from '../package.ts';

const task = (name: string, text: string): string => `[${name}]\nschedule = "${NEVER}"\nshell = 'echo ${text} >&2'\n`;
const cleaner = (): Promise<string> =>
  tinyPackage('cleaner', { 'usr/lib/fate/tasks.d/cleaner.toml': task('clean', 'as packaged') });

/** The tasks that the running daemon has. */
async function tasks(fate: DebBox): Promise<string[]> {
  const list = JSON.parse(await fate.sh('fate list --json')) as { task: string; state: string }[];
  return list.map(({ task }) => task).sort();
}

async function says(fate: DebBox, words: string): Promise<void> {
  await fate.sh('fate run clean --wait');
  await fate.told('FATE_TASK=clean', `MESSAGE=${words}`);
}

export function otherPackages(theme: Theme): void {
  const name =
    "the running daemon takes up another package's tasks, and drops them with it; the administrator has the last word";
  scenario(theme, name, {}, async (fate) => {
    await fate.install();
    await fate.start(task('own', 'mine'));
    const pid = await fate.show('MainPID');
    await fate.install(await cleaner());
    assert.deepEqual(await tasks(fate), ['clean', 'own']);
    await says(fate, 'as packaged');

    fate.write('/etc/fate/tasks.d/cleaner.toml', task('clean', 'as I want it'));
    await fate.sh('systemctl reload fated');
    await says(fate, 'as I want it');

    await fate.sh('ln -sf /dev/null /etc/fate/tasks.d/cleaner.toml; systemctl reload fated');
    assert.deepEqual(await tasks(fate), ['own']);
    await fate.sh('rm /etc/fate/tasks.d/cleaner.toml; systemctl reload fated');
    assert.deepEqual(await tasks(fate), ['clean', 'own']);

    await fate.apt('remove', 'cleaner');
    assert.deepEqual(await tasks(fate), ['own']);
    assert.equal(await fate.show('MainPID'), pid);
  });

  scenario(theme, 'on a machine without a configuration of its own, the daemon starts for them', {}, async (fate) => {
    await fate.install();
    assert.equal(await fate.state('is-active'), 'inactive');
    await fate.install(await cleaner());
    assert.equal(await fate.state('is-active'), 'active');
    await says(fate, 'as packaged');
    await fate.apt('remove', 'cleaner');
    await fate.sh('systemctl is-system-running');
    assert.equal(await fate.state('is-active'), 'inactive', 'there is nothing to run any more');
    await fate.install(await cleaner());
    assert.equal(await fate.state('is-active'), 'active');
  });

  scenario(theme, 'a package with tasks that are refused is installed, and the daemon goes on', {}, async (fate) => {
    await fate.install();
    await fate.start(task('own', 'mine'));
    const broken = await tinyPackage('broken', { 'usr/lib/fate/tasks.d/broken.toml': '[broken\n' });
    await fate.sh(`DEBIAN_FRONTEND=noninteractive apt-get -y install ${fate.place(broken)}`, 120);
    assert.deepEqual([await fate.status('fate'), await fate.status('broken')], ['installed', 'installed']);
    assert.equal(await fate.state('is-active'), 'active');
    assert.deepEqual(await tasks(fate), ['own']);
  });

  scenario(
    theme,
    'a daemon that was stopped, or disabled, stays so when another package brings tasks',
    {},
    async (fate) => {
      await fate.install();
      await fate.start(task('own', 'mine'));
      await fate.sh('systemctl stop fated');
      await fate.install(await cleaner());
      assert.deepEqual([await fate.state('is-enabled'), await fate.state('is-active')], ['enabled', 'inactive']);
      await fate.apt('remove', 'cleaner');
      await fate.sh('systemctl disable --now fated');
      await fate.install(await cleaner());
      assert.deepEqual([await fate.state('is-enabled'), await fate.state('is-active')], ['disabled', 'inactive']);
    },
  );
}
