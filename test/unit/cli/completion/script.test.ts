/** The texts of the completions: whole, sound to their own shells, and nothing to load. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { COMPLETION_FILES, completionScript, SHELLS, type Shell } from '../../../../src/cli/completion/script.ts';
import { everyCommand, programTrees } from '../../../../src/cli/completion/tree.ts';
import { makeWorld, output, whyNot } from './shells.ts';

const PACKAGE = '/usr/share/bash-completion/bash_completion';
const commands = programTrees().flatMap(everyCommand);

/** How a shell's text calls an option. */
const WRITTEN: Readonly<Record<Shell, (name: string) => string>> = {
  bash: (name) => name,
  zsh: (name) => `)${name}`,
  fish: (name) => (name.startsWith('--') ? ` -l ${name.slice(2)} ` : ` -s ${name.slice(1)} `),
  tcsh: (name) => name,
};
/** Where what belongs to a command begins. */
const PLACES: Readonly<Record<Shell, (path: readonly string[]) => string>> = {
  bash: (path) => `'${path.join(' ')}')`,
  zsh: (path) => `_fate_at_${path.join('_')}() {`,
  fish: (path) => `'__fate_at \\'${path.join(' ')}\\'`,
  tcsh: (path) => `O["${path.join(' ')}"]`,
};

for (const shell of SHELLS) {
  test(`the text for ${shell} has every command, each with its options`, () => {
    const text = completionScript(shell);
    for (const { path, options } of commands) {
      const place = PLACES[shell](path);
      const start = text.indexOf(place);
      assert.ok(start >= 0, `${shell}: ${place}`);
      const others = commands.map((other) => text.indexOf(PLACES[shell](other.path), start + place.length));
      const later = others.filter((at) => at > start);
      // In fish each option has its place.
      const end = shell === 'fish' || later.length === 0 ? text.length : Math.min(...later);
      const own = text.slice(start, end);
      for (const name of options.flatMap(({ names }) => names)) {
        assert.ok(own.includes(WRITTEN[shell](name)), `${shell}: ${path.join(' ')} ${name}`);
      }
    }
  });

  test(`${shell} finds no mistake in its text`, { skip: whyNot(shell) }, (t) => {
    const world = makeWorld(t, 'touch called');
    output(world, [shell, '-n', world.script(shell)]);
  });

  test(`to load it, ${shell} runs nothing of Fate, and says nothing`, { skip: whyNot(shell) }, (t) => {
    const world = makeWorld(t, 'touch called');
    // zsh loads it within its own completion only; this is what compinit would call.
    const before = shell === 'zsh' ? 'autoload -Uz compinit; compinit -D -u; ' : '';
    assert.equal(output(world, [shell, '-c', `${before}source ${world.script(shell)}`]), '');
    assert.equal(existsSync(join(world.root, 'called')), false);
  });
}

test('the text for bash is clean to shellcheck', { skip: whyNot('shellcheck') }, (t) => {
  const world = makeWorld(t, '');
  const { status, stdout } = spawnSync('shellcheck', [world.script('bash')], { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});

test('bash-completion loads it by the name of each program', { skip: whyNot('bash') || noPackage() }, (t) => {
  const world = makeWorld(t, '');
  const { file, links } = COMPLETION_FILES.bash;
  const folder = join(world.root, '.local', 'share', 'bash-completion', 'completions');
  output(world, ['mkdir', '-p', folder]);
  output(world, ['cp', world.script('bash'), join(folder, file)]);
  for (const link of links) output(world, ['ln', '-s', file, join(folder, link)]);
  for (const name of [file, ...links]) {
    const loads = `source ${PACKAGE}; _completion_loader ${name}; complete -p ${name}`;
    assert.equal(output(world, ['bash', '--norc', '-c', loads]), `complete -F _fate ${name}\n`);
  }
});

test('fish loads it by the name of each program', { skip: whyNot('fish') }, (t) => {
  const world = makeWorld(t, '');
  const { file, links } = COMPLETION_FILES.fish;
  const folder = join(world.root, '.config', 'fish', 'completions');
  output(world, ['mkdir', '-p', folder]);
  output(world, ['cp', world.script('fish'), join(folder, file)]);
  for (const link of links) output(world, ['ln', '-s', file, join(folder, link)]);
  for (const name of [file, ...links]) {
    const program = basename(name, '.fish');
    // It loads nothing for a program that is not there.
    if (program !== 'fate') output(world, ['cp', join(world.root, 'bin', 'fate'), join(world.root, 'bin', program)]);
    const words = output(world, ['fish', '-c', `complete -C '${program} --ver'`]);
    assert.match(words, /^--version\t/, name);
  }
});

function noPackage(): string | false {
  return existsSync(PACKAGE) ? false : 'there is no bash-completion on this machine';
}
